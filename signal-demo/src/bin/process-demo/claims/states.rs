//! 进程的状态

use libc::{SIGCONT, SIGKILL, SIGTERM};
use nix::sys::signal::Signal;
use shared::harness::claims::{Check, Seen, joined, seen};
use shared::linux::child::event::Event;
use shared::linux::failure::{Failure, possible};

use crate::states::uninterruptible::{caught_signal, ended_by, system_call};
use crate::states::zombie::{CODE, announced, detached, gone, remains};
use crate::states::{State, all_states, dead, runnable, sleeping, stopped, traced};

pub const CHECKS: &[Check] = &[
    (25, there_are_more_than_six),
    (26, who_waits_for_the_cpu_is_r_too),
    (27, one_or_several_are_woken),
    (28, signals_that_end_it_do),
    (29, others_wait_for_its_end),
    (30, it_need_not_be_io),
    (33, they_are_two),
    (31, not_all_are_stopped),
    (32, it_goes_on),
    (36, other_signals_wait),
    (34, sigcont_does_not_help),
    (35, sigkill_ends_it),
    (37, it_has_ended_already),
    (38, nothing_is_kept),
    (39, the_parent_is_told),
    (40, detached_or_not),
    (206, what_it_had_is_given_back),
    (41, it_goes_without_running),
];

fn there_are_more_than_six() -> anyhow::Result<Seen> {
    let all = all_states()?;
    if all.not_in_the_note.is_empty() {
        return Err(Failure::CannotShow("there is no seventh state here, nor a tracer".into()).into());
    }
    Ok(Seen::outdated(!all.not_in_the_note.is_empty(), seen(&all)))
}

/// Of two that share a CPU only one can be on it.
fn who_waits_for_the_cpu_is_r_too() -> anyhow::Result<Seen> {
    let two = runnable::two_on_one_cpu()?;
    let share = two.allowed.iter().all(|allowed| *allowed == two.cpu.to_string());
    Ok(Seen::holds(share && two.states == "RRRR", seen(&two)))
}

fn one_or_several_are_woken() -> anyhow::Result<Seen> {
    let waiters = sleeping::at_a_semaphore()?;
    let waiting = [waiters.waiting, waiters.still_waiting, waiters.then_waiting];
    let woken = (waiters.woken_by_1, waiters.woken_by_2);
    Ok(Seen::holds(waiting == [3, 2, 0] && woken == (1, 2), seen(&waiters)))
}

/// What it would handle waits; what ends it does so at once, as vfork's wait is a killable one.
fn signals_that_end_it_do() -> anyhow::Result<Seen> {
    let (caught, ends) = (caught_signal()?, [ended_by(Signal::SIGKILL)?, ended_by(Signal::SIGTERM)?]);
    let [kill, term] = &ends;
    let ended = |(state, event), signal| state == 'D' && event == Event::killed_by(signal);
    let exception = ended((kill.seen, kill.event), SIGKILL) || ended((term.seen, term.event), SIGTERM);
    let evidence = format!("{}; {}", seen(&caught), joined(ends.iter().map(seen), "; "));
    Ok(Seen::imprecise(caught.seen == 'D' && caught.sigusr1_waits, exception, evidence))
}

fn others_wait_for_its_end() -> anyhow::Result<Seen> {
    let caught = caught_signal()?;
    Ok(Seen::holds(caught.seen == 'D' && caught.sigusr1_waits && caught.handler_ran_afterwards == 1, seen(&caught)))
}

fn it_need_not_be_io() -> anyhow::Result<Seen> {
    let waits = system_call()?;
    Ok(Seen::imprecise(waits.seen == 'D', waits.system_call == waits.clone, seen(&waits)))
}

fn they_are_two() -> anyhow::Result<Seen> {
    let states = [State::Stopped.make()?, State::Traced.make()?];
    let letters = states.each_ref().map(|made| made.state);
    Ok(Seen::outdated(letters == ['T', 't'], joined(states.iter().map(seen), "; ")))
}

