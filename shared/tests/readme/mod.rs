//! The README is true: its table has the commands that there are, and its sessions and the guide's are run.
//!
//! A program's own `tests/readme.rs` includes this file and names itself.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeSet;
use std::fs;
use std::io;

#[path = "../harness/mod.rs"]
mod harness;
#[path = "numbers.rs"]
mod numbers;
#[path = "../repository/mod.rs"]
mod repository;
#[path = "table.rs"]
mod table;

use numbers::without_numbers;
use repository::root;

/// What all programs have is said once, beside the table.
const EVERYWHERE: [&str; 2] = ["bench", "claims"];

/// Every command of the program stands in the table, and nothing else does.
pub fn table_matches_the_commands(name: &str, program: &str) -> io::Result<()> {
    let help = harness::output(&mut harness::command(program, &["--help"]))?;
    let help = harness::text(&help.stdout);
    let listed: BTreeSet<&str> = harness::commands(&help).filter(|command| !EVERYWHERE.contains(command)).collect();
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
pub fn sessions_are_real(name: &str) -> io::Result<()> {
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
            if lacks_a_tool(&script)? {
                continue;
            }
            let came = run(&script)?;
            let (skipped, came): (Vec<&str>, Vec<&str>) = came.lines().partition(|line| is_skipped(line));
            if let Some(skipped) = skipped.first().filter(|_| normal(&came) != normal(&shown)) {
                harness::say(format_args!("not shown on this machine: {script}: {skipped}"));
                continue;
            }
            assert_eq!(normal(&came), normal(&shown), "\n{script}\n{}", came.join("\n"));
        }
    }
    assert!(sessions > 0, "the README shows no session of {name}");
    Ok(())
}

/// Whether a session needs what a bare machine does not have, which is said.
fn lacks_a_tool(script: &str) -> io::Result<bool> {
    let needed: &[&str] = if script.starts_with("make") { &["make", "cargo"] } else { &[] };
    let has_all = needed.iter().all(|tool| harness::find_tool(tool).is_some());
    Ok(!has_all || (script.contains("'ps aux'") && !ps_aux_has_the_pid_second()?))
}

/// Whether `ps aux` is as the note has it, with the user before the PID: busybox has another order.
fn ps_aux_has_the_pid_second() -> io::Result<bool> {
    let Some(ps) = harness::find_tool("ps") else { return Ok(false) };
    let printed = harness::text(&harness::output(&mut harness::command(ps, &["aux"]))?.stdout);
    let header = printed.lines().next().unwrap_or_default();
    let is_second = header.split_whitespace().nth(1) == Some("PID");
    if !is_second {
        harness::say(format_args!("skipped: ps aux has other columns: {header}"));
    }
    Ok(is_second)
}

/// What this machine cannot show, as in `63 skipped | there is only one CPU`, or a command that says so itself.
fn is_skipped(line: &str) -> bool {
    line.split_whitespace().nth(1) == Some("skipped") || line.contains(": cannot be shown here: ")
}

/// Runs a session in one shell, in a folder of its own; one of `make` at the root, where it takes the
/// programs that are built for tests.
fn run(script: &str) -> io::Result<String> {
    let folder = tempfile::tempdir()?;
    let mut shell = harness::script(&format!("exec 2>&1\n{script}"), folder.path())?;
    if script.starts_with("make") {
        // Not as a part of the `make test` that may run us.
        shell.current_dir(root()).env("MAKEFLAGS", "PROFILE=dev").env_remove("MAKELEVEL");
    }
    Ok(harness::text(&harness::long_output(&mut shell)?.stdout))
}

/// Lines sorted, each number as `0`.
fn normal(lines: &[&str]) -> Vec<String> {
    let mut lines: Vec<String> = lines.iter().copied().map(without_numbers).collect();
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
