//! The ledger is well-formed, and its two pages have every statement once, in its order.
//!
//! That rows and checks belong together is for the programs' own tests: see tests/claims.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::fs;
use std::iter;
use std::path::PathBuf;

use shared::harness::claims::lang::Lang;
use shared::harness::claims::ledger::{HEADINGS, Proof, TOML, Text, statements};
use shared::harness::claims::system::{System, systems};

mod repository;

use repository::root;

/// Numbers are never given up: so many were there when the ledger became a file.
const AT_LEAST: u16 = 195;

/// What the statements say, and why some are not checked.
fn texts() -> impl Iterator<Item = (u16, &'static Text)> {
    statements().iter().flat_map(|statement| {
        let why = match &statement.proof {
            Proof::Command(_) => None,
            Proof::Unchecked(why) => Some(why),
        };
        iter::once(&statement.says).chain(why).map(|text| (statement.number, text))
    })
}

fn is_han(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

/// One more would be read by nobody, as a reason beside a command.
#[test]
fn every_row_has_six_keys_and_one_more_where_go_is_asked() {
    let table: toml::Table = toml::from_str(TOML).unwrap();
    assert_eq!(table.keys().collect::<Vec<_>>(), ["claim"]);
    for row in table["claim"].as_array().unwrap() {
        let row = row.as_table().unwrap();
        let asks_go = row.contains_key("go") && row.contains_key("command");
        assert_eq!(row.len(), 6 + usize::from(asks_go), "{row:?}");
    }
}

#[test]
fn every_number_from_1_on_is_there_once() {
    let mut numbers: Vec<u16> = statements().iter().map(|statement| statement.number).collect();
    numbers.sort_unstable();
    let last = u16::try_from(numbers.len()).unwrap();
    assert!(last >= AT_LEAST);
    assert_eq!(numbers, (1..=last).collect::<Vec<_>>());
}

#[test]
fn the_headings_are_the_notes_in_its_order() {
    let places = statements().iter().map(|statement| {
        let place = HEADINGS.iter().position(|&noted| noted == statement.heading);
        place.unwrap_or_else(|| panic!("{}: {}", statement.number, statement.heading))
    });
    assert!(places.is_sorted());
}

#[test]
fn every_statement_is_found_in_the_note_by_a_term_or_two() {
    for statement in statements() {
        assert!((1..=2).contains(&statement.words.len()), "{}", statement.number);
        for words in &statement.words {
            assert!((1..=30).contains(&words.chars().count()), "{}: {words}", statement.number);
            assert!(!words.contains(['。', '，']), "{}: {words} is a sentence", statement.number);
        }
    }
}

#[test]
fn every_text_is_in_both_languages() {
    for (number, Text { en, zh }) in texts() {
        assert!(en.chars().any(char::is_alphabetic) && !en.chars().any(is_han), "{number}: {en}");
        assert!(zh.chars().any(is_han), "{number}: {zh}");
    }
}

/// Between backticks stands what a program says.
#[test]
fn chinese_has_its_own_punctuation() {
    for (number, Text { zh, .. }) in texts() {
        for prose in zh.split('`').step_by(2) {
            assert!(![", ", "; ", ": "].iter().any(|mark| prose.contains(mark)), "{number}: {zh}");
            assert!(!prose.ends_with(['.', '。']), "{number}: {zh}");
        }
    }
}

#[test]
fn every_command_begins_with_a_program() {
    for program in statements().iter().filter_map(|statement| statement.program()) {
        let mut folders = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
        let is_second = |folder: PathBuf| folder.join("src/bin").join(program).join("main.rs").exists();
        let is_first = root().join(program).join("src/main.rs").exists();
        assert!(is_first || folders.any(is_second), "there is no program {program}");
    }
}

#[test]
fn at_most_10_statements_are_not_checked() {
    assert!(statements().iter().filter(|statement| statement.program().is_none()).count() <= 10);
}

#[test]
fn the_pages_have_every_statement_once_in_the_notes_order() {
    for path in ["docs/claims.md", "docs/zh/claims.md"] {
        let numbers: Vec<u16> = rows(&page(path)).into_iter().map(|(number, _)| number).collect();
        let ordered: Vec<u16> = statements().iter().map(|statement| statement.number).collect();
        assert_eq!(numbers, ordered, "{path}: make docs");
    }
}

#[test]
fn the_pages_give_the_reason_why_a_statement_is_not_checked() {
    for (path, lang) in [("docs/claims.md", Lang::En), ("docs/zh/claims.md", Lang::Zh)] {
        let page = page(path);
        for (statement, (_, row)) in statements().iter().zip(rows(&page)) {
            let why = statement.why_unchecked(lang);
            let told = why.is_none_or(|why| row.contains(&why.replace('_', "\\_")));
            assert!(told, "{path}: {row}: make docs");
        }
    }
}

#[test]
fn the_pages_and_both_readmes_have_every_system() {
    for System { release, .. } in systems(&root().join("docs/systems.toml")).unwrap() {
        for path in ["docs/claims.md", "docs/zh/claims.md"] {
            assert!(page(path).contains(&format!("| {release} |")), "{path}: {release}: make docs");
        }
        let version = release.splitn(3, ['.', '-']).take(2).collect::<Vec<_>>().join(".");
        for path in ["README.md", "README.zh.md"] {
            assert!(page(path).contains(&version), "{path}: {version}");
        }
    }
}

fn page(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn rows(page: &str) -> Vec<(u16, &str)> {
    let rows = page.lines().filter_map(|line| {
        let number = line.strip_prefix("| <a id=\"claim-")?.split('"').next()?;
        Some((number.parse().ok()?, line))
    });
    rows.collect()
}
