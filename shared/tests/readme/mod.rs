//! The README says what is: its table is held against the code, its sessions are run, and the reading guide's.
//!
//! A program's own `tests/readme.rs` includes this file and names itself.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

const HIDDEN: [&str; 1] = ["help"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every command of the program has a row, every row a command and a file whose head names the heading.
pub fn table_matches_the_commands(name: &str, program: &str) -> io::Result<()> {
    for readme in readmes()? {
        let mut in_table: Vec<String> = Vec::new();
        for row in readme.lines().filter(|line| line.starts_with('|')) {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            let [heading, command, file, _twin] = cells[..] else { continue };
            let Some(command) = command.trim_matches('`').strip_prefix(&format!("{name} ")) else { continue };
            in_table.push(command.to_owned());
            let path = file.split_once("](").map_or(file, |(_, link)| link.trim_end_matches(')'));
            let source = fs::read_to_string(root().join(path)).map_err(|e| io::Error::other(format!("{path}: {e}")))?;
            let head: Vec<&str> = source.lines().take_while(|line| line.starts_with("//!")).collect();
            for heading in heading.split(", ") {
                assert!(head.iter().any(|line| line.contains(heading)), "{path} does not name {heading}");
            }
        }
        let help = Command::new(program).arg("--help").output()?;
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        let mut listed: Vec<String> = listed
            .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
            .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
            .filter(|command| !HIDDEN.contains(&command.as_str()))
            .collect();
        in_table.sort();
        listed.sort();
        assert_eq!(in_table, listed, "the table and `{name} --help`");
    }
    Ok(())
}

/// Each ```` ```console ```` block that runs `name` prints what it shows, numbers and the order of lines apart.
pub fn sessions_are_real(name: &str, program: &str) -> io::Result<()> {
    let mut sessions = 0;
    for text in readmes()?.into_iter().chain(pages()?) {
        for block in text.split("```console\n").skip(1).filter_map(|text| text.split("```").next()) {
            if !block.lines().any(|line| line.starts_with("$ ") && line.contains(name)) {
                continue;
            }
            sessions += 1;
            let (commands, shown): (Vec<&str>, Vec<&str>) = block.lines().partition(|line| line.starts_with("$ "));
            let script = commands.iter().map(|line| &line[2..]).collect::<Vec<_>>().join("\n");
            let came = run(&script, program)?;
            if let Some(skipped) = came.lines().find(|line| is_skipped(line)) {
                writeln!(io::stderr(), "not shown on this machine: {script}: {skipped}")?;
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
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec 2>&1\n{}", script.replace("8085", &port))]);
    let folder = tempfile::tempdir()?;
    shell.current_dir(if script.starts_with("make") { root() } else { folder.path().to_owned() });
    // Not as a part of the `make test` that may run us.
    shell.env("LC_ALL", "C.UTF-8").env("PATH", path).env("MAKEFLAGS", "PROFILE=dev").env_remove("MAKELEVEL");
    let output = shell.output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Lines sorted, each number as `0`.
fn normal<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut lines: Vec<String> = lines.into_iter().map(without_numbers).collect();
    lines.sort();
    lines
}

/// `-1.5` and `127.0.0.1` are one number each.
fn without_numbers(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        text.push_str(rest[..start].strip_suffix('-').unwrap_or(&rest[..start]));
        text.push('0');
        let end = rest[start..].find(|c: char| !c.is_ascii_digit() && c != '.').map_or(rest.len(), |end| start + end);
        let number = rest[start..end].trim_end_matches('.');
        rest = &rest[start + number.len()..];
    }
    text + rest
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
