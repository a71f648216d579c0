//! Note: 信号.

use std::collections::BTreeMap;

use anyhow::ensure;
use nix::errno::Errno;
use shared::harness::claims::{Check, Seen, joined, seen};
use shared::linux::answer::Outcome;
use shared::linux::child::event::Event;
use shared::linux::failure::{Failure, if_shown};

use crate::actions::{self, Observed, Record};
use crate::list::default_action::DefaultAction;
use crate::list::kernel::{self, hidden};
use crate::notify;
use crate::order::{self, Queued};
use crate::permission::{self, Fate};
use crate::signal::Signal;
use crate::sources::{self, asynchronous, by_name};
use crate::{list, queue};

pub const CHECKS: &[Check] = &[
    (105, the_only_asynchronous_means),
    (209, like_an_interrupt),
    (106, positive_numbers_with_names),
    (210, as_in_the_listing),
    (107, sixty_two),
    (108, standard_and_real_time),
    (109, recorded_and_handled_once),
    (110, in_no_certain_order),
    (111, all_in_the_order_sent),
    (112, four_sources),
    (113, three_reactions),
    (114, one_of_five_by_default),
    (115, most_are_free),
    (116, only_by_a_handler),
    (124, full_channels_hold_nobody_up),
    (126, not_acted_on_is_ignored),
    (127, neither_caught_nor_ignored),
    (128, for_the_superuser),
    (129, stop_gives_the_default_back),
    (130, nothing_more_after_stop),
    (132, channels_are_independent),
    (211, the_chain_finds_the_program),
];

fn the_only_asynchronous_means() -> anyhow::Result<Seen> {
    let [signal, memory] = asynchronous::means()?;
    let evidence = format!("a process that counts: {}; {}", seen(&signal), seen(&memory));
    Ok(Seen::imprecise(signal.interrupts && signal.at > 0, memory.at > 0, evidence))
}

/// It breaks into a loop, which then goes on from where it was; masked, it waits, and several are one.
fn like_an_interrupt() -> anyhow::Result<Seen> {
    let [signal, later] = asynchronous::means()?;
    let masked = queue::send_blocked(Signal::USR1, queue::KILL, 5)?;
    let breaks_in = signal.interrupts && 0 < signal.at && signal.at < later.at;
    Ok(Seen::holds(breaks_in && masked.arrived == 1, joined([seen(&signal), seen(&later), seen(&masked)], "; ")))
}

fn positive_numbers_with_names() -> anyhow::Result<Seen> {
    let listed = kernel::listed()?;
    let as_noted = [listed.begin_with_sig, listed.accepted] == [listed.listed; 2] && listed.refused_numbers == [-1, 0];
    Ok(Seen::holds(as_noted, seen(&listed)))
}

fn as_in_the_listing() -> anyhow::Result<Seen> {
    ensure!(libc::SIGRTMIN() == 34, Failure::CannotShow("this C library has another SIGRTMIN".to_owned()));
    let listed = kernel::listed()?;
    Ok(Seen::holds([listed.listed, listed.as_here, listed.accepted] == [62; 3], seen(&listed)))
}

fn sixty_two() -> anyhow::Result<Seen> {
    let accepted = kernel::accepted()?;
    let has_hidden = hidden().iter().all(|number| accepted.kernel.0.contains(number));
    Ok(Seen::refuted(has_hidden && accepted.killed_by.0 == hidden(), seen(&accepted)))
}

fn standard_and_real_time() -> anyhow::Result<Seen> {
    let waiting = kernel::waiting()?;
    let (once, each) = (&waiting.once.0, &waiting.each_time.0);
    let blockable = (1..=31).filter(|number| ![libc::SIGKILL, libc::SIGSTOP].contains(number));
    let as_noted = blockable.eq(once.iter().copied()) && (34..=64).all(|number| each.contains(&number));
    Ok(Seen::imprecise(as_noted, hidden().iter().all(|number| each.contains(number)), seen(&waiting)))
}

fn recorded_and_handled_once() -> anyhow::Result<Seen> {
    let (waiting, handled) =
        (queue::send_blocked(Signal::USR1, queue::KILL, 5)?, queue::send_handled(Signal::USR1, 5)?);
    let evidence = format!("{}; {}", seen(&waiting), seen(&handled));
    Ok(Seen::imprecise(waiting.arrived == 1, handled.arrived == 5, evidence))
}

