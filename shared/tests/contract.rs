//! What scripts may rely on, asked of every command that the programs list: a new command is asked by itself.
//!
//! The programs are those that cargo has built beside this test, as it does for the whole workspace.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::thread;

use nix::sys::signal::{Signal, kill};
use shared::harness::footer::PROGRAMS;
use shared::linux::failure::EXIT_CODES;

#[path = "harness/mod.rs"]
mod harness;
mod repository;

use harness::{output, say, section, text, wait};
use repository::root;

/// They mean what each program or command makes of them.
const OF_EACH: [&str; 5] = ["--address", "--network", "--count", "--lines", "--table"];

/// What measures or asks everything is asked for the least of it.
const LEAST: [(&str, &str); 2] = [("claims", "--list"), ("bench", "--quick")];

/// Arguments that may be any word.
const ANY: [&str; 6] = ["<CMD>", "<PATH>", "<ADDRESS>", "<COMMAND>", "FILE", "NUMBER"];

/// A command, or the program itself, as its help shows it.
struct Asked {
    program: &'static str,
    /// `pass-fd send`; none for the program itself.
    command: Vec<String>,
    help: String,
}

struct Opt {
    name: String,
    metavar: String,
    says: String,
}

static ALL: LazyLock<Vec<Asked>> = LazyLock::new(|| {
    let programs = PROGRAMS.into_iter().filter(|name| {
        let is_built = path(name).exists();
        if !is_built {
            say(format_args!("skipped: {name} is not built; `cargo test --workspace` builds it"));
        }
        is_built
    });
    programs.flat_map(|program| commands_of(program, &[])).collect()
});

fn path(program: &str) -> PathBuf {
    harness::programs().join(program)
}

fn run(program: &str, arguments: &[&str]) -> Output {
    output(harness::command(path(program), arguments).env("COLUMNS", "1000")).unwrap()
}

/// What is there below `command`, and itself.
fn commands_of(program: &'static str, command: &[String]) -> Vec<Asked> {
    let words = command.iter().map(String::as_str).chain(["-h"]).collect::<Vec<_>>();
    let help = text(&run(program, &words).stdout);
    assert!(help.contains("\nUsage: "), "{program}: {help}");
    let below = harness::commands(&help).map(|name| [command, &[name.to_owned()]].concat());
    let below: Vec<_> = below.flat_map(|command| commands_of(program, &command)).collect();
    std::iter::once(Asked { program, command: command.to_vec(), help }).chain(below).collect()
}

/// Asks them side by side.
fn each(ask: impl Fn(&Asked) + Sync) {
    let quarter = ALL.len().div_ceil(4).max(1);
    thread::scope(|scope| ALL.chunks(quarter).for_each(|part| _ = scope.spawn(|| part.iter().for_each(&ask))));
}

impl Asked {
    fn name(&self) -> String {
        self.words(&[self.program], &[]).join(" ")
    }

