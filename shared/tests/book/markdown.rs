//! As much of Markdown as the pages use.

use std::collections::BTreeSet;

/// What is between the fences of code, or what is not.
pub fn fenced(text: &str, wanted: bool) -> String {
    let mut inside = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside == wanted {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// Text and target of each link.
pub fn links(text: &str) -> Vec<(String, String)> {
    let prose = fenced(text, false);
    let targets = prose.match_indices("](").map(|(middle, _)| {
        let start = prose[..middle].rfind('[').map_or(0, |bracket| bracket + 1);
        let target = prose[middle + 2..].split(')').next().unwrap();
        (prose[start..middle].to_owned(), target.to_owned())
    });
    targets.collect()
}

/// The ids of a text's headings, by the rule that mdBook and GitHub share, and those that it gives itself.
pub fn ids(text: &str) -> BTreeSet<String> {
    let prose = fenced(text, false);
    let headings = prose.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#'));
    let given = prose.split("<a id=\"").skip(1).filter_map(|rest| rest.split('"').next());
    headings.map(id).chain(given.map(str::to_owned)).collect()
}

fn id(heading: &str) -> String {
    let kept = heading.trim().chars().flat_map(char::to_lowercase).filter_map(|c| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
        _ => None,
    });
    kept.collect()
}