/// Not the first process of a PID namespace, by a signal from within; nor one that has ended.
fn not_all_are_stopped() -> anyhow::Result<Seen> {
    let (sleeper, others) = (State::Stopped.make()?, stopped::others_at_sigstop()?);
    let (first_is_not, first) = match possible(stopped::first_at_sigstop())? {
        Ok(first) => (first.pid_1_goes_on, seen(&first)),
        Err(why) => (true, why),
    };
    let as_noted = (sleeper.state, others.in_d, others.after_d) == ('T', 'D', 'T');
    let evidence = format!("{}; {}; {first}", seen(&sleeper), seen(&others));
    Ok(Seen::imprecise(as_noted, others.zombie == 'Z' && first_is_not, evidence))
}

fn it_goes_on() -> anyhow::Result<Seen> {
    let continued = stopped::continued()?;
    let states = (continued.before, continued.after);
    Ok(Seen::holds(states == ('T', 'R') && continued.sigcont == Event::Continued, seen(&continued)))
}

fn other_signals_wait() -> anyhow::Result<Seen> {
    let signals = stopped::other_signals()?;
    let ends = [signals.at_sigcont, signals.at_sigkill] == [SIGTERM, SIGKILL].map(Event::killed_by);
    Ok(Seen::holds(signals.states == "TT" && signals.sigterm_waits == 2 && ends, seen(&signals)))
}

fn sigcont_does_not_help() -> anyhow::Result<Seen> {
    let at = traced::sigcont()?;
    let still = at.seen == 't' && at.event.is_none() && at.sigcont_waits;
    Ok(Seen::holds(still && at.at_ptrace_cont == Event::Trapped(SIGCONT), seen(&at)))
}

fn sigkill_ends_it() -> anyhow::Result<Seen> {
    let (let_go, killed) = (traced::let_go()?, State::Traced.make()?);
    let as_noted = let_go.at_ptrace_cont == Event::Exited(0) && (let_go.traced, let_go.tracer_ended) == ('t', 'S');
    let exception = killed.sigkill == Some(Event::killed_by(SIGKILL));
    Ok(Seen::imprecise(as_noted, exception, format!("{}; {}", seen(&let_go), seen(&killed))))
}

fn it_has_ended_already() -> anyhow::Result<Seen> {
    let left = remains()?;
    let exited = Event::Exited(CODE);
    let emptied = left.memory_lines_alive > 0 && left.memory_lines_ended == 0 && left.its_pipe_is_closed;
    let ended = left.after_sigkill == 'Z' && left.event_after_sigkill == exited;
    Ok(Seen::imprecise(emptied && left.event == exited, ended, seen(&left)))
}

fn nothing_is_kept() -> anyhow::Result<Seen> {
    let unwaited = dead::unwaited()?;
    let none_kept = unwaited.ended > 0 && unwaited.gone_at_once == unwaited.ended;
    Ok(Seen::holds(none_kept && unwaited.by_default == 'Z', seen(&unwaited)))
}

fn the_parent_is_told() -> anyhow::Result<Seen> {
    let announced = announced()?;
    let once = (announced.while_it_lived, announced.when_it_had_ended) == (0, 1);
    Ok(Seen::holds(
        once && announced.sender_pid == Some(announced.child_pid) && announced.says_exited,
        seen(&announced),
    ))
}

fn detached_or_not() -> anyhow::Result<Seen> {
    let detached = detached()?;
    let is_detached = detached.sid == detached.pid && detached.event == Event::Exited(0);
    Ok(Seen::refuted(is_detached && detached.seen == 'Z', seen(&detached)))
}

fn what_it_had_is_given_back() -> anyhow::Result<Seen> {
    let given = dead::given_back()?;
    let all = given.its_pipe_is_closed && given.is_gone;
    Ok(Seen::holds(
        given.lock_while_it_lived == given.child_pid && given.lock_afterwards.is_none() && all,
        seen(&given),
    ))
}

fn it_goes_without_running() -> anyhow::Result<Seen> {
    let gone = gone()?;
    Ok(Seen::refuted(gone.without_running(), seen(&gone)))
}