    fn words<'a>(&'a self, before: &[&'a str], after: &[&'a str]) -> Vec<&'a str> {
        let command: Vec<_> = self.command.iter().map(String::as_str).collect();
        [before, &command, after].concat()
    }

    /// What it says on stderr, where the arguments are wrong.
    fn fails(&self, before: &[&str], after: &[&str]) -> String {
        let output = run(self.program, &self.words(before, after));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{} {after:?}: {said}", self.name());
        assert!(said.starts_with(&format!("{}: ", self.program)), "{said}");
        said
    }

    /// The same where the arguments alone tell.
    fn refuses(&self, before: &[&str], after: &[&str]) -> String {
        let said = self.fails(before, after);
        assert!(said.contains(&format!("try '{} --help'", self.name())), "{said}");
        said
    }

    /// What it takes to be said no to for the sake of something else.
    fn takes(&self, option: &str) {
        let said = self.refuses(&[], &[option, "--nonsense"]);
        assert!(said.contains("'--nonsense'"), "{} {option}: {said}", self.name());
    }

    /// The least that it does, started by a shell as `script` says, in a folder of its own.
    fn least(&self, script: &str, folder: &Path) -> Command {
        let least = LEAST.iter().find(|(command, _)| self.command.iter().eq([command])).map(|(_, option)| *option);
        let limit = self.options().iter().any(|option| option.name == "--timeout").then_some("--timeout=5");
        let options: Vec<&str> = least.into_iter().chain(limit).collect();
        let mut shell = harness::command("sh", &["-c", script]);
        shell.arg(path(self.program)).args(self.words(&[], &[&options[..], &self.required()].concat()));
        shell.current_dir(folder).env("XDG_RUNTIME_DIR", folder);
        shell
    }

    fn options(&self) -> Vec<Opt> {
        section(&self.help, "Options:").map(option).collect()
    }

    fn usage(&self) -> &str {
        self.help.lines().find(|line| line.starts_with("Usage: ")).unwrap()
    }

    /// Words for the arguments that it must have.
    fn required(&self) -> Vec<&'static str> {
        let (_, arguments) = self.usage().split_once("[OPTIONS]").unwrap();
        let required = arguments.split_whitespace().filter(|word| *word == "--" || word.starts_with('<'));
        required.map(|word| if word == "--" { "--" } else { "x" }).collect()
    }
}

/// `  -m, --mode <MODE>  Permissions [default: …]`
fn option(line: &str) -> Opt {
    let (names, says) = line.trim_start().split_once("  ").unwrap_or_else(|| panic!("{line}"));
    let names = names.split_once("--").unwrap_or_else(|| panic!("{line}")).1;
    let (name, metavar) = names.split_once(' ').unwrap_or((names.trim_end_matches('.'), ""));
    let says = says.split(" [default: ").next().unwrap_or_default().split(" [possible ").next().unwrap_or_default();
    Opt { name: format!("--{name}"), metavar: metavar.to_owned(), says: says.trim().to_owned() }
}

#[test]
fn a_duration_is_in_seconds_or_has_a_unit() {
    each(|asked| {
        for Opt { name, metavar, .. } in asked.options() {
            let is_duration = ["timeout", "grace", "duration", "deadline"].iter().any(|word| name.ends_with(word));
            assert_eq!(metavar == "<DURATION>", is_duration, "{} {name} {metavar}", asked.name());
            if is_duration {
                for value in ["5", "0.5", "1s"] {
                    asked.takes(&format!("{name}={value}"));
                }
                let said = asked.refuses(&[], &[&format!("{name}=soon"), "--nonsense"]);
                assert!(said.contains("'soon'"), "{said}");
            }
        }
    });
}

/// Of a limit it is none, a grace period may be none; to do something for no time is a mistake.
#[test]
fn zero_has_one_meaning() {
    each(|asked| {
        for Opt { name, says, .. } in asked.options() {
            match &*name {
                "--timeout" | "--idle-timeout" | "--dial-timeout" => {
                    assert!(says.ends_with(" (0: never)"), "{} {name}: {says}", asked.name());
                    asked.takes(&format!("{name}=0"));
                }
                "--grace" => asked.takes("--grace=0"),
                "--duration" => assert!(asked.refuses(&[], &["--duration=0"]).contains("'0'")),
                _ => (),
            }
        }
    });
}

#[test]
fn an_option_of_one_name_has_one_help_text() {
    let mut known = BTreeMap::new();
    for asked in ALL.iter() {
        for Opt { name, metavar, says } in asked.options() {
            if name == "--help" || OF_EACH.contains(&&*name) {
                continue;
            }
            let first = known.entry(name.clone()).or_insert_with(|| (asked.name(), metavar.clone(), says.clone()));
            let (other, known_metavar, known_says) = &*first;
            assert_eq!((known_metavar, known_says), (&metavar, &says), "{name} of {other} and of {}", asked.name());
        }
    }
}

