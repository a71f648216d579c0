//! Man pages and shell completions of a program, made from its clap table.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
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
    program.build();
    let name = program.get_name().to_owned();
    in_folder(&args.man, |folder| clap_mangen::generate_to(program.clone(), folder))?;
    in_folder(&args.bash, |folder| std::fs::write(folder.join(&name), for_bash(&mut program, &name)))?;
    in_folder(&args.zsh, |folder| generate_to(Shell::Zsh, &mut program, &name, folder).map(drop))?;
    in_folder(&args.fish, |folder| generate_to(Shell::Fish, &mut program, &name, folder).map(drop))
}

/// The file has the name of the program: bash-completion looks for that.
///
/// For a name with a dash, clap_complete 4.6 finds a command under one label and completes it under another.
fn for_bash(program: &mut clap::Command, name: &str) -> Vec<u8> {
    let mut script = Vec::new();
    generate(Shell::Bash, program, name, &mut script);
    let [found, completed] = ["__", "__subcmd__"].map(|dash| name.replace('-', dash));
    String::from_utf8_lossy(&script).replace(&completed, &found).into_bytes()
}

fn in_folder(folder: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> anyhow::Result<()> {
    let result = std::fs::create_dir_all(folder).and_then(|()| write(folder));
    result.with_context(|| format!("write into {}", folder.display()))
}
