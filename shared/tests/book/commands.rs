//! What a page tells its reader to run.

use std::collections::BTreeSet;

use shared::harness::footer::PROGRAMS;

use super::markdown::fenced;

/// What a text tells to run: its blocks of shell, without what they print, and its code between backticks.
pub fn told(text: &str) -> Vec<String> {
    let mut told = Vec::new();
    let mut language = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), language) {
            (Some(opened), None) => language = Some(opened),
            (Some(_), Some(_)) => language = None,
            (None, Some("sh")) => told.push(line.to_owned()),
            (None, Some("console")) => told.extend(line.strip_prefix("$ ").map(str::to_owned)),
            _ => {}
        }
    }
    let prose = fenced(text, false).replace('\n', " ");
    told.extend(prose.split('`').skip(1).step_by(2).map(str::to_owned));
    told
}

/// What is wrong with a command, if anything.
pub fn mistake(line: &str, commands: &BTreeSet<String>, makefile: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().map(bare).collect();
    let commanded = words.iter().enumerate().map(|(place, word)| (place, word.strip_prefix("run-").unwrap_or(word)));
    for (place, program) in commanded.filter(|(_, word)| PROGRAMS.contains(word)) {
        let command = words[place + 1..].iter().find(|word| !word.starts_with('-')).unwrap_or(&"demo");
        if !commands.contains(&format!("{program} {command}")) {
            return Some(format!("{program} has no command {command}"));
        }
    }
    // `fifo-demo make` is another's.
    let is_target = |place: &usize| words[place - 1] == "make" && (*place < 2 || !PROGRAMS.contains(&words[place - 2]));
    let mut unknown = (1..words.len()).filter(is_target).map(|place| words[place]).filter(|target| {
        !PROGRAMS.iter().any(|name| target.strip_prefix("run-") == Some(name))
            && !makefile.lines().any(|line| line.starts_with(&format!("{target}:")))
    });
    unknown.next().map(|target| format!("the Makefile has no target {target}"))
}

/// A word of the shell's, or of `ARGS='…'`, without its quotes and what ends a command.
fn bare(word: &str) -> &str {
    word.strip_prefix("ARGS=").unwrap_or(word).trim_matches([';', '\'', '"'])
}
