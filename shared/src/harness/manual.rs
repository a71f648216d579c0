//! Man pages and shell completions of a program, made from its clap table.

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Arg;
use clap::builder::PossibleValue;
use clap_complete::Shell;
use clap_complete::{generate, generate_to};

/// Where the files go; hidden, for `make install`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of the man pages (section 1)
    man: PathBuf,
    /// Folder of bash's completions
    bash: PathBuf,
    /// Folder of zsh's completions
    zsh: PathBuf,
    /// Folder of fish's completions
    fish: PathBuf,
}

/// Writes one man page for the program and for each of its commands, and the completions.
pub fn install(args: &Args, program: clap::Command) -> anyhow::Result<()> {
    // `help COMMAND` needs no page beside that of the command.
    let mut program = program.disable_help_subcommand(true);
    let mut shown = shown(&program).version(program.get_version().unwrap_or_default().to_owned());
    program.build();
    let name = program.get_name();
    in_folder(&args.man, |folder| clap_mangen::generate_to(program.clone(), folder))?;
    in_folder(&args.bash, |folder| std::fs::write(folder.join(name), for_bash(&mut shown, name)))?;
    in_folder(&args.zsh, |folder| generate_to(Shell::Zsh, &mut shown, name, folder).map(drop))?;
    in_folder(&args.fish, |folder| std::fs::write(folder.join(format!("{name}.fish")), for_fish(&mut shown, name)))
}

/// A command without what is hidden, which clap_complete would offer.
fn shown(command: &clap::Command) -> clap::Command {
    clap::Command::new(command.get_name().to_owned())
        .about(command.get_about().cloned().unwrap_or_default())
        .disable_help_subcommand(true)
        .args(command.get_arguments().filter(|argument| !argument.is_hide_set()).cloned())
        .subcommands(command.get_subcommands().filter(|command| !command.is_hide_set()).map(shown))
}

/// The file has the name of the program: bash-completion looks for that.
///
/// For a name with a dash, clap_complete 4.6 finds a command under one label and completes it under another.
fn for_bash(program: &mut clap::Command, name: &str) -> Vec<u8> {
    let [found, completed] = ["__", "__subcmd__"].map(|dash| name.replace('-', dash));
    script(Shell::Bash, program, name).replace(&completed, &found).into_bytes()
}

/// clap_complete 4.6 leaves out the values of what is no option.
fn for_fish(program: &mut clap::Command, name: &str) -> Vec<u8> {
    let mut script = script(Shell::Fish, program, name);
    for command in program.get_subcommands() {
        let using = format!("__fish_{}_using_subcommand {}", name.replace('-', "_"), command.get_name());
        for values in command.get_positionals().map(Arg::get_possible_values).filter(|values| !values.is_empty()) {
            let offers: Vec<_> = values.iter().map(offered_by_fish).collect();
            let _ = writeln!(script, "complete -c {name} -n '{using}' -f -a {}", fish_quoted(&offers.join("\n")));
        }
    }
    script.into_bytes()
}

/// A word, a tab and what it means; fish evaluates it once more.
fn offered_by_fish(value: &PossibleValue) -> String {
    let meaning = value.get_help().map(ToString::to_string).unwrap_or_default();
    format!("{}\\t{}", fish_quoted(value.get_name()), fish_quoted(&meaning))
}

fn fish_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

fn script(shell: Shell, program: &mut clap::Command, name: &str) -> String {
    let mut script = Vec::new();
    generate(shell, program, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

fn in_folder(folder: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> anyhow::Result<()> {
    let result = std::fs::create_dir_all(folder).and_then(|()| write(folder));
    result.with_context(|| format!("write into {}", folder.display()))
}
