//! Any number of commands at once, the output of each the input of the next.
//!
//! Note: 管道 ("ps aux | grep go"). Go: `exec.Cmd.StdoutPipe`, `exec.Cmd.StdinPipe`. Man: pipe(7), bash(1) at pipefail.

mod pump;
mod stages;

use std::time::Duration;

use anyhow::Context;
use clap::builder::{OsStringValueParser, TypedValueParser};
use shared::linux::stdio::stdout_is_open;

pub use stages::Stage;

use crate::status::{self, StageEnded};
use shared::harness::report::Report;
use shared::harness::story;
use shared::linux::child::Children;

#[derive(clap::Args)]
pub struct Args {
    /// How the bytes get from one command to the next
    #[arg(long, value_enum, default_value_t = Link::Pump)]
    link: Link,
    /// Whose exit code is that of the pipeline; -v tells all, --json too, as records on stderr
    #[arg(long, value_enum, default_value_t = Whose::Pipefail)]
    status: Whose,
    /// Give up after this time (0: never)
    #[arg(long, value_name = "DURATION", value_parser = shared::harness::duration::limit, default_value = "1h")]
    timeout: Duration,
    /// A command with its arguments, quoted as for the shell; no shell interprets it
    #[arg(trailing_var_arg = true, required = true, value_name = "CMD", value_parser = OsStringValueParser::new().try_map(|line| stages::split(&line)))]
    commands: Vec<Stage>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Link {
    /// Through this program, as in the note, by non-blocking pipes
    Pump,
    /// From child to child, as in the shell
    Direct,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Whose {
    /// That of the last command that failed, as bash counts with `set -o pipefail`
    Pipefail,
    /// That of the last command, as every shell counts by default
    Last,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    stdout_is_open()?;
    let (stages, link, whose, out) = (args.commands.clone(), args.link, args.status, out.for_thread());
    story::tell(args.timeout, &Children::commands(), move |children| {
        let ended = execute(children, &stages, link)?;
        ended.iter().try_for_each(|stage| out.beside(stage))?;
        let mut codes = ended.iter().map(StageEnded::code);
        let code = match whose {
            Whose::Pipefail => codes.rfind(|&code| code != 0),
            Whose::Last => codes.next_back(),
        };
        status::check(code.unwrap_or(0))
    })
}

/// Runs all stages to their end. The first reads our stdin, the last writes to our stdout.
pub fn execute(children: &Children, stages: &[Stage], link: Link) -> anyhow::Result<Vec<StageEnded>> {
    let started = match link {
        Link::Direct => stages::start_tied(children, stages)?,
        Link::Pump => {
            let (started, links) = stages::start_linked(children, stages)?;
            pump::pump(links)?;
            started
        }
    };
    let ended = (1..).zip(stages).zip(started).map(|((number, stage), mut child)| {
        let status = child.wait().with_context(|| format!("wait for {stage}"))?;
        Ok(StageEnded::new(number, stage, &child, status))
    });
    ended.collect()
}
