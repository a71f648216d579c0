//! The code on the pages, which is copied from the sources so that it can be read without a build:
//! a link to the file, then `<!-- ANCHOR -->`, an empty line, and a block of code.

use std::fs;
use std::path::{Path, PathBuf};

/// A block of code on a page, and where it comes from.
pub struct Listing {
    pub path: PathBuf,
    pub anchor: String,
    pub code: String,
}

/// The line before a block: `[docs/go/pipes.go](go/pipes.go) <!-- echo -->`.
fn source(page: &Path, line: &str) -> Option<(PathBuf, String)> {
    let (link, anchor) = line.strip_suffix(" -->")?.split_once(" <!-- ")?;
    let (_, target) = link.strip_prefix('[')?.strip_suffix(')')?.split_once("](")?;
    Some((page.parent()?.join(target), anchor.to_owned()))
}

/// The page with each listing as its source has it now.
pub fn refreshed(page: &Path, text: &str) -> String {
    let mut fresh = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        fresh += &format!("{line}\n");
        let Some((path, anchor)) = source(page, line) else { continue };
        for head in lines.by_ref().take(2) {
            fresh += &format!("{head}\n");
        }
        let code = anchored(&path, &anchor).unwrap_or_else(|why| panic!("{}: {line}: {why}", page.display()));
        fresh += &format!("{code}```\n");
        assert!(lines.by_ref().any(|line| line == "```"), "{}: {line}: no end of its code", page.display());
    }
    fresh
}

/// The listings of a page.
pub fn listings(page: &Path, text: &str) -> Vec<Listing> {
    let mut lines = text.lines();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if let Some((path, anchor)) = source(page, line) {
            let code =
                lines.by_ref().skip(2).take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
            found.push(Listing { path, anchor, code });
        }
    }
    found
}

/// The lines between the two comments of an anchor, without the margin that they share.
fn anchored(path: &Path, anchor: &str) -> Result<String, String> {
    let source = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let lines: Vec<&str> = source.lines().collect();
    let place = |mark: &str| {
        let mark = format!("// {mark}: {anchor}");
        let mut places = lines.iter().enumerate().filter(|(_, line)| line.trim() == mark).map(|(place, _)| place);
        places.next().filter(|_| places.next().is_none()).ok_or(format!("not one `{mark}`"))
    };
    let inside = lines.get(place("ANCHOR")? + 1..place("ANCHOR_END")?).ok_or("it ends before it begins")?;
    let inside = inside.iter().filter(|line| !line.trim().starts_with("// ANCHOR"));
    let margin = |line: &&str| line.len() - line.trim_start().len();
    let least = inside.clone().copied().filter(|line| !line.is_empty()).map(|line| margin(&line)).min();
    let least = least.ok_or("it encloses nothing")?;
    Ok(inside.map(|line| format!("{}\n", line.get(least..).unwrap_or_default())).collect())
}
