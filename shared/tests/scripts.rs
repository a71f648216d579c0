//! Each script of docs/scripts.md prints what stands below it.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::{env, fs};

#[path = "harness/mod.rs"]
mod harness;
#[path = "readme/numbers.rs"]
mod numbers;

use numbers::without_numbers;

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
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = fs::read_to_string(root.join("docs/scripts.md"))?;
    // The tests stand in a folder of the one that has the programs.
    let programs = env::current_exe()?.parent().and_then(Path::parent).unwrap().to_owned();
    if !programs.join("unixsock").exists() {
        harness::say(format_args!("skipped: the programs are not built: cargo test --workspace"));
        return Ok(());
    }
    let path = format!("{}:{}", programs.display(), env::var("PATH").unwrap_or_default());
    for [title, script, printed] in scripts(&page) {
        let (folder, port) = (tempfile::tempdir()?, TcpListener::bind("127.0.0.1:0")?.local_addr()?.port());
        let [script, printed] = [script, printed].map(|text| text.replace("8085", &port.to_string()));
        let mut shell = harness::command("sh", &["-c", &script]);
        let ran = harness::output(shell.current_dir(folder.path()).env("LC_ALL", "C.UTF-8").env("PATH", &path))?;
        let (stdout, stderr) = (harness::text(&ran.stdout), harness::text(&ran.stderr));
        if ran.status.code() == CANNOT {
            harness::say(format_args!("skipped: {title}: {stderr}"));
            continue;
        }
        let [came, expected] = [&stdout, &printed].map(|text| text.lines().map(without_numbers).collect::<Vec<_>>());
        assert_eq!(came, expected, "{title}: {stderr}");
    }
    Ok(())
}
