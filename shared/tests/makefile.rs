//! What `make` would do.

use std::io::{self, Write};
use std::process::{Command, Stdio};

/// The commands of a target, with variables or an environment.
fn commands(target: &[&str], environment: &[(&str, &str)]) -> io::Result<Option<String>> {
    said(fresh("make").arg("--dry-run").args(target).envs(environment.iter().copied()))
}

/// In the root, with nothing of the cargo and the make that may have started the tests.
fn fresh(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).stdin(Stdio::null());
    command.env_remove("MAKEFLAGS").env_remove("MAKELEVEL").env_remove("CARGO").env_remove("CARGO_TARGET_DIR");
    command
}

fn said(make: &mut Command) -> io::Result<Option<String>> {
    match make.output() {
        Err(error) => writeln!(io::stderr(), "skipped: {make:?}: {error}").map(|()| None),
        Ok(output) => Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned())),
    }
}

#[test]
fn install_takes_what_cargo_has_built_wherever_that_is() -> io::Result<()> {
    for (environment, folder) in [(&[("CARGO_TARGET_DIR", "/else/where")][..], "/else/where"), (&[], "target")] {
        let Some(install) = commands(&["install"], environment)? else { break };
        assert!(install.contains(&format!("\"{folder}/release/$program\"")), "{install}");
    }
    Ok(())
}

/// A build takes minutes. In a script nothing but what the program says is to be seen.
#[test]
fn on_a_terminal_alone_a_build_shows_how_far_it_has_come() -> io::Result<()> {
    for target in ["run-tcpsock", "claims", "bench", "docs"] {
        let Some(quiet) = commands(&[target], &[])? else { break };
        assert!(quiet.contains("cargo run --quiet") && !quiet.contains("cargo build"), "{quiet}");
        let on_terminal = ["--quiet", "--return", "--command", &format!("make --dry-run {target}"), "/dev/null"];
        let Some(shown) = said(fresh("script").args(on_terminal))? else { break };
        assert!(shown.starts_with("cargo build --profile release --locked --bin"), "{shown}");
    }
    Ok(())
}

#[test]
fn the_tests_of_a_package_are_run_though_those_of_another_fail() -> io::Result<()> {
    let Some(test) = commands(&["test"], &[])? else { return Ok(()) };
    assert!(test.contains("--workspace --no-fail-fast"), "{test}");
    Ok(())
}

/// A package may hold a second program. Two have nothing to measure.
#[test]
fn every_program_is_installed_asked_and_listed_and_measured_where_it_has_a_bench() -> io::Result<()> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let is_there = |name: &&str| {
        ["pipe-demo", "signal-demo"]
            .iter()
            .any(|package| std::path::Path::new(root).join(package).join("src/bin").join(name).join("main.rs").exists())
    };
    let second: Vec<&str> = ["process-demo", "sync-demo"].into_iter().filter(is_there).collect();
    let first = ["pipe-demo", "fifo-demo", "signal-demo", "tcpsock", "unixsock"];
    let all = [&second[..], &first].concat();
    for (target, expected) in [("install", &all[..]), ("claims", &all), ("help", &all), ("bench", &first)] {
        let Some(commands) = commands(&[target], &[])? else { break };
        assert!(commands.contains(&format!("for program in {}; do", expected.join(" "))), "{commands}");
    }
    Ok(())
}
