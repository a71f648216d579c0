//! A process, its parent, and so on up to the root.
//!
//! The root is the first process of this PID namespace, PID 1, whose parent the namespace shows as 0: it is not
//! its own parent, as the note has it (claim 12).
//!
//! Note: 进程的标识 ("PID", "PPID"). Go: `os.Getpid`, `os.Getppid`. Man: getpid(2), credentials(7), proc_pid_stat(5).

use std::process;

use shared::report::Report;

use crate::proc;

#[derive(clap::Args)]
pub struct Args {
    /// The process to begin with; without it, this one
    #[arg(value_parser = clap::value_parser!(i32).range(1..))]
    pid: Option<i32>,
    /// Print JSON lines
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let mut pid = args.pid.unwrap_or(process::id().cast_signed());
    while pid != 0 {
        let stat = proc::stat(pid)?;
        out.pairs(&stat)?;
        pid = stat.ppid;
    }
    Ok(())
}
