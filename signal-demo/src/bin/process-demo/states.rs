//! Each state of a process, made with a real child, read from /proc, and ended by SIGKILL; and what the note says of it.
//!
//! D is not beyond all signals, as the note has it: this one ends at a SIGKILL (claim 28). T and t are two
//! states (claim 33), and t ends by SIGKILL too (claim 35). To Z it means nothing: it has ended (claim 37). X is
//! left at once, and seldom seen (claim 38).
//!
//! Note: 进程的状态. Go: `os.Process.Signal`, `os.Process.Wait`. Man: proc_pid_stat(5), ptrace(2), vfork(2).

pub mod dead;
pub mod runnable;
pub mod settled;
pub mod sleeping;
pub mod stopped;
pub mod traced;
pub mod uninterruptible;
pub mod zombie;

use std::collections::BTreeSet;

use clap::ValueEnum;
use libc::WEXITED;
use nix::sys::signal::Signal;
use serde::Serialize;
use shared::harness::report::Report;
use shared::harness::showing::Showing;
use shared::linux::child::event::Event;
use shared::linux::child::forked::Forked;
use shared::linux::failure::possible;
use shared::linux::proc;

use self::uninterruptible::InVfork;

#[derive(clap::Args)]
pub struct Args {
    /// Only these
    #[arg(value_enum)]
    states: Vec<State>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum State {
    /// Running, or ready to
    #[value(name = "R")]
    Running,
    /// Asleep until something happens or a signal comes
    #[value(name = "S")]
    Sleeping,
    /// Asleep until something happens
    #[value(name = "D")]
    Uninterruptible,
    /// Stopped
    #[value(name = "T")]
    Stopped,
    /// Stopped by its tracer
    #[value(name = "t")]
    Traced,
    /// Ended, and not waited for
    #[value(name = "Z")]
    Zombie,
    /// Ended, and nobody will wait for it
    #[value(name = "X")]
    Dead,
}

/// A state that was seen, and how the child in it ended at a SIGKILL. X is left too soon to send it one.
#[derive(Serialize)]
pub struct Made {
    pub state: char,
    pub how: &'static str,
    pub sigkill: Option<Event>,
}

/// What else was seen of a state.
#[derive(Serialize)]
struct OfState<T> {
    state: char,
    #[serde(flatten)]
    record: T,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    let states = if args.states.is_empty() { State::value_variants() } else { &args.states };
    let mut showing = Showing::new(out);
    for state in states {
        state.show(&mut showing)?;
    }
    if args.states.is_empty() {
        showing.record("all states", all_states())?;
    }
    showing.finish()
}

impl State {
    /// The state, made; and then what else the note says of it.
    fn show(self, showing: &mut Showing) -> anyhow::Result<()> {
        if self != State::Dead {
            showing.record(self.how(), self.make())?;
        }
        match self {
            State::Running => self.record(showing, "two on one CPU", runnable::two_on_one_cpu()),
            State::Sleeping => self.record(showing, "a semaphore", sleeping::at_a_semaphore()),
            State::Uninterruptible => {
                self.record(showing, "a signal that ends it", uninterruptible::ended_by(Signal::SIGTERM))?;
                self.record(showing, "a signal that is caught", uninterruptible::caught_signal())?;
                self.record(showing, "the system call", uninterruptible::system_call())
            }
            State::Stopped => {
                self.record(showing, "SIGSTOP in D and Z", stopped::others_at_sigstop())?;
                self.record(showing, "SIGSTOP to PID 1", stopped::first_at_sigstop())?;
                self.record(showing, "SIGCONT", stopped::continued())?;
                self.record(showing, "other signals", stopped::other_signals())
            }
            State::Traced => {
                self.record(showing, "SIGCONT", traced::sigcont())?;
                self.record(showing, "its tracer lets it go", traced::let_go())
            }
            State::Zombie => {
                self.record(showing, "what is left", zombie::remains())?;
                self.record(showing, "SIGCHLD", zombie::announced())?;
                self.record(showing, "detached", zombie::detached())?;
                self.record(showing, "its end", zombie::gone())
            }
            State::Dead => {
                let unwaited = dead::unwaited()?;
                let made = unwaited.state().map(|state| Made { state, how: self.how(), sigkill: None });
                showing.record(self.how(), made)?;
                self.record(showing, "SIGCHLD ignored", Ok(unwaited))?;
                self.record(showing, "what it had", dead::given_back())
            }
        }
    }

    fn record(
        self,
        showing: &mut Showing,
        experiment: &str,
        result: anyhow::Result<impl Serialize>,
    ) -> anyhow::Result<()> {
        showing.record(experiment, result.map(|record| OfState { state: self.letter_and_how().0, record }))
    }

    fn letter_and_how(self) -> (char, &'static str) {
        match self {
            State::Running => ('R', "busy loop"),
            State::Sleeping => ('S', "pause"),
            State::Uninterruptible => ('D', "parent inside vfork"),
            State::Stopped => ('T', "SIGSTOP"),
            State::Traced => ('t', "ptrace"),
            State::Zombie => ('Z', "exited, not waited for"),
            State::Dead => ('X', "parent ignores SIGCHLD"),
        }
    }

    fn how(self) -> &'static str {
        self.letter_and_how().1
    }

    pub fn make(self) -> anyhow::Result<Made> {
        let (state, sigkill) = match self {
            State::Running => look_and_kill(runnable::busy()?)?,
            State::Sleeping => look_and_kill(sleeping::pausing()?)?,
            State::Uninterruptible => {
                let asleep = InVfork::begin(|| Ok(()), || Ok(()))?;
                (proc::stat(asleep.parent.pid())?.state, Some(asleep.end_by(Signal::SIGKILL)?))
            }
            State::Stopped => look_and_kill(stopped::make(sleeping::pausing()?)?)?,
            State::Traced => look_and_kill(traced::make()?)?,
            State::Zombie => look_and_kill(zombie::make()?)?,
            State::Dead => (dead::unwaited()?.state()?, None),
        };
        Ok(Made { state, how: self.how(), sigkill })
    }
}

fn look_and_kill(mut child: Forked) -> anyhow::Result<(char, Option<Event>)> {
    let state = proc::stat(child.pid())?.state;
    child.signal(Signal::SIGKILL)?;
    Ok((state, Some(child.wait(WEXITED)?)))
}

/// The states that can be made, X apart, and those of the processes that there are.
#[derive(Serialize)]
pub struct AllStates {
    pub made: String,
    pub found: String,
    /// Of both.
    pub not_in_the_note: String,
}

pub fn all_states() -> anyhow::Result<AllStates> {
    let mut made = String::new();
    for state in State::value_variants().iter().filter(|&&state| state != State::Dead) {
        made.extend(possible(state.make())?.map(|made| made.state));
    }
    let found: BTreeSet<char> = proc::stats()?.into_iter().map(|stat| stat.state).collect();
    let others: BTreeSet<char> =
        made.chars().chain(found.iter().copied()).filter(|letter| !"RSDTZX".contains(*letter)).collect();
    Ok(AllStates { made, found: found.into_iter().collect(), not_in_the_note: others.into_iter().collect() })
}
