//! Any number of commands at once, the output of each the input of the next.
//!
//! Note: 管道 ("ps aux | grep go"). Go: `exec.Cmd.StdoutPipe`, `exec.Cmd.StdinPipe`. Man: pipe(7), bash(1) at pipefail.

mod pump;
mod stages;

use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Context;
use clap::builder::{OsStringValueParser, TypedValueParser};
use shared::linux::stdio::{detail, stdout_is_open};

pub use stages::Stage;

use crate::status;
use shared::harness::report::Report;
use shared::harness::story;
use shared::linux::child::{Child, Children};

#[derive(clap::Args)]
pub struct Args {
    /// How the bytes get from one command to the next
    #[arg(long, value_enum, default_value_t = Link::Pump)]
    link: Link,
    /// Give up after this time (0: never)
    #[arg(long, value_name = "DURATION", value_parser = shared::harness::duration::limit, default_value = "1h")]
    timeout: Duration,
    /// A command with its arguments, quoted as for the shell; no shell interprets it
    #[arg(required = true, value_name = "CMD", value_parser = OsStringValueParser::new().try_map(|line| stages::split(&line)))]
    commands: Vec<Stage>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Link {
    /// Through this program, as in the note, by non-blocking pipes
    Pump,
    /// From child to child, as in the shell
    Direct,
}

pub fn run(args: &Args, _: &mut Report) -> anyhow::Result<()> {
    stdout_is_open()?;
    let (stages, link) = (args.commands.clone(), args.link);
    story::tell(args.timeout, &Children::commands(), move |children| {
        let statuses = execute(children, &stages, link)?;
        for (stage, status) in stages.iter().zip(&statuses) {
            detail(format_args!("{stage}: {status}"));
        }
        status::check(status::pipefail(&statuses))
    })
}

/// Runs all stages to their end. The first reads our stdin, the last writes to our stdout.
pub fn execute(children: &Children, stages: &[Stage], link: Link) -> anyhow::Result<Vec<ExitStatus>> {
    let started = match link {
        Link::Direct => stages::start_tied(children, stages)?,
        Link::Pump => {
            let (started, links) = stages::start_linked(children, stages)?;
            pump::pump(links)?;
            started
        }
    };
    started.into_iter().zip(stages).map(|(child, stage)| wait(child, stage)).collect()
}

fn wait(mut child: Child, stage: &Stage) -> anyhow::Result<ExitStatus> {
    child.wait().with_context(|| format!("wait for {stage}"))
}
