//! What a program prints with `--json` is on docs/records.md, and the other way round.
//!
//! A program's own tests include this file, beside its `NAME` and where it is (`PROGRAM`).

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeMap;
use std::fs;
use std::process::Output;

use serde_json::{Map, Value};

#[path = "../harness/mod.rs"]
mod harness;
#[path = "page.rs"]
mod page;

use super::{NAME, PROGRAM};
use page::{Command, Record};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/records.md");

/// How to run what leaves something to choose, or needs a peer: `$0` is the program.
const CHOSEN: [(&str, &str); 13] = [
    ("run CMD", "$0 --json run false 2>&1; $0 --json run sh -c 'kill $$' 2>&1"),
    ("pipeline CMD", r#"$0 --json pipeline true "sh -c 'kill \$\$'" 2>&1"#),
    ("send PATH", "cat fifo >got & echo hello | $0 --json send fifo 2>&1"),
    ("recv PATH", "echo hello >fifo & $0 --json recv fifo 2>&1 >got | grep -v '^waiting '"),
    ("send PID SIGNAL", "sleep 60 & $0 --json send $! 0; $0 --json send $! USR1 --value 7"),
    ("wait SIGNAL", "$0 --json wait USR1 --ready-fd 3 3>ready & read -r _ <ready; $0 send $! USR1 >&2; wait"),
    ("ended PID", "true & $0 --json ended --exited $!"),
    ("mask PID", "$0 --json mask $$"),
    ("serve --address ADDRESS", "$0 --json serve --address $address --timeout 0.01"),
    (
        "plain --address ADDRESS",
        "$0 --json plain --ready-fd 3 --address $address 3>ready & read -r _ <ready; kill $!; wait",
    ),
    ("load --address ADDRESS", "serve; $0 --json load --duration 0.1 --address $address; kill $server"),
    ("credentials ADDRESS", "serve; $0 --json credentials $address; kill $server"),
    ("claims", "$0 --json claims --list"),
];

/// What those scripts begin with.
const BEGIN: &str = "mkfifo fifo ready
    serve() {
        $0 serve --address $address --ready-fd 3 3>ready >listening & server=$!
        read -r _ <ready && read -r _ _ address <listening
    }
";

/// A command of the page, run; nothing, where it is another program's.
fn run(command: &Command) -> Option<Output> {
    let (program, words) = command.name.split_once(' ')?;
    let chosen = CHOSEN.iter().find(|(chosen, _)| *chosen == words);
    if program != NAME && (program != "PROGRAM" || chosen.is_none()) {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let address = if NAME == "tcpsock" { "127.0.0.1:0" } else { "./socket" };
    let mut shell = match chosen {
        Some((_, script)) => harness::command("sh", &["-c", &format!("{BEGIN}{script}"), PROGRAM]),
        None => harness::command(PROGRAM, &words.split(' ').chain(["--json"]).collect::<Vec<_>>()),
    };
    Some(harness::output(shell.current_dir(&folder).env("address", address)).unwrap())
}

#[test]
fn the_page_of_records_lists_what_is_printed_and_nothing_else() {
    let (everywhere, commands) = page::read(&fs::read_to_string(PAGE).unwrap());
    let mut mistakes = Vec::new();
    for (command, output) in commands.iter().filter_map(|command| Some((command, run(command)?))) {
        let printed: Vec<Map<String, Value>> =
            harness::text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let types = everywhere.iter().chain(&command.types).map(|(key, kind)| (&**key, &**kind)).collect();
        for record in &printed {
            let is_listed = command.records.iter().any(|listed| is_one(listed, record));
            if !is_listed || !have_types(record, &types) {
                mistakes.push(format!("{}: not on the page: {}", command.name, Value::from(record.clone())));
            }
        }
        // What cannot be shown here is not printed.
        let is_partly = harness::text(&output.stderr).contains("cannot be shown here");
        let is_all = output.status.code() != Some(77) && !is_partly;
        let missing = |listed: &&Record| !listed.is_rare() && !printed.iter().any(|record| is_one(listed, record));
        for listed in command.records.iter().filter(missing).filter(|_| is_all) {
            mistakes.push(format!("{}: not printed: {}", command.name, listed.line));
        }
    }
    assert!(mistakes.is_empty(), "docs/records.md:\n{}", mistakes.join("\n"));
}

/// Whether this is a record of that line. What the note says may stand beside every record.
fn is_one(listed: &Record, record: &Map<String, Value>) -> bool {
    let is_known = |key: &str| listed.always.iter().chain(&listed.sometimes).any(|known| known == key);
    let has = |key: &str| record.contains_key(key) || record.contains_key(&format!("{key}_error"));
    let mut keys = record.keys().filter(|key| !["note", "claim"].contains(&key.as_str()));
    keys.all(|key| is_known(key) || is_known(key.trim_end_matches("_error")))
        && listed.always.iter().all(|key| has(key))
}

fn have_types(record: &Map<String, Value>, types: &BTreeMap<&str, &str>) -> bool {
    record.iter().all(|(key, value)| {
        let fails =
            || key.strip_suffix("_error").is_some_and(|key| types.get(key).is_some_and(|kind| kind.ends_with(OR)));
        types
            .get(key.as_str())
            .map_or_else(|| value.is_string() && fails(), |kind| is_of(value, kind.trim_end_matches(OR)))
    })
}

/// Of a key in whose place `KEY_error` may stand.
const OR: &str = " or error";

fn is_of(value: &Value, kind: &str) -> bool {
    let all = |is: fn(&Value) -> bool| value.as_array().is_some_and(|values| values.iter().all(is));
    match kind {
        "number" => value.is_number(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "numbers" => all(Value::is_number),
        "strings" => all(Value::is_string),
        "objects" => all(Value::is_object),
        _ => false,
    }
}
