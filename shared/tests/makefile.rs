//! What `make` would do.

use std::io;

use shared::harness::footer::PROGRAMS;

mod harness;
mod repository;

/// The commands of a target, with variables or an environment.
fn commands(target: &[&str], environment: &[(&str, &str)]) -> io::Result<Option<String>> {
    said("make", &[&["--dry-run"], target].concat(), environment)
}

/// What a program says in the root, with nothing of the cargo and the make that may have started the tests.
fn said(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> io::Result<Option<String>> {
    let Some(program) = harness::find_tool(program) else { return Ok(None) };
    let mut command = harness::command(program, arguments);
    command.current_dir(repository::root());
    command.env_remove("MAKEFLAGS").env_remove("MAKELEVEL").env_remove("CARGO").env_remove("CARGO_TARGET_DIR");
    let output = harness::output(command.envs(environment.iter().copied()))?;
    Ok(Some(harness::text(&output.stdout)))
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
        let Some(shown) = said("script", &on_terminal, &[])? else { break };
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

/// The first two have nothing to measure.
#[test]
fn every_program_is_installed_asked_and_listed_and_measured_where_it_has_a_bench() -> io::Result<()> {
    for (target, expected) in
        [("install", &PROGRAMS[..]), ("claims", &PROGRAMS), ("help", &PROGRAMS), ("bench", &PROGRAMS[2..])]
    {
        let Some(commands) = commands(&[target], &[])? else { break };
        assert!(commands.contains(&format!("for program in {}; do", expected.join(" "))), "{commands}");
    }
    Ok(())
}