fn in_no_certain_order() -> anyhow::Result<Seen> {
    let orders = order::orders()?;
    let certain =
        orders.orders_taken == 1 && orders.orders_handled == 1 && orders.taken_signals == orders.handled_signals;
    Ok(Seen::refuted(certain && orders.orders_sent > 1, seen(&orders)))
}

fn all_in_the_order_sent() -> anyhow::Result<Seen> {
    let (sent, taken) = order::queue_real_time()?;
    let limited = queue::queue_one_too_many(5)?;
    let list = |queued: &[Queued]| joined(queued.iter().map(|(signal, _)| signal.number()), " ");
    let evidence = format!("sent {}, taken {}; {}", list(&sent), list(&taken), seen(&limited));
    let within_numbers = |queued: &[Queued]| {
        let mut queued = queued.to_vec();
        queued.sort_by_key(|(signal, _)| *signal);
        queued
    };
    let as_noted = within_numbers(&taken) == within_numbers(&sent);
    Ok(Seen::imprecise(as_noted, taken != sent && limited.next_send.is_some(), evidence))
}

fn four_sources() -> anyhow::Result<Seen> {
    let sources = sources::sources()?;
    let as_noted = sources.iter().all(|source| was_killed(source.observed, source.expected));
    let evidence = sources.iter().map(|source| format!("{}: {}", source.what, source.observed));
    Ok(Seen::holds(as_noted, joined(evidence, ", ")))
}

fn three_reactions() -> anyhow::Result<Seen> {
    let signal = Signal::USR1;
    let records = actions::with_a_choice(signal)?;
    let [default, ignore, catch, sigwait, signalfd] = &records;
    let three = is_death_by(signal, &default.observed)
        && ignore.observed == Observed::Child(Event::Exited(0))
        && catch.observed == Observed::HandlerRan(1);
    let fourth = was_taken(&sigwait.observed, signal) && was_taken(&signalfd.observed, signal);
    Ok(Seen::imprecise(three, fourth, told(&records)))
}

fn standard() -> Vec<Signal> {
    Signal::all().filter(|signal| !signal.is_real_time()).collect()
}

fn one_of_five_by_default() -> anyhow::Result<Seen> {
    let (records, sees_cores) = list::look_at(&standard())?;
    let mut actions: BTreeMap<DefaultAction, u32> = BTreeMap::new();
    for record in &records {
        *actions.entry(record.default).or_default() += 1;
    }
    let source = if sees_cores { "" } else { " (core as signal(7) says)" };
    let counts = joined(actions.iter().map(|(action, count)| format!("{action:?} {count}").to_lowercase()), ", ");
    Ok(Seen::holds(actions.len() == 5, format!("{counts}{source}")))
}

fn most_are_free() -> anyhow::Result<Seen> {
    let (records, _) = list::look_at(&standard())?;
    let (free, fixed): (Vec<_>, Vec<_>) = records.iter().partition(|record| record.catchable);
    let fixed = joined(fixed.iter().map(|record| record.name), ", ");
    let evidence = format!("sigaction takes a choice for {} of {}; refused: {fixed}", free.len(), records.len());
    Ok(Seen::holds(free.len() > records.len() / 2, evidence))
}

fn only_by_a_handler() -> anyhow::Result<Seen> {
    let signal = Signal::USR1;
    let [_, _, catch, sigwait, signalfd] = actions::with_a_choice(signal)?;
    let by_a_handler = catch.observed == Observed::HandlerRan(1);
    let without = was_taken(&sigwait.observed, signal) && was_taken(&signalfd.observed, signal);
    Ok(Seen::imprecise(by_a_handler, without, told(&[catch, sigwait, signalfd])))
}

fn full_channels_hold_nobody_up() -> anyhow::Result<Seen> {
    let channels = notify::fill()?;
    let as_noted = channels.iter().all(|channel| {
        let kept = channel.room.min(channel.sent);
        channel.delivered == channel.sent && channel.received == kept && channel.missed == (channel.sent - kept) as u64
    });
    Ok(Seen::holds(as_noted, joined(channels.iter().map(seen), "; ")))
}

