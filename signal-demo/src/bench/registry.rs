//! What the registry costs: signals through it beside the barest loop of epoll and signalfd, in turn.
//!
//! Go's os/signal needs 4 to 30 times as long as such a loop, since each signal changes threads twice.
//!
//! Note: 信号. Go: `signal.Notify`. Man: signalfd(2), epoll(7).

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use libc::pid_t;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::signal::{self as nix_signal, SigSet};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd;
use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::child::forked::Forked;
use shared::linux::cpu;
use shared::linux::failure::Failure;
use shared::linux::readiness::restart;

use crate::registry::{Channel, Registry};
use crate::signal::set::Set;
use crate::signal::{Signal, send};

#[derive(Serialize)]
struct Record {
    mechanism: &'static str,
    how: &'static str,
    round_trips: u32,
    /// The median of the rounds.
    round_trip_ns: u128,
    /// To the bare loop.
    ratio: f64,
}

const ROUNDS: usize = 9;
const PATIENCE: Duration = Duration::from_secs(5);

/// With this number of signals and answers in each of the rounds.
pub fn run(count: u32, out: &mut Report) -> anyhow::Result<()> {
    // Children too: else it is where the scheduler puts the two processes that decides.
    cpu::stay_on(cpu::cpus()?.0)?;
    compare("self", count, (to_self::<Bare>, to_self::<Twin>), out)?;
    compare("ping-pong", count, (ping_pong::<Bare>, ping_pong::<Twin>), out)
}

/// How long this number of round trips takes.
type Run = fn(u32) -> anyhow::Result<Duration>;

fn compare(how: &'static str, count: u32, (bare, twin): (Run, Run), out: &mut Report) -> anyhow::Result<()> {
    let (mut bare_took, mut twin_took) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare_took.push(bare(count)?);
        twin_took.push(twin(count)?);
    }
    let bare = median(bare_took);
    for (mechanism, took) in [("epoll+signalfd", bare), ("registry", median(twin_took))] {
        let round_trip_ns = took.as_nanos() / u128::from(count);
        let ratio = (took.as_secs_f64() / bare.as_secs_f64() * 100.0).round() / 100.0;
        out.pairs(&Record { mechanism, how, round_trips: count, round_trip_ns, ratio })?;
    }
    Ok(())
}

fn median(mut rounds: Vec<Duration>) -> Duration {
    rounds.sort_unstable();
    rounds.get(rounds.len() / 2).copied().unwrap_or_default()
}

/// One process signals itself.
fn to_self<M: Receiver>(count: u32) -> anyhow::Result<Duration> {
    let mut mechanism = M::new()?;
    exchange(&mut mechanism, unistd::getpid().as_raw(), count)
}

/// Two processes signal each other. The child begins, as soon as a signal no longer kills it.
fn ping_pong<M: Receiver>(count: u32) -> anyhow::Result<Duration> {
    let mut mechanism = M::new()?;
    let parent = unistd::getpid().as_raw();
    let child = Forked::new(|| {
        let mut mechanism = M::new()?;
        for _ in 0..count {
            send::kill(parent, Signal::USR1)?;
            mechanism.receive()?;
        }
        Ok(send::kill(parent, Signal::USR1)?)
    })?;
    mechanism.receive()?;
    let took = exchange(&mut mechanism, child.pid(), count)?;
    child.succeed()?;
    Ok(took)
}

fn exchange(mechanism: &mut impl Receiver, pid: pid_t, count: u32) -> anyhow::Result<Duration> {
    let start = Instant::now();
    for _ in 0..count {
        send::kill(pid, Signal::USR1).with_context(|| format!("send SIGUSR1 to {pid}"))?;
        mechanism.receive()?;
    }
    Ok(start.elapsed())
}

/// How a process gets SIGUSR1.
pub trait Receiver: Sized {
    fn new() -> anyhow::Result<Self>;
    fn receive(&mut self) -> anyhow::Result<()>;
}

pub struct Twin {
    registry: Registry,
    channel: Channel,
}

impl Receiver for Twin {
    fn new() -> anyhow::Result<Twin> {
        let mut registry = Registry::new()?;
        let channel = registry.channel(1);
        registry.notify(&channel, &[Signal::USR1])?;
        Ok(Twin { registry, channel })
    }

    fn receive(&mut self) -> anyhow::Result<()> {
        while self.channel.arrived().next().is_none() {
            if self.registry.deliver(Some(PATIENCE))? == 0 {
                return Err(too_late());
            }
        }
        Ok(())
    }
}

pub struct Bare {
    epoll: Epoll,
    fd: SignalFd,
}

impl Receiver for Bare {
    fn new() -> anyhow::Result<Bare> {
        Set::from(Signal::USR1).block().context("block SIGUSR1")?;
        let set: SigSet = nix_signal::Signal::SIGUSR1.into();
        let fd = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC).context("signalfd")?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("epoll_create")?;
        epoll.add(&fd, EpollEvent::new(EpollFlags::EPOLLIN, 0)).context("epoll_ctl")?;
        Ok(Bare { epoll, fd })
    }

    fn receive(&mut self) -> anyhow::Result<()> {
        let mut events = [EpollEvent::empty()];
        let wait = || Ok(self.epoll.wait(&mut events, EpollTimeout::from(5000_u16))?);
        if restart(wait).context("epoll_wait")? == 0 {
            return Err(too_late());
        }
        ensure!(self.fd.read_signal().context("read signals")?.is_some(), "no signal where there was one");
        Ok(())
    }
}

fn too_late() -> anyhow::Error {
    Failure::Deadline("no signal came in time".to_owned()).into()
}
