//! What holds for a command that a program runs: its arguments, its output, its input, its end.
//!
//! A read returns what is there: fewer bytes than the buffer holds are not the end, an error may be one. A command's
//! end is not that of its output, as others may have its ends of the pipes.
//!
//! Note: 管道 ("exec.Command"). Go: `exec.Cmd.StdoutPipe`, `exec.Cmd.StdinPipe`, `exec.Cmd.Wait`. Man: execve(2),
//! pipe(7), read(2), wait(2).

pub mod shell;
pub mod reads;
pub mod ends;

use shared::harness::report::Report;

#[derive(clap::Args)]
pub struct Args {}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    out.pairs(&shell::pipeline()?)?;
    for text in shell::TEXTS {
        out.pairs(&shell::echo(text)?)?;
    }
    out.pairs(&reads::after_an_error()?)?;
    for script in reads::SCRIPTS {
        out.pairs(&reads::of_output(script)?)?;
    }
    for size in reads::SIZES {
        out.pairs(&reads::through_a_buffer(size)?)?;
    }
    out.pairs(&ends::outlived()?)?;
    out.pairs(&ends::with_stdin_open()?)?;
    out.pairs(&ends::unread()?)?;
    out.pairs(&reads::of_output(reads::LONGER)?)?;
    out.pairs(&reads::of_output(reads::EXACT)?)
}
