//! How fast signals are: standard ones, real-time ones that carry a value, and through the registry.
//!
//! Note: 信号. Go: `signal.Notify`. Man: kill(2), sigqueue(3), sigwaitinfo(2), signalfd(2).

mod registry;

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;

use anyhow::Context;
use nix::errno::Errno;
use nix::unistd::Pid;
use shared::harness::bench::{Mechanism, Meeting, OneWay, Side};
use shared::harness::report::Report;
use shared::linux::readiness::restart;

use crate::signal::set::Set;
use crate::signal::{Signal, send};
use registry::{Bare, Receiver, Twin};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: shared::harness::bench::Args,
    /// Only what the registry of signals costs, beside a bare loop of epoll and signalfd
    #[arg(long)]
    registry: bool,
    /// With --registry: this number of signals and answers in each of the rounds
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
}

pub static MECHANISMS: [Mechanism; 4] = [
    mechanism("signal", &[0], || meeting(waiting(Ok(Signal::USR1))), |_, _| waiting(Ok(Signal::USR1))),
    mechanism("signal, real-time", &[4], || meeting(waiting(queued())), |_, _| waiting(queued())),
    mechanism("signal, mio registry", &[0], || meeting(received::<Twin>()), |_, _| received::<Twin>()),
    mechanism("signal, epoll+signalfd", &[0], || meeting(received::<Bare>()), |_, _| received::<Bare>()),
];

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    if args.registry {
        return registry::run(args.count, out);
    }
    // Before there is a second thread: they would act on one that does not block them.
    [Signal::USR1, queued()?].into_iter().collect::<Set>().block().context("block signals")?;
    shared::harness::bench::run(&args.common, &MECHANISMS, out)
}

const fn mechanism(
    name: &'static str,
    sizes: &'static [usize],
    meet: fn() -> anyhow::Result<Meeting>,
    join: fn(File, File) -> anyhow::Result<Box<dyn Side>>,
) -> Mechanism {
    Mechanism { name, sizes, one_way: OneWay::No, meet, join }
}

/// Processes need nothing in common to send each other signals.
fn meeting(ours: anyhow::Result<Box<dyn Side>>) -> anyhow::Result<Meeting> {
    let nothing = File::options().read(true).write(true).open("/dev/null").context("open /dev/null")?;
    Ok(Meeting::Process(ours?, nothing.try_clone()?.into(), nothing.into()))
}

fn queued() -> anyhow::Result<Signal> {
    Signal::real_time(1).context("there is no SIGRTMIN+1")
}

fn waiting(signal: anyhow::Result<Signal>) -> anyhow::Result<Box<dyn Side>> {
    let signal = signal?;
    Set::from(signal).block().with_context(|| format!("block {signal}"))?;
    Ok(Box::new(Waiting { signal, peer: 0 }))
}

/// Waits in sigwaitinfo(2). A message of four bytes is the value of a signal.
struct Waiting {
    signal: Signal,
    peer: i32,
}

impl Side for Waiting {
    fn meet(&mut self, peer: Pid) {
        self.peer = peer.as_raw();
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match message.first_chunk() {
            Some(value) => send::queue(self.peer, self.signal, i32::from_ne_bytes(*value)),
            None => send::kill(self.peer, self.signal),
        }
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let value = wait_for(self.signal)?.to_ne_bytes();
        buffer.copy_from_slice(&value[..buffer.len()]);
        Ok(())
    }
}

/// The value of the signal that came.
fn wait_for(signal: Signal) -> io::Result<i32> {
    let (set, mut info) = (Set::from(signal).to_kernel(), MaybeUninit::<libc::siginfo_t>::zeroed());
    restart(|| {
        // SAFETY: both live until the call is over, and `info` has room for what it writes.
        #[allow(unsafe_code, reason = "nix has no real-time signals")]
        Ok(Errno::result(unsafe { libc::sigwaitinfo(&raw const set, info.as_mut_ptr()) })?)
    })?;
    // SAFETY: zeroed, then written by sigwaitinfo(2); every signal that is sent has a value, if only 0.
    #[allow(unsafe_code, reason = "siginfo_t is a union")]
    let value = unsafe { info.assume_init_ref().si_value() };
    let bytes = value.sival_ptr.addr().to_ne_bytes();
    Ok(i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

fn received<R: Receiver + Send + 'static>() -> anyhow::Result<Box<dyn Side>> {
    Ok(Box::new(Received { receiver: R::new()?, peer: 0 }))
}

/// Gets SIGUSR1 through a descriptor.
struct Received<R> {
    receiver: R,
    peer: i32,
}

impl<R: Receiver + Send> Side for Received<R> {
    fn meet(&mut self, peer: Pid) {
        self.peer = peer.as_raw();
    }

    fn send(&mut self, _nothing: &[u8]) -> io::Result<()> {
        send::kill(self.peer, Signal::USR1)
    }

    fn receive(&mut self, _nothing: &mut [u8]) -> io::Result<()> {
        self.receiver.receive().map_err(io::Error::other)
    }
}
