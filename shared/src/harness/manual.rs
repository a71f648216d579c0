//! Man pages and shell completions of a program, made from its clap table.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Arg;
use clap::builder::{PossibleValue, Resettable};
use clap_complete::Shell;
use clap_complete::{generate, generate_to};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

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
    in_folder(&args.man, |folder| write_pages(&program, &program, folder))?;
    in_folder(&args.bash, |folder| Ok(fs::write(folder.join(name), for_bash(&mut shown, name))?))?;
    in_folder(&args.zsh, |folder| Ok(generate_to(Shell::Zsh, &mut shown, name, folder).map(drop)?))?;
    in_folder(&args.fish, |folder| Ok(fs::write(folder.join(format!("{name}.fish")), for_fish(&mut shown, name))?))
}

/// A page for `command`, and one for each command below it.
fn write_pages(program: &clap::Command, command: &clap::Command, folder: &Path) -> anyhow::Result<()> {
    let mut below = command.get_subcommands().filter(|below| !below.is_hide_set());
    below.try_for_each(|below| write_pages(program, below, folder))?;
    let man = Man::new(command.clone().after_help(Resettable::Reset));
    let mut page = fs::File::create(folder.join(man.get_filename()))?;
    man.render(&mut page)?;
    let footer = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    for section in footer.split("\n\n") {
        let (heading, lines) = section.split_once(":\n").context("a heading")?;
        let lines: Vec<&str> = lines.lines().map(str::trim_start).collect();
        if heading == "Examples" {
            lines.iter().try_for_each(|line| is_command(program, line).with_context(|| (*line).to_owned()))?;
        }
        let heading = heading.replace("Exit codes", "Exit status").to_uppercase();
        let mut roff = Roff::default();
        roff.control("SH", [&*heading]).control("nf", []).text([roman(lines.join("\n"))]).control("fi", []);
        roff.to_writer(&mut page)?;
    }
    Ok(())
}

/// Whether the program would take an example as it stands.
fn is_command(program: &clap::Command, example: &str) -> anyhow::Result<()> {
    let words = shell_words::split(&example.replace("$$", "1"))?;
    let commands = words.split(|word| matches!(&**word, "|" | "&" | "&&" | "<" | ">"));
    let ours: Vec<_> = commands.filter(|words| words.first().is_some_and(|word| word == program.get_name())).collect();
    ensure!(!ours.is_empty(), "not of this program");
    ours.into_iter().try_for_each(|words| program.clone().try_get_matches_from(words).map(drop).map_err(Into::into))
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
/// For a name with a dash, clap_complete 4.6 finds a command under one label and completes it under another; and it
/// forgets that to bash the equals sign of `--lang=zh` is a word.
fn for_bash(program: &mut clap::Command, name: &str) -> Vec<u8> {
    let [found, completed] = ["__", "__subcmd__"].map(|dash| name.replace('-', dash));
    let [before, option] = ["    prev=\"$3\"\n", "    [[ $prev != = ]] || prev=${COMP_WORDS[COMP_CWORD - 2]}\n"];
    let script = script(Shell::Bash, program, name).replace(before, &format!("{before}{option}"));
    script.replace(&completed, &found).into_bytes()
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

fn in_folder(folder: &Path, write: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let result = fs::create_dir_all(folder).map_err(Into::into).and_then(|()| write(folder));
    result.with_context(|| format!("write into {}", folder.display()))
}
