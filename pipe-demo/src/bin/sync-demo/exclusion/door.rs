//! Two processes at the door of one critical section, at the same time, again and again.

use std::hint::spin_loop;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::atomic::{
    AtomicBool, AtomicUsize, Ordering,
    Ordering::{Relaxed, Release, SeqCst},
    compiler_fence, fence,
};
use std::time::Instant;

use serde::Serialize;
use shared::linux::at_once::{at_once, spin_until};
use shared::linux::cpu::two_cpus;
use shared::linux::memory::SharedMemory;

use crate::mutex::ProcessMutex;
use crate::token::Token;

/// What keeps the others out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Peterson's algorithm, whose order the compiler keeps, but not the CPU
    PlainReadsAndWrites,
    /// The same, and the CPU keeps the order too
    Fence,
    /// A mutex in shared memory
    Mutex,
    /// A pipe that holds one byte
    Token,
}

/// Two processes that came to the door at the same time, again and again.
#[derive(Serialize)]
pub struct Visits {
    pub how: How,
    pub meetings: usize,
    pub both_inside: usize,
}

/// Of one round.
const MEETINGS: usize = 100;

/// Lets the two meet. With plain reads and writes they go on until both were inside once.
pub fn visit(how: How, deadline: Instant) -> anyhow::Result<Visits> {
    let (door, lock) = (SharedMemory::new(Door::default())?, Lock::new(how)?);
    let mut visits = Visits { how, meetings: 0, both_inside: 0 };
    at_once(
        two_cpus()?,
        deadline,
        |me| door.meet(me, &lock, deadline),
        |_| {
            visits.meetings += MEETINGS;
            visits.both_inside = door.both_inside.load(SeqCst);
            if visits.are_enough() { Break(()) } else { Continue(()) }
        },
    )?;
    Ok(visits)
}

impl Visits {
    fn are_enough(&self) -> bool {
        match self.how {
            How::PlainReadsAndWrites => self.both_inside > 0 && self.meetings >= 20_000,
            How::Fence => self.meetings >= 20_000,
            // Whoever comes second falls asleep, and has to be woken.
            How::Mutex | How::Token => self.meetings >= 100,
        }
    }
}

#[derive(Default)]
struct Door {
    /// Both, at all meetings together.
    arrived: AtomicUsize,
    inside: AtomicUsize,
    both_inside: AtomicUsize,
}

impl Door {
    /// The next meetings of a round.
    fn meet(&self, me: usize, lock: &Lock, deadline: Instant) -> anyhow::Result<()> {
        let met = self.arrived.load(SeqCst) / 2;
        for meeting in met + 1..=met + MEETINGS {
            self.arrived.fetch_add(1, SeqCst);
            spin_until(deadline, || !lock.is_wanted() && self.arrived.load(SeqCst) >= 2 * meeting)?;
            lock.exclusively(me, deadline, || self.stay_inside())?;
        }
        Ok(())
    }

    /// Long enough to be met by another that gets in.
    fn stay_inside(&self) {
        if self.inside.fetch_add(1, SeqCst) > 0 {
            self.both_inside.fetch_add(1, SeqCst);
        }
        (0..20).for_each(|_| spin_loop());
        self.inside.fetch_sub(1, SeqCst);
    }
}

enum Lock {
    Peterson(SharedMemory<Peterson>, Fence),
    Mutex(SharedMemory<ProcessMutex>),
    Token(Token),
}

/// What keeps reads and writes in order: for the compiler only, or for the CPU too.
type Fence = fn(Ordering);

impl Lock {
    fn new(how: How) -> anyhow::Result<Lock> {
        let peterson = |fence: Fence| Ok(Lock::Peterson(SharedMemory::new(Peterson::default())?, fence));
        match how {
            How::PlainReadsAndWrites => peterson(compiler_fence),
            How::Fence => peterson(fence),
            How::Mutex => Ok(Lock::Mutex(ProcessMutex::shared()?)),
            How::Token => Ok(Lock::Token(Token::new()?)),
        }
    }

    /// Whoever waits for the other reads both flags, and so has them in its cache: at the next meeting its read takes
    /// no time, while its write has to wait for the other's cache.
    fn is_wanted(&self) -> bool {
        matches!(self, Lock::Peterson(peterson, _) if peterson.wants.iter().any(|wants| wants.0.load(Relaxed)))
    }

    fn exclusively(&self, me: usize, deadline: Instant, work: impl FnOnce()) -> anyhow::Result<()> {
        match self {
            Lock::Peterson(peterson, fence) => {
                peterson.enter(me, *fence, deadline)?;
                work();
                peterson.leave(me);
                Ok(())
            }
            Lock::Mutex(mutex) => mutex.exclusively(work),
            Lock::Token(token) => token.exclusively(work),
        }
    }
}

#[derive(Default)]
struct Peterson {
    wants: [Line<AtomicBool>; 2],
    turn: Line<AtomicUsize>,
}

/// On a cache line of its own.
#[derive(Default)]
#[repr(align(128))]
struct Line<T>(T);

impl Peterson {
    fn enter(&self, me: usize, fence: Fence, deadline: Instant) -> anyhow::Result<()> {
        // ANCHOR: enter
        let other = 1 - me;
        self.wants[me].0.store(true, Relaxed);
        // After the first write: x86 keeps writes in order anyhow.
        self.turn.0.store(other, Release);
        fence(SeqCst);
        let is_wanted = || self.wants[other].0.load(Relaxed);
        let is_my_turn = || self.turn.0.load(Relaxed) == me;
        spin_until(deadline, || !is_wanted() || is_my_turn())
        // ANCHOR_END: enter
    }

    fn leave(&self, me: usize) {
        self.wants[me].0.store(false, Release);
    }
}
