//! Note: 管道 (命名管道).

use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc::PIPE_BUF;
use shared::harness::claims::{Check, Seen, joined, seen};
use shared::linux::answer::Outcome;
use shared::linux::failure::Failure;
use shared::linux::memory::least_torn_write;
use shared::linux::scratch;

use crate::demo::{self, SOURCE, Session};
use crate::make;
use crate::mux::writer::Lock;
use crate::mux::{self, Arrived};
use crate::open_modes::{self, Open, Opened, Then};
use crate::patience::Patience;

pub const CHECKS: &[Check] = &[
    (87, a_file_for_everybody),
    (88, what_tee_got),
    (89, blocks_until_both_are_ready),
    (90, one_way),
    (91, mind_atomicity),
];

fn session() -> anyhow::Result<Session> {
    scratch::with("fifo-demo", |folder, children| demo::session(folder, children, &mut |_| Ok(())))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end().to_owned()
}

fn a_file_for_everybody() -> anyhow::Result<Seen> {
    let Session { screen, is_fifo, mode, size, .. } = session()?;
    let kind = if is_fifo { "a FIFO" } else { "no FIFO" };
    let evidence = format!("{kind} of mode {mode:o}, of {size} bytes when tee had read {} from cat", text(&screen));
    Ok(Seen::holds(is_fifo && mode == 0o644 && size == 0 && screen == SOURCE, evidence))
}

fn what_tee_got() -> anyhow::Result<Seen> {
    let Session { screen, copy, .. } = session()?;
    let evidence = format!("on the screen {}, in dst.log {}", text(&screen), text(&copy));
    Ok(Seen::holds(screen == SOURCE && copy == SOURCE, evidence))
}

fn blocks_until_both_are_ready() -> anyhow::Result<Seen> {
    make::with_fifo(|fifo, _| {
        let waiting = open_modes::waits_for_the_other_side(fifo)?;
        let others = open_modes::does_not_wait(fifo)?;
        let as_noted = waiting.iter().all(|opened| opened.open == Open::Waits);
        let exceptions = [Open::Returns, Open::Fails(Outcome::Failed(Errno::ENXIO)), Open::Returns];
        let exceptions = others.each_ref().map(|opened| opened.open) == exceptions;
        Ok(Seen::imprecise(as_noted, exceptions, told(waiting.iter().chain(&others))))
    })
}

fn one_way() -> anyhow::Result<Seen> {
    make::with_fifo(|fifo, _| {
        let (reverse, both) = (open_modes::in_reverse(fifo)?, open_modes::both_sides_in_one(fifo)?);
        let refused = Outcome::Failed(Errno::EBADF);
        let refused =
            reverse.each_ref().map(|opened| &opened.then) == [Then::Write(refused), Then::Read(refused)].each_ref();
        let back = both.then == Then::ReadsBack("12345".to_owned());
        Ok(Seen::imprecise(refused, back, told(reverse.iter().chain([&both]))))
    })
}

/// As evidence.
fn told<'a>(opened: impl Iterator<Item = &'a Opened>) -> String {
    joined(opened.map(seen), "; ")
}

/// Many writers, again until records are torn; and records of a size that is never torn.
fn mind_atomicity() -> anyhow::Result<Seen> {
    make::with_fifo(|fifo, children| {
        let readers = mux::two_readers(fifo)?;
        let patience = Patience::of(Duration::from_secs(10));
        let args = mux::Args { writers: 4, size: None, messages: 100, lock: false, patience };
        let write = |size| mux::multiplex(&args, fifo, size, Lock::None, children);
        let whole = write(PIPE_BUF)?;
        let deadline = Instant::now() + Duration::from_secs(8);
        let torn = loop {
            let arrived = write(least_torn_write()?.get())?;
            if arrived.torn > 0 {
                break arrived;
            }
            if Instant::now() > deadline {
                return Err(Failure::CannotShow("the writers never got in each other's way".into()).into());
            }
        };
        let as_noted = whole.torn == 0 && readers.received_texts.concat() == readers.sent_text;
        let [whole, torn] =
            [whole, torn].map(|Arrived { size, messages, torn, .. }| format!("{size} B: {torn} of {messages} torn"));
        let [first, second] = readers.received_texts;
        let evidence =
            format!("4 writers x {whole}, x {torn}; of {} two readers read {first} and {second}", readers.sent_text);
        Ok(Seen::holds(as_noted, evidence))
    })
}
