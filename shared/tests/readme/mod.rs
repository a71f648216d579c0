//! The README is true: its table has the commands that there are, and its sessions and the guide's are run.
//!
//! A program's own `tests/readme.rs` includes this file and names itself.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

#[path = "../harness/mod.rs"]
mod harness;
#[path = "numbers.rs"]
mod numbers;
#[path = "table.rs"]
mod table;

use numbers::without_numbers;

/// What all programs have is said once, beside the table.
const EVERYWHERE: [&str; 3] = ["bench", "claims", "help"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every command of the program stands in the table, and nothing else does.
pub fn table_matches_the_commands(name: &str, program: &str) -> io::Result<()> {
    let help = harness::output(&mut harness::command(program, &["--help"]))?;
    let help = harness::text(&help.stdout);
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let listed: BTreeSet<&str> = listed
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| !EVERYWHERE.contains(command))
        .collect();
    for readme in readmes()? {
        let entries = table::entries(&readme);
        let in_table: BTreeSet<&str> =
            entries.iter().filter(|entry| entry.program == name).map(|entry| &*entry.command).collect();
        assert_eq!(in_table, listed, "the table and `{name} --help`");
    }
    Ok(())
}

/// Each ```` ```console ```` block that runs `name` prints what it shows, numbers and the order of lines apart. A
/// command goes on behind `> `.
pub fn sessions_are_real(name: &str, program: &str) -> io::Result<()> {
    let mut sessions = 0;
    for text in readmes()?.into_iter().chain(pages()?) {
        for block in text.split("```console\n").skip(1).filter_map(|text| text.split("```").next()) {
            if !block.lines().any(|line| line.starts_with("$ ") && line.contains(name)) {
                continue;
            }
            sessions += 1;
            let (commands, shown): (Vec<&str>, Vec<&str>) =
                block.lines().partition(|line| line.starts_with("$ ") || line.starts_with("> "));
            let script = commands.iter().map(|line| &line[2..]).collect::<Vec<_>>().join("\n");
            let came = run(&script, program)?;
            if let Some(skipped) = came.lines().find(|line| is_skipped(line)) {
                harness::say(format_args!("not shown on this machine: {script}: {skipped}"));
                continue;
            }
            assert_eq!(normal(came.lines()), normal(shown), "\n{script}\n{came}");
        }
    }
    assert!(sessions > 0, "the README shows no session of {name}");
    Ok(())
}

/// What this machine cannot show, as in `63 skipped | there is only one CPU`, or a command that says so itself.
fn is_skipped(line: &str) -> bool {
    line.split_whitespace().nth(1) == Some("skipped") || line.contains(": cannot be shown here: ")
}

/// Runs a session in one shell, in a folder of its own; one of `make` at the root, where it takes the
/// programs that are built for tests.
fn run(script: &str, program: &str) -> io::Result<String> {
    let programs = Path::new(program).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
    let mut shell = harness::command("sh", &["-c", &format!("exec 2>&1\n{}", script.replace("8085", &port))]);
    let folder = tempfile::tempdir()?;
    shell.current_dir(if script.starts_with("make") { root() } else { folder.path().to_owned() });
    // Not as a part of the `make test` that may run us.
    shell.env("LC_ALL", "C.UTF-8").env("PATH", path).env("MAKEFLAGS", "PROFILE=dev").env_remove("MAKELEVEL");
    Ok(harness::text(&harness::long_output(&mut shell)?.stdout))
}

/// Lines sorted, each number as `0`.
fn normal<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut lines: Vec<String> = lines.into_iter().map(without_numbers).collect();
    lines.sort();
    lines
}

fn readmes() -> io::Result<Vec<String>> {
    let all = ["README.md", "README.zh.md"].map(|name| root().join(name));
    all.into_iter().filter(|path| path.exists()).map(fs::read_to_string).collect()
}

/// The pages of the reading guide.
fn pages() -> io::Result<Vec<String>> {
    let files = fs::read_dir(root().join("docs"))?.collect::<io::Result<Vec<_>>>()?;
    let pages =
        files.into_iter().map(|file| file.path()).filter(|path| path.extension().is_some_and(|end| end == "md"));
    pages.map(fs::read_to_string).collect()
}
