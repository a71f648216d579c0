//! Each script of docs/scripts.md prints what stands below it.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::fs;
use std::io;

#[path = "harness/mod.rs"]
mod harness;
#[path = "readme/numbers.rs"]
mod numbers;
mod repository;

use numbers::without_numbers;
use repository::root;

/// With this a script ends where the machine lacks what it needs.
const CANNOT: Option<i32> = Some(77);

/// A page's scripts, each with its title and what it prints.
fn scripts(page: &str) -> Vec<[&str; 3]> {
    page.split("\n## ")
        .skip(1)
        .map(|section| {
            let [script, printed] =
                ["```sh\n", "```text\n"].map(|fence| section.split_once(fence).unwrap().1.split_once("```").unwrap().0);
            [section.lines().next().unwrap(), script, printed]
        })
        .collect()
}

#[test]
fn each_prints_what_stands_below_it() -> io::Result<()> {
    let page = fs::read_to_string(root().join("docs/scripts.md"))?;
    if !harness::programs().join("unixsock").exists() {
        harness::say(format_args!("skipped: the programs are not built: cargo test --workspace"));
        return Ok(());
    }
    for [title, script, printed] in scripts(&page) {
        let folder = tempfile::tempdir()?;
        let ran = harness::output(&mut harness::script(script, folder.path())?)?;
        let (stdout, stderr) = (harness::text(&ran.stdout), harness::text(&ran.stderr));
        if ran.status.code() == CANNOT {
            harness::say(format_args!("skipped: {title}: {stderr}"));
            continue;
        }
        let [came, expected] = [&*stdout, printed].map(|text| text.lines().map(without_numbers).collect::<Vec<_>>());
        assert_eq!(came, expected, "{title}: {stderr}");
    }
    Ok(())
}
