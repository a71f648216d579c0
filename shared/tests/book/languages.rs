//! A page and its translation: what must be the same in both.

use shared::harness::claims::ledger::HEADINGS;

use super::markdown::{fenced, links};

/// Headings, questions, code, sessions and links, in the order in which they stand.
#[derive(Debug, PartialEq, Eq)]
pub struct Skeleton {
    headings: Vec<String>,
    questions: usize,
    code: Vec<String>,
    links: Vec<String>,
}

impl Skeleton {
    /// Of a page whose folder is this many folders below `docs`.
    pub fn of(text: &str, depth: usize) -> Skeleton {
        let prose = fenced(text, false);
        let lines = |start: &'static str| prose.lines().filter(move |line| line.starts_with(start)).map(str::to_owned);
        let up = "../".repeat(depth);
        let place = |link: String| link.strip_prefix(&up).unwrap_or(&link).to_owned();
        // The note's pages have the same headings in both languages, the others have as many.
        let is_of_the_note = HEADINGS.iter().any(|title| text.starts_with(&format!("# {title}\n")));
        let heading = |line: String| if is_of_the_note { line } else { line.chars().filter(|c| *c == '#').collect() };
        Skeleton {
            headings: lines("#").map(heading).collect(),
            questions: lines("> ").count(),
            code: fenced(text, true).lines().map(str::to_owned).collect(),
            links: links(text).into_iter().skip(1).map(|(_, link)| place(link)).collect(),
        }
    }
}