fn not_acted_on_is_ignored() -> anyhow::Result<Seen> {
    let fates = notify::not_acted_on()?;
    let [unread, unasked] = &fates;
    let as_noted = unread.observed == Event::Exited(0) && was_killed(unasked.observed, libc::SIGINT);
    Ok(Seen::holds(as_noted, joined(fates.iter().map(seen), "; ")))
}

fn neither_caught_nor_ignored() -> anyhow::Result<Seen> {
    let (kill, stop) = (actions::without_a_choice(Signal::KILL)?, actions::without_a_choice(Signal::STOP)?);
    let refused = Observed::Sigaction(Outcome::Failed(Errno::EINVAL));
    let all_refused =
        [&kill, &stop].iter().all(|[ignore, catch, _]| [ignore, catch].iter().all(|record| record.observed == refused));
    let as_if_unblocked = is_death_by(Signal::KILL, &kill[2].observed)
        && stop[2].observed == Observed::Child(Event::Stopped(libc::SIGSTOP));
    let first = if_shown(actions::first_process())?
        .map_or_else(String::new, |first| format!("; PID 1 of a namespace: {}", first.observed));
    let evidence = format!("{}; {}{first}", told(&kill), told(&stop));
    Ok(Seen::holds(all_refused && as_if_unblocked, evidence))
}

fn for_the_superuser() -> anyhow::Result<Seen> {
    let permissions = permission::permissions()?;
    let (own, others): (Vec<_>, Vec<_>) =
        permissions.iter().partition(|permission| permission.target_uid == Some(permission.sender_uid));
    let only_superuser = others.iter().all(|permission| match permission.sender_uid {
        0 => permission.observed.is_stopped_and_killed(),
        _ => matches!(permission.observed, Fate::Refused { refused: 1.., .. }),
    });
    let own = own.iter().all(|permission| permission.observed.is_stopped_and_killed());
    Ok(Seen::imprecise(only_superuser, own, joined(permissions.iter().map(seen), "; ")))
}

fn stop_gives_the_default_back() -> anyhow::Result<Seen> {
    let fates = notify::stopped()?;
    let [last, not_last, ignored_before] = fates.each_ref().map(|fate| fate.observed);
    let exceptions = [not_last, ignored_before] == [Event::Exited(0); 2];
    Ok(Seen::imprecise(was_killed(last, libc::SIGINT), exceptions, joined(fates.iter().map(seen), "; ")))
}

fn nothing_more_after_stop() -> anyhow::Result<Seen> {
    let channels = notify::after_stop()?;
    let sent = channels.sent_before + channels.sent_after;
    let as_sent = (channels.received, channels.other_received) == (channels.sent_before, sent);
    Ok(Seen::holds(as_sent && channels.waits_until_closed, seen(&channels)))
}

fn channels_are_independent() -> anyhow::Result<Seen> {
    let channels = notify::independent()?;
    let as_noted = [&channels.first_received, &channels.second_received, &channels.second_received_then]
        == [&channels.first_asks_for, &channels.second_asks_for, &channels.second_asks_for];
    Ok(Seen::holds(as_noted, seen(&channels)))
}

fn the_chain_finds_the_program() -> anyhow::Result<Seen> {
    let found = by_name::search()?;
    let (all, left) = (&found.found_pids, &found.found_without_go_run_pids);
    let filtered = all.contains(&found.go_run_pid) && !left.contains(&found.go_run_pid);
    Ok(Seen::imprecise(filtered && left.contains(&found.program_pid), left.contains(&found.editor_pid), seen(&found)))
}

fn was_killed(event: Event, by: i32) -> bool {
    matches!(event, Event::Killed { signal, .. } if signal == by)
}

fn is_death_by(signal: Signal, observed: &Observed) -> bool {
    matches!(observed, Observed::Child(event) if was_killed(*event, signal.number()))
}

fn was_taken(observed: &Observed, sent: Signal) -> bool {
    matches!(observed, Observed::Taken { taken_signals, .. } if taken_signals[..] == [sent])
}

fn told(records: &[Record]) -> String {
    joined(records.iter().map(seen), "; ")
}
