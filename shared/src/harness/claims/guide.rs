//! What a row of the ledger links to: the section of the guide that has its statement, and the file of its command.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;

/// Read from the pages, at the root of the repository.
pub(super) struct Guide {
    /// As `states.md#d`.
    sections: BTreeMap<u16, String>,
    /// As `signal-demo/src/bin/process-demo/states.rs` for `process-demo states`.
    files: BTreeMap<String, String>,
}

impl Guide {
    /// The pages of this folder, in which a statement is an item of a list. The first that has it counts.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Guide> {
        let mut sections = BTreeMap::new();
        let summary = text(&folder.join("SUMMARY.md"))?;
        for name in summary.split("](").skip(1).filter_map(|link| link.split(')').next()) {
            for (number, section) in sections_of(name, &text(&folder.join(name))?) {
                sections.entry(number).or_insert(section);
            }
        }
        Ok(Guide { sections, files: files(&text(Path::new("README.md"))?) })
    }

    pub(super) fn section(&self, number: u16) -> Option<&str> {
        self.sections.get(&number).map(String::as_str)
    }

    /// The file of a command, whatever its arguments.
    pub(super) fn file(&self, command: &str) -> Option<&str> {
        let mut words = command.split(' ');
        self.files.get(&format!("{} {}", words.next()?, words.next()?)).map(String::as_str)
    }
}

fn text(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}

fn sections_of(name: &str, page: &str) -> BTreeMap<u16, String> {
    let mut sections = BTreeMap::new();
    let mut section = name.to_owned();
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            section = format!("{name}#{}", id(heading));
        }
        let number = line.strip_prefix("- [").and_then(|item| item.split_once("](claims.md#"));
        if let Some(Ok(number)) = number.map(|(number, _)| number.parse()) {
            sections.insert(number, section.clone());
        }
    }
    sections
}

/// By the rule that mdBook and GitHub share.
fn id(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|&c| c.is_alphanumeric() || [' ', '-', '_'].contains(&c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// From the README's table: `` `pipe-demo` [run](pipe-demo/src/run.rs), [ipc](…) · `fifo-demo` … ``.
fn files(readme: &str) -> BTreeMap<String, String> {
    let cells = readme.lines().filter(|line| line.starts_with("| ")).flat_map(|row| row.split(" | "));
    let programs =
        cells.flat_map(|cell| cell.split(" · ")).filter_map(|part| part.strip_prefix('`')?.split_once("` ["));
    let links = programs.flat_map(|(program, links)| links.split(", [").map(move |link| (program, link)));
    let files = links.filter_map(|(program, link)| {
        let (command, file) = link.trim_end_matches(')').split_once("](")?;
        Some((format!("{program} {command}"), file.to_owned()))
    });
    files.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_stands_under_the_heading_above_it() {
        let page = "# 进程的状态\n\n## R, S\n\n- [25](claims.md#claim-25) Six.\n\n## os/signal\n\n\
                    As [25](claims.md#claim-25) says.\n\n- [30](claims.md#claim-30) D.\n";
        let sections = sections_of("states.md", page);
        let expected = [(25, "states.md#r-s".to_owned()), (30, "states.md#ossignal".to_owned())];
        assert_eq!(sections, expected.into());
    }

    #[test]
    fn a_command_has_the_file_that_the_readme_names() {
        let readme = "| 管道 | `pipe-demo` [run](p/run.rs), [ipc](p/ipc.rs) · `fifo-demo` [run](f/run.rs) | os.Pipe |";
        let guide = Guide { sections: BTreeMap::new(), files: files(readme) };
        let commands = ["pipe-demo ipc --json", "fifo-demo run", "tcpsock run"];
        assert_eq!(commands.map(|command| guide.file(command)), [Some("p/ipc.rs"), Some("f/run.rs"), None]);
    }
}