#[test]
fn verbose_and_json_stand_before_the_command_and_after_it() {
    each(|asked| {
        let options = ["-v", "--json", "-v"];
        for (before, after) in [(&options[..], &[][..]), (&[], &options)] {
            let said = asked.refuses(before, &[after, &["--nonsense"]].concat());
            assert!(said.contains("'--nonsense'"), "{said}");
        }
    });
}

#[test]
fn nonsense_is_a_usage_error_that_names_the_command() {
    each(|asked| {
        if !ANY.iter().any(|any| asked.usage().contains(any)) {
            let said = asked.fails(&[], &["nonsense", "nonsense"]);
            assert!(said.contains("nonsense"), "{}: {said}", asked.name());
        }
        for Opt { name, .. } in asked.options().into_iter().filter(|option| option.metavar == "<N>") {
            assert!(asked.refuses(&[], &[&format!("{name}=nonsense")]).contains("'nonsense'"));
        }
    });
}

#[test]
fn the_readmes_have_the_exit_codes() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).unwrap();
    for (code, says) in EXIT_CODES.lines().map(|line| line.trim_start().split_once("  ").unwrap()) {
        assert!(read("README.md").contains(&format!("\n| {code} | {} |\n", says.trim())), "{code}: {says}");
        assert!(read("README.zh.md").contains(&format!("\n| {code} | ")), "{code}");
    }
}

/// Whoever has something to choose has an example.
#[test]
fn help_ends_with_examples_and_exit_codes() {
    each(|asked| {
        let codes: Vec<_> =
            section(&asked.help, "Exit codes:").filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(codes, ["0", "1", "2", "77", "124", "126,", "128+N", "N"], "{}", asked.name());
        let chooses = asked.options().len() > 3 || asked.help.contains("\nArguments:");
        assert!(!chooses || section(&asked.help, "Examples:").next().is_some(), "{}: no example", asked.name());
    });
}

/// `manual` refuses an example that the program would.
#[test]
fn man_pages_have_the_exit_status_and_examples_that_are_commands() {
    for asked in ALL.iter().filter(|asked| asked.command.is_empty()) {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().to_str().unwrap();
        let made = run(asked.program, &["manual", folder, folder, folder, folder]);
        assert!(made.status.success(), "{}", text(&made.stderr));
        for asked in ALL.iter().filter(|other| other.program == asked.program) {
            let page = Path::new(folder).join(format!("{}.1", asked.name().replace(' ', "-")));
            let page = std::fs::read_to_string(page).unwrap();
            assert!(page.contains("\n.SH \"EXIT STATUS\"\n"), "{}: {page}", asked.name());
        }
    }
}

/// The first record is enough: a command whose reader has gone ends.
#[test]
fn json_is_json_or_wrong_usage() {
    each(|asked| {
        let folder = tempfile::tempdir().unwrap();
        let mut child = asked.least("exec \"$0\" --json \"$@\"", folder.path()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        if first.is_empty() {
            assert_ne!(wait(&mut child).unwrap().code(), Some(0), "{}: nothing", asked.name());
        } else {
            let json: Result<serde_json::Map<_, _>, _> = serde_json::from_str(&first);
            assert!(json.is_ok(), "{}: {first}", asked.name());
            kill(harness::pid(&child), Signal::SIGTERM).unwrap();
            wait(&mut child).unwrap();
        }
    });
}

/// It is one, unlike a reader that has gone.
#[test]
fn a_stdout_that_was_closed_from_the_start_is_an_error() {
    each(|asked| {
        if asked.required().is_empty() {
            let folder = tempfile::tempdir().unwrap();
            let output = output(&mut asked.least("exec \"$0\" \"$@\" >&-", folder.path())).unwrap();
            assert_ne!(output.status.code(), Some(0), "{}", asked.name());
            assert!(!output.stderr.is_empty(), "{}", asked.name());
        }
    });
}
