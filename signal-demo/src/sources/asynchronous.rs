//! What reaches a process that waits for nothing: a signal, and what another process stores in shared memory.
//!
//! The process counts in a loop without any call. The signal interrupts the loop. The store does not: it is there as soon
//! as the loop looks (claim 105). The other notices that are called asynchronous are one of these two or need a thread
//! that waits: SIGIO and mq_notify(3) by SIGEV_SIGNAL are signals, and mq_notify(3) by SIGEV_THREAD has a thread of the C
//! library asleep in recv(2).
//!
//! Note: 信号 ("唯一一种异步的通讯方法"). Go: `signal.Notify`. Man: signal(7), shm_overview(7), mq_notify(3).

use std::ffi::c_int;
use std::io::{self, PipeWriter};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::unistd;
use serde::Serialize;
use shared::linux::child::answer::{await_turn, give_turn};
use shared::linux::child::forked::{Forked, close_copy};
use shared::linux::failure::Failure;
use shared::linux::memory::SharedMemory;

use crate::signal::action::Action;
use crate::signal::set::Set;
use crate::signal::{Signal, send};

/// How a counting process was reached.
#[derive(Debug, Serialize)]
pub struct Reached {
    pub means: &'static str,
    /// How far it had counted.
    pub at: u64,
    /// Whether something ran in its thread that the loop does not call.
    pub interrupts: bool,
}

/// How far this process has counted.
static COUNT: AtomicU64 = AtomicU64::new(1);
/// How far it had when the handler ran, and in which thread that was; 0: not yet.
static HANDLER_AT: AtomicU64 = AtomicU64::new(0);
static HANDLER_IN: AtomicI32 = AtomicI32::new(0);

/// Both come within milliseconds; a starved process may need longer.
const PATIENCE: Duration = Duration::from_secs(8);

pub fn means() -> anyhow::Result<[Reached; 2]> {
    let memory = SharedMemory::new(AtomicU64::new(0))?;
    Action::Catch { handler: on_signal, mask: Set::EMPTY }.set(Signal::USR1).context("catch SIGUSR1")?;
    Set::from(Signal::USR1).unblock().context("unblock SIGUSR1")?;
    let (turns, take_turns) = io::pipe().context("pipe")?;
    let receiver = unistd::getpid().as_raw();
    let sender = Forked::new(|| {
        close_copy(&take_turns)?;
        await_turn(&turns)?;
        send::kill(receiver, Signal::USR1).with_context(|| format!("send SIGUSR1 to {receiver}"))?;
        await_turn(&turns)?;
        memory.store(1, Ordering::SeqCst);
        Ok(())
    })?;
    count_until("signal", || HANDLER_AT.load(Ordering::SeqCst) > 0, &take_turns)?;
    let seen_at = count_until("store", || memory.load(Ordering::SeqCst) > 0, &take_turns)?;
    sender.succeed()?;
    let interrupts = HANDLER_IN.load(Ordering::SeqCst) == unistd::gettid().as_raw();
    Ok([
        Reached { means: "signal", at: HANDLER_AT.load(Ordering::SeqCst), interrupts },
        Reached { means: "shared memory", at: seen_at, interrupts: false },
    ])
}

/// Counts until it has come, and says how far. The loop makes no call.
fn count_until(what: &str, has_come: impl Fn() -> bool, sender: &PipeWriter) -> anyhow::Result<u64> {
    let count = || COUNT.fetch_add(1, Ordering::SeqCst);
    while !count().is_multiple_of(1000) {}
    give_turn(sender)?;
    let deadline = Instant::now() + PATIENCE;
    // ANCHOR: count
    while !has_come() {
        if count().is_multiple_of(1 << 20) && Instant::now() > deadline {
            return Err(Failure::Deadline(format!("no {what} came in time")).into());
        }
    }
    Ok(COUNT.load(Ordering::SeqCst))
    // ANCHOR_END: count
}

extern "C" fn on_signal(_: c_int) {
    HANDLER_IN.store(unistd::gettid().as_raw(), Ordering::SeqCst);
    HANDLER_AT.store(COUNT.load(Ordering::SeqCst), Ordering::SeqCst);
}
