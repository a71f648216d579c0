//! docs/claims.md has every statement of the note once; what no program checks stands there as in the code.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::fs;
use std::path::Path;

use shared::harness::claim::HEADINGS;
use shared::harness::claim::unchecked::UNCHECKED;

/// The numbers of the statements; 36 is a fact that the note does not have.
const NUMBERS: std::ops::RangeInclusive<u16> = 1..=195;

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/claims.md")).unwrap()
}

fn rows(page: &str) -> Vec<(u16, &str)> {
    let rows = page.lines().filter_map(|line| {
        let number = line.strip_prefix("| <a id=\"claim-")?.split('"').next()?;
        Some((number.parse().ok()?, line))
    });
    rows.collect()
}

#[test]
fn the_ledger_has_every_statement_once_in_the_notes_order() {
    let numbers: Vec<u16> = rows(&page()).into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, NUMBERS.collect::<Vec<u16>>());
}

#[test]
fn the_ledger_gives_the_reason_why_a_statement_is_not_checked() {
    let page = page();
    let rows = rows(&page);
    let unchecked: Vec<_> = rows.iter().filter(|(_, row)| row.contains("| not checked (")).collect();
    assert_eq!(unchecked.len(), UNCHECKED.len());
    for (claim, (number, row)) in UNCHECKED.iter().zip(unchecked) {
        assert_eq!(claim.number, *number);
        assert!(row.contains(&claim.verdict.to_string()), "{row}");
        assert!(row.contains(&claim.says.replace('_', "\\_")), "{row}");
    }
}

#[test]
fn at_least_130_statements_are_checked() {
    assert!(NUMBERS.count() - UNCHECKED.len() >= 130);
}

#[test]
fn the_ledger_keeps_to_the_headings_of_the_note() {
    let page = page();
    let mut headings = HEADINGS.iter();
    for heading in page.lines().filter_map(|line| line.strip_prefix("## ")) {
        assert!(headings.any(|&noted| noted == heading), "{heading}: no heading of the note's, or not in its order");
    }
}
