//! The code on the pages, which is copied from the sources so that it can be read without a build:
//! a link to the file, then `<!-- ANCHOR -->`, an empty line, and a block of code.

use std::fs;
use std::path::{Path, PathBuf};

/// The line before a block: `[docs/go/pipes.go](go/pipes.go) <!-- echo -->`.
fn source(page: &Path, line: &str) -> Option<(PathBuf, String)> {
    let (before, anchor) = line.strip_suffix(" -->")?.split_once(" <!-- ")?;
    let (_, path) = before.strip_prefix('[')?.strip_suffix(')')?.split_once("](")?;
    Some((page.parent()?.join(path), anchor.to_owned()))
}

/// The page with each listing as its source has it now.
pub fn refreshed(page: &Path, text: &str) -> String {
    let mut fresh = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        fresh.push(line.to_owned());
        let Some((path, anchor)) = source(page, line) else { continue };
        fresh.extend(lines.by_ref().take(2).map(str::to_owned));
        let code = anchored(&path, &anchor).unwrap_or_else(|why| panic!("{}: {line}: {why}", page.display()));
        fresh.extend(code);
        fresh.extend(lines.by_ref().find(|line| *line == "```").map(str::to_owned));
    }
    fresh.join("\n") + "\n"
}

/// File and anchor of each listing of a page.
pub fn listings(page: &Path, text: &str) -> Vec<(PathBuf, String)> {
    text.lines().filter_map(|line| source(page, line)).collect()
}

/// The lines between the two comments of an anchor, without the margin that they share.
fn anchored(path: &Path, anchor: &str) -> Result<Vec<String>, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let lines: Vec<&str> = text.lines().collect();
    let place = |mark: &str| {
        let mark = format!("// {mark}: {anchor}");
        let mut places = lines.iter().enumerate().filter(|(_, line)| line.trim() == mark).map(|(place, _)| place);
        places.next().filter(|_| places.next().is_none()).ok_or(format!("not one `{mark}`"))
    };
    let inside = lines.get(place("ANCHOR")? + 1..place("ANCHOR_END")?).ok_or("it ends before it begins")?;
    // gofmt has an empty line before the second comment.
    let inside = if inside.last() == Some(&"") { &inside[..inside.len() - 1] } else { inside };
    let inside = inside.iter().filter(|line| !line.trim().starts_with("// ANCHOR"));
    let margins = inside.clone().filter(|line| !line.is_empty()).map(|line| line.len() - line.trim_start().len());
    let least = margins.min().ok_or("it encloses nothing")?;
    Ok(inside.map(|line| line.get(least..).unwrap_or_default().to_owned()).collect())
}
