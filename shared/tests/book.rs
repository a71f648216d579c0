//! The reading guide says what is: its pages follow the note, its code, links and commands exist.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use shared::harness::claims::ledger::{HEADINGS, statements};
use shared::harness::footer::PROGRAMS;

#[path = "book/commands.rs"]
mod commands;
mod harness;
#[path = "book/languages.rs"]
mod languages;
#[path = "book/listings.rs"]
mod listings;
#[path = "book/markdown.rs"]
mod markdown;
#[path = "records/page.rs"]
mod records;
mod repository;
#[path = "readme/table.rs"]
mod table;

use commands::{mistake, told};
use languages::Skeleton;
use listings::{listings, refreshed};
use markdown::{fenced, ids, links};
use repository::{files, root, sources};
use table::Entry;

/// The pages at the top of the repository.
const TOP: [&str; 5] = ["README.md", "README.zh.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];

/// The last page, which `make docs` writes; a folder of its own has it in Chinese.
const LEDGER: &str = "claims.md";

fn docs() -> PathBuf {
    root().join("docs")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The pages that are written by hand.
fn pages() -> Vec<PathBuf> {
    let all = files(&docs(), ".md").into_iter();
    all.filter(|path| !["SUMMARY.md", LEDGER].iter().any(|name| path.ends_with(name))).collect()
}

/// SUMMARY.md: title and file of each page.
fn summary() -> Vec<(String, String)> {
    links(&read(&docs().join("SUMMARY.md")))
}

#[test]
fn the_pages_are_the_notes_headings_in_its_order_and_the_ledger() {
    let summary = summary();
    let titles: Vec<&str> = summary.iter().map(|(title, _)| &**title).collect();
    let (headings, appendix) = titles.split_at(HEADINGS.len());
    assert_eq!(headings, HEADINGS);
    assert!(!appendix.is_empty());
    assert_eq!(summary.last().unwrap().1, LEDGER);
    for (title, file) in &summary {
        assert_eq!(read(&docs().join(file)).lines().next().unwrap(), format!("# {title}"), "{file}");
    }
}

#[test]
fn every_page_is_in_the_summary_of_its_language() {
    for folder in [docs(), docs().join("zh")] {
        let listed = links(&read(&folder.join("SUMMARY.md"))).into_iter().map(|(_, file)| folder.join(file));
        let listed: BTreeSet<PathBuf> = listed.collect();
        for page in pages().into_iter().filter(|page| page.parent() == Some(&folder)) {
            assert!(listed.contains(&page), "{} is not in SUMMARY.md", page.display());
        }
    }
}

#[test]
fn every_listing_is_what_its_source_has() {
    for page in pages() {
        let text = read(&page);
        assert!(text == refreshed(&page, &text), "{}: make listings", page.display());
    }
}

/// For `make listings`.
#[test]
#[ignore = "writes the pages"]
fn write_listings() {
    for page in pages() {
        fs::write(&page, refreshed(&page, &read(&page))).unwrap();
    }
}

#[test]
fn every_block_of_rust_is_a_listing() {
    for page in pages() {
        let text = read(&page);
        let blocks = text.lines().filter(|line| ["```rust", "```go"].contains(line)).count();
        assert_eq!(listings(&page, &text).len(), blocks, "{}", page.display());
    }
}

/// Each page in English, and in Chinese.
fn translated() -> Vec<(PathBuf, PathBuf)> {
    let english = pages().into_iter().filter(|page| page.parent() == Some(&docs()));
    english.map(|page| (page.clone(), docs().join("zh").join(page.file_name().unwrap()))).collect()
}

#[test]
fn a_page_has_the_same_headings_sessions_code_and_links_in_both_languages() {
    for (english, chinese) in translated() {
        assert_eq!(Skeleton::of(&read(&chinese), 1), Skeleton::of(&read(&english), 0), "{}", chinese.display());
    }
}

#[test]
fn a_page_links_to_its_other_language_first() {
    for (english, chinese) in translated() {
        let name = english.file_name().unwrap().to_str().unwrap();
        let first = |page: &Path| links(&read(page)).into_iter().next();
        assert_eq!(first(&english), Some(("中文".to_owned(), format!("zh/{name}"))));
        assert_eq!(first(&chinese), Some(("English".to_owned(), format!("../{name}"))));
    }
}

/// A page is read on a phone, too.
#[test]
fn a_listing_has_at_most_15_lines_of_90_columns() {
    for (page, _) in translated() {
        for block in read(&page).split("```rust\n").skip(1).filter_map(|text| text.split("```").next()) {
            assert!(block.lines().count() <= 15, "{}: {block}", page.display());
            assert!(block.lines().all(|line| line.chars().count() <= 90), "{}: {block}", page.display());
        }
    }
}

#[test]
fn every_anchor_is_on_a_page() {
    let listed: BTreeSet<(PathBuf, String)> = pages()
        .iter()
        .flat_map(|page| listings(page, &read(page)))
        .map(|(path, anchor)| (path.canonicalize().unwrap(), anchor))
        .collect();
    for source in sources().into_iter().chain(files(&docs().join("go"), ".go")) {
        for line in read(&source).lines() {
            if let Some(anchor) = line.trim().strip_prefix("// ANCHOR: ") {
                let known = (source.canonicalize().unwrap(), anchor.to_owned());
                assert!(listed.contains(&known), "{}: no page has {anchor}", source.display());
            }
        }
    }
}

#[test]
fn every_link_leads_somewhere() {
    let ledger = [docs().join("SUMMARY.md"), docs().join(LEDGER)];
    for from in pages().into_iter().chain(TOP.map(|name| root().join(name))).chain(ledger) {
        for (_, link) in links(&read(&from)).into_iter().filter(|(_, link)| !link.contains("://")) {
            let (path, fragment) = link.split_once('#').unwrap_or((&link, ""));
            let to = if path.is_empty() { from.clone() } else { from.parent().unwrap().join(path) };
            assert!(to.exists(), "{}: {link}: no such file", from.display());
            let is_source = [".rs", ".go", ".toml"].iter().any(|end| path.ends_with(end));
            let is_page = to.canonicalize().unwrap().starts_with(docs().canonicalize().unwrap());
            let is_in_book = is_page || is_source || !from.starts_with(docs());
            assert!(is_in_book, "{}: {link}: not in the book", from.display());
            assert!(
                fragment.is_empty() || ids(&read(&to)).contains(fragment),
                "{}: {link}: no heading",
                from.display()
            );
        }
    }
}

#[test]
fn a_key_of_the_records_has_one_type_in_all_programs() {
    let (mut types, commands) = records::read(&read(&docs().join("records.md")));
    for command in commands {
        let listed = command.records.iter().flat_map(|record| record.always.iter().chain(&record.sometimes));
        for key in listed.filter(|key| !command.types.contains_key(*key)) {
            assert!(types.contains_key(key), "{}: {key} is not in the table", command.name);
        }
        for (key, kind) in command.types {
            let elsewhere = types.entry(key.clone()).or_insert_with(|| kind.clone());
            assert_eq!(*elsewhere, kind, "{}: {key}", command.name);
        }
    }
}

#[test]
fn the_records_have_the_same_keys_and_types_in_both_languages() {
    let [english, chinese] = ["records.md", "zh/records.md"].map(|name| {
        let (types, commands) = records::read(&read(&docs().join(name)));
        (types, commands.into_iter().map(|command| (command.name, command.types)).collect::<Vec<_>>())
    });
    assert_eq!(chinese, english);
}

#[test]
fn every_command_is_on_the_page_of_records() {
    let page = read(&docs().join("records.md"));
    for command in commands() {
        let (_, name) = command.split_once(' ').unwrap();
        let is_told = |name: &str| {
            page.lines().any(|line| line.strip_prefix("### ").is_some_and(|line| format!("{line} ").starts_with(name)))
        };
        let is_of_all = ["bench", "claims"].contains(&name);
        let is_there = is_told(&format!("{command} ")) || page.contains(&format!("`{command}`"));
        assert!(is_of_all || is_there, "{command}");
    }
}

/// The statements that the pages name, each by a link that leads to it.
fn named() -> BTreeSet<u16> {
    let mut named = BTreeSet::new();
    for page in pages() {
        for (text, link) in links(&read(&page)) {
            if let Some(fragment) = link.strip_prefix("claims.md#") {
                assert_eq!(fragment, format!("claim-{text}"), "{}", page.display());
                named.insert(text.parse().unwrap());
            }
        }
    }
    named
}

#[test]
fn every_statement_is_on_a_page() {
    let named = named();
    for statement in statements() {
        assert!(named.contains(&statement.number), "no page has {}", statement.number);
    }
}

/// The commands of the README's table, which the programs' tests hold against `--help`, and those of all programs.
fn commands() -> BTreeSet<String> {
    let entries = table::entries(&read(&root().join("README.md"))).into_iter();
    let mut commands: BTreeSet<String> = entries.map(|entry| format!("{} {}", entry.program, entry.command)).collect();
    for program in PROGRAMS {
        commands.insert(format!("{program} claims"));
        if root().join(program).join("src/bench.rs").exists() {
            commands.insert(format!("{program} bench"));
        }
    }
    commands
}

#[test]
fn every_command_exists() {
    let (commands, makefile) = (commands(), read(&root().join("Makefile")));
    for page in pages().into_iter().chain(TOP[..4].iter().map(|name| root().join(name))) {
        for line in told(&read(&page)) {
            assert_eq!(mistake(&line, &commands, &makefile), None, "{}: {line}", page.display());
        }
    }
}

#[test]
fn the_table_of_the_readme_has_a_row_for_each_heading_in_the_notes_order() {
    assert_eq!(table::headings(&read(&root().join("README.md"))), HEADINGS);
}

/// A command stands under each heading that the head of its file names, and under no other.
#[test]
fn a_command_stands_under_the_headings_that_its_file_names() {
    let entries = table::entries(&read(&root().join("README.md")));
    let mut mistakes = Vec::new();
    for entry in &entries {
        let same = entries.iter().filter(|other| (&other.program, &other.command) == (&entry.program, &entry.command));
        let under: BTreeSet<&str> = same.map(|entry| &*entry.heading).collect();
        let Ok(source) = fs::read_to_string(root().join(&entry.file)) else {
            mistakes.push(format!("{}: no such file", entry.file));
            continue;
        };
        let noted = table::noted(&source);
        if under != noted.iter().map(String::as_str).collect() {
            let Entry { program, command, file, .. } = entry;
            mistakes.push(format!("{program} {command} stands under {under:?}, but {file} names {noted:?}"));
        }
    }
    mistakes.dedup();
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

#[test]
fn the_chinese_readme_has_the_rows_and_the_sessions_of_the_english_one() {
    let [english, chinese] = ["README.md", "README.zh.md"].map(|name| {
        let readme = read(&root().join(name));
        let rows = readme.lines().filter(|line| line.starts_with("| ") && line.contains(".rs)"));
        rows.map(str::to_owned).chain(fenced(&readme, true).lines().map(str::to_owned)).collect::<Vec<_>>()
    });
    assert_eq!(chinese, english);
}

/// Every picture is drawn from its source, and is on a page of either language.
#[test]
fn every_picture_has_a_title_dark_colours_and_its_pages() {
    let folder = docs().join("pictures");
    for source in files(&folder.join("source"), ".svg").iter().filter(|source| !source.ends_with("style.svg")) {
        let name = source.file_name().unwrap().to_str().unwrap();
        let picture = read(&folder.join(name));
        for part in ["<title>", "prefers-color-scheme: dark", "viewBox=\"0 0 360 "] {
            assert!(picture.contains(part), "{name} has no {part}");
        }
        assert!(!picture.contains("{{") && !picture.contains("<script"), "{name}: make pictures");
        for pages in [docs(), docs().join("zh")] {
            let shown = files(&pages, ".md")
                .iter()
                .any(|page| page.parent() == Some(&pages) && read(page).contains(&format!("pictures/{name})")));
            assert!(shown, "no page of {} shows {name}", pages.display());
        }
    }
}

/// mdBook warns of what it finds in a page, such as an include without a file, and goes on.
#[test]
fn mdbook_builds_both_books_without_a_word() -> io::Result<()> {
    let Some(mdbook) = harness::find_tool("mdbook") else { return Ok(()) };
    for book in [docs(), docs().join("zh")] {
        let folder = tempfile::tempdir()?;
        // The Chinese one puts what both share beside itself.
        let to = folder.path().join("book");
        let mut build = harness::command(&mdbook, &["build"]);
        let output = harness::output(build.arg(book).arg("--dest-dir").arg(&to))?;
        let said = harness::text(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert!(!said.contains("WARN") && !said.contains("ERROR"), "{said}");
        let page = fs::read_to_string(to.join("pipes.html"))?;
        assert!(page.contains("fn "), "pipes.html has no code");
    }
    Ok(())
}
