//! Wrong usage, as clap tells it, but with the name of the program in front, and of the command at the end.

use std::process::ExitCode;

use clap::Command;

use crate::linux::failure::Failure;
use crate::linux::stdio::narrate;

/// Says what is wrong; what was no error (`--help`, `--version`) ends here.
pub fn exit(error: &clap::Error, program: &Command) -> ExitCode {
    if !error.use_stderr() {
        error.exit();
    }
    let text = error.render().to_string();
    let text = text.trim_end().replace("try '--help'", &format!("try '{} --help'", asked(program)));
    match text.strip_prefix("error: ") {
        Some(what) => narrate(format_args!("{}: {what}", program.get_name())),
        None => narrate(format_args!("{text}")),
    }
    ExitCode::from(Failure::Usage(String::new()).code())
}

/// The command that the arguments name, as far as they name one: `unixsock pass-fd send`.
fn asked(program: &Command) -> String {
    let (mut name, mut command) = (program.get_name().to_owned(), program);
    for word in std::env::args_os().skip(1) {
        if let Some(next) = command.find_subcommand(&word) {
            name = format!("{name} {}", next.get_name());
            command = next;
        }
    }
    name
}
