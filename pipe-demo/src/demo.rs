//! The note's stories, as its two Go programs tell them.
//!
//! Note: 管道. Go: apipe.go, npipe.go.

use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use shared::report::Report;

use crate::children::{self, Children};
use crate::pipeline::{self, Link, Stage};
use crate::run::{self, By};
use crate::status;

/// The stories end by then.
const DEADLINE: Duration = Duration::from_secs(30);

const FIVE: NonZeroUsize = NonZeroUsize::new(5).unwrap();
const DEFAULT_OF_BUFIO: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

pub fn run(_verbose: bool, mut out: Report) -> anyhow::Result<()> {
    children::supervise(DEADLINE, &Children::default(), move |children| {
        echo(children, By::Buffer(FIVE), &mut out)?;
        echo(children, By::Line(DEFAULT_OF_BUFIO), &mut out)?;
        ps_into_grep(children, &mut out)
    })
}

fn echo(children: &Children, by: By, out: &mut Report) -> anyhow::Result<()> {
    out.line(format_args!("Run command `echo -n \"My first command comes from Rust.\"`: "))?;
    let mut command = Command::new("echo");
    let status = run::read_output(children, command.args(["-n", "My first command comes from Rust."]), by, |piece| {
        out.payload(piece)?;
        out.flush()
    })?;
    out.line(format_args!("\n"))?;
    status::check(status::code(status))
}

/// The commands run at once, so grep may see itself. That it found no line is no failure.
fn ps_into_grep(children: &Children, out: &mut Report) -> anyhow::Result<()> {
    out.line(format_args!("Run command `ps aux | grep pipe-demo`: "))?;
    let stages = ["ps aux", "grep pipe-demo"].map(str::parse::<Stage>).into_iter().collect::<Result<Vec<_>, _>>();
    let statuses = pipeline::execute(children, &stages.map_err(anyhow::Error::msg)?, Link::Pump)?;
    out.line(format_args!(""))
}
