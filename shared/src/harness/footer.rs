//! What the help and the man page of each command end with: durations, examples, exit codes, related pages.
//!
//! Man: man-pages(7).

use clap::Command;

use crate::linux::failure::EXIT_CODES;

/// A command, examples as one types them, and related pages; `%` is the program.
pub type Footer = (&'static str, &'static [&'static str], &'static str);

/// The commands of all programs; the first is the program itself.
const COMMON: &[Footer] = &[
    ("", &["%", "% claims"], ""),
    ("claims", &["% claims --list", "% claims --json --timeout 5"], ""),
    ("bench", &["% bench --quick --pin same"], ""),
];

/// The programs, in the note's order.
pub const PROGRAMS: [&str; 7] =
    ["process-demo", "sync-demo", "pipe-demo", "fifo-demo", "signal-demo", "tcpsock", "unixsock"];

const DURATIONS: &str = "Durations:
  10 and 0.5 are seconds; 200ms and 1m 30s have units";

/// Adds them to `program` and to all commands below it.
pub fn add(program: Command, footers: &[Footer]) -> Command {
    let name = program.get_name().to_owned();
    add_below(program, &name, "", false, &[footers, COMMON].concat())
}

/// What has a duration hands it on to the commands below it.
fn add_below(command: Command, program: &str, path: &str, has_duration: bool, footers: &[Footer]) -> Command {
    let is_duration = |arg: &clap::Arg| arg.get_value_names().is_some_and(|names| names == ["DURATION"]);
    let has_duration = has_duration || command.get_arguments().any(is_duration);
    let command = command.mut_subcommands(|below| {
        let path = format!("{path} {}", below.get_name());
        add_below(below, program, path.trim_start(), has_duration, footers)
    });
    let footer = footers.iter().find(|footer| footer.0 == path);
    let (examples, related) = footer.map_or((&[][..], ""), |footer| (footer.1, footer.2));
    command.after_help(text(has_duration, program, path, examples, related))
}

fn text(has_duration: bool, program: &str, path: &str, examples: &[&str], related: &str) -> String {
    let examples = examples.join("\n  ").replace('%', program);
    let others: Vec<_> = PROGRAMS.into_iter().filter(|other| *other != program).collect();
    let related = if path.is_empty() { format!("{}(1)", others.join("(1), ")) } else { related.replace('%', program) };
    let sections = [
        has_duration.then(|| DURATIONS.to_owned()),
        (!examples.is_empty()).then(|| format!("Examples:\n  {examples}")),
        Some(format!("Exit codes:\n{EXIT_CODES}")),
        (!related.is_empty()).then(|| format!("See also:\n  {related}")),
    ];
    sections.into_iter().flatten().collect::<Vec<_>>().join("\n\n")
}
