//! Processes that do the same work from one moment on.
//!
//! Go: `sync.WaitGroup` behind a closed channel. Man: fork(2), pipe(7), poll(2).

use std::io;
use std::os::fd::AsFd;

use anyhow::Context;
use nix::poll::{PollFd, PollFlags};
use shared::linux::child::Children;
use shared::linux::child::teller::Teller;
use shared::linux::gate::Gate;
use shared::linux::readiness::await_any;

/// Forked, and waiting at a gate.
pub struct Racers {
    gate: Gate,
    racers: Vec<Teller<()>>,
}

impl Racers {
    pub fn at_the_gate(
        children: &Children,
        count: u64,
        work: impl Fn() -> anyhow::Result<()>,
    ) -> anyhow::Result<Racers> {
        let gate = Gate::new()?;
        let racer = || gate.pass().context("wait at the gate").and_then(|()| work());
        let racers = (0..count).map(|_| Teller::fork(children, racer)).collect::<anyhow::Result<_>>()?;
        Ok(Racers { gate, racers })
    }

    /// Lets them start, and waits for whichever ends first: one that was killed in a critical section took the token
    /// with it, and the others would wait for it in vain.
    pub fn start(mut self) -> anyhow::Result<()> {
        self.gate.open(self.racers.len())?;
        while !self.racers.is_empty() {
            let ended = first_to_end(&self.racers).context("poll the racers")?;
            self.racers.swap_remove(ended).hear()?;
        }
        Ok(())
    }
}

fn first_to_end(racers: &[Teller<()>]) -> io::Result<usize> {
    let mut fds: Vec<_> = racers.iter().map(|racer| PollFd::new(racer.as_fd(), PollFlags::POLLIN)).collect();
    await_any(&mut fds, None)?;
    fds.iter().position(|fd| fd.any() == Some(true)).ok_or_else(|| io::Error::other("none has ended"))
}
