//! Kinds of IPC: those that the note lists and others, what each carries, and whether shared memory is the fastest.
//!
//! Note: Golang笔记-多进程编程理论 ("基于通讯的IPC方法"). Go: `os.Pipe`, `os/signal`, `net`. Man: pipe(7), mq_overview(7),
//! shm_overview(7), signal(7), sem_overview(7), unix(7), eventfd(2), futex(2).

pub mod kinds;
pub mod messages;
pub mod fastest;
mod queue;
mod semaphore;

use shared::harness::report::Report;

#[derive(clap::Args)]
pub struct Args {}

// ANCHOR: kinds
pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    for kind in kinds::KINDS {
        out.pairs(&kinds::observe(kind)?)?;
    }
    out.pairs(&messages::through_both()?)?;
    out.pairs(&fastest::compare()?)
}
// ANCHOR_END: kinds
