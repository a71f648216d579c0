//! The form of what `bench` says, never its figures.
//!
//! A program's own `tests/bench.rs` includes this file and names itself and its mechanisms.

#![allow(clippy::unwrap_used, reason = "these are tests")]
#![allow(dead_code, reason = "a program uses what fits it")]

use std::fs;
use std::io;
use std::process::{Command, Output};

use serde_json::Value;

#[path = "../harness/mod.rs"]
mod harness;

/// `--quick` measures every mechanism in every size and placement, draws them, and leaves no process.
pub fn quick_measures_every_mechanism(program: &str, mechanisms: &[(&str, &[u64])]) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let (picture, records) = (folder.path().join("bench.svg"), folder.path().join("records"));
    let mut bench = Command::new(program);
    let output = harness::long_output(bench.args(["bench", "--quick", "--json", "--svg"]).arg(&picture))?;
    let stdout = succeeded(&output);
    let seen: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    seen.iter().for_each(has_the_form);

    let placements: Vec<&Value> = of(&seen, mechanisms[0].0, mechanisms[0].1[0]).map(|record| &record["pin"]).collect();
    assert!(placements.len() >= 2, "one CPU or none in particular: {placements:?}");
    for (mechanism, sizes) in mechanisms {
        for &bytes in *sizes {
            let pins: Vec<&Value> = of(&seen, mechanism, bytes).map(|record| &record["pin"]).collect();
            assert_eq!(pins, placements, "{mechanism}, {bytes} bytes");
        }
    }
    let expected: usize = mechanisms.iter().map(|(_, sizes)| sizes.len() * placements.len()).sum();
    assert_eq!(seen.len(), expected);

    let picture = fs::read_to_string(picture)?;
    fs::write(&records, &stdout)?;
    let table = succeeded(&harness::output(harness::command(program, &["bench", "--records"]).arg(&records))?);
    for (mechanism, _) in mechanisms {
        assert!(picture.contains(&format!(">{mechanism}</text>")), "{mechanism} is in the picture");
        assert!(table.lines().any(|line| line.starts_with(&format!("  {mechanism} "))), "{mechanism} is in the table");
    }
    Ok(())
}

fn of<'a>(records: &'a [Value], mechanism: &str, bytes: u64) -> impl Iterator<Item = &'a Value> {
    records.iter().filter(move |record| record["mechanism"] == mechanism && record["size"] == bytes)
}

fn has_the_form(record: &Value) {
    let number = |key: &str| record[key].as_f64().unwrap_or_else(|| panic!("{key}: {record}"));
    assert!(0.0 < number("p50_us") && number("p50_us") <= number("p99_us"), "{record}");
    assert!(number("p99_us") <= number("p999_us") && number("round_trips") >= 200.0, "{record}");
    assert!(number("context_switches") >= 0.0, "{record}");
    assert!(record.get("mb_per_s").is_none_or(|rate| rate.as_f64().unwrap() > 0.0), "{record}");
}

/// What a mechanism asks of the kernel is the same on every machine: so many reads and writes each time.
pub fn a_round_trip_is_two_reads_and_two_writes(program: &str, mechanism: &str) -> io::Result<()> {
    let bench = ["bench", "--quick", "--json", "--pin", "same", mechanism];
    let output = harness::output(&mut harness::command(program, &bench))?;
    for line in succeeded(&output).lines() {
        let record: Value = serde_json::from_str(line)?;
        // Where the kernel was built without these counters there is no such field.
        let calls = record.get("reads_writes").map(|calls| calls.as_f64().unwrap());
        assert!(calls.is_none_or(|calls| (4.0..5.0).contains(&calls)), "{record}");
    }
    Ok(())
}

pub fn an_unknown_mechanism_is_wrong_usage(program: &str, first: &str) -> io::Result<()> {
    let output = harness::output(&mut harness::command(program, &["bench", "--quick", "pigeon"]))?;
    let stderr = harness::text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("invalid value 'pigeon' for '[MECHANISM]...'"), "{stderr}");
    assert!(stderr.contains(&format!("[possible values: {first}, ")), "{stderr}");
    Ok(())
}

fn succeeded(output: &Output) -> String {
    assert_eq!((output.status.code(), harness::text(&output.stderr)), (Some(0), String::new()));
    harness::text(&output.stdout)
}
