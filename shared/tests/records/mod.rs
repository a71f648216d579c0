//! What a program prints with `--json` is on docs/records.md, and the other way round.
//!
//! A program's own tests include this file, beside its `NAME` and where it is (`PROGRAM`).

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Map, Value};

#[path = "../harness/mod.rs"]
mod harness;
#[path = "page.rs"]
mod page;

use super::{NAME, PROGRAM};
use page::{Command, Record};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/records.md");

#[test]
fn the_page_of_records_lists_what_is_printed_and_nothing_else() {
    let (everywhere, commands) = page::read(&fs::read_to_string(PAGE).unwrap());
    let mut mistakes = Vec::new();
    let ours = |command: &&Command| command.name.split(' ').next() == Some(NAME) && is_complete(&command.name);
    for command in commands.iter().filter(ours) {
        let arguments: Vec<&str> = command.name.split(' ').skip(1).chain(["--json"]).collect();
        let output = harness::output(&mut harness::command(PROGRAM, &arguments)).unwrap();
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

/// A word in capitals stands for what somebody has to choose.
fn is_complete(name: &str) -> bool {
    !name.split(' ').any(|word| word.chars().all(char::is_uppercase))
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
