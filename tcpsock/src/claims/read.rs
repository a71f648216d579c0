//! Note: Read方法.

use nix::errno::Errno;
use serde::{Deserialize, Serialize};
use shared::harness::claims::{Check, Seen, go, seen};
use shared::linux::answer::Outcome;

use crate::{buffered, close, read};

pub const CHECKS: &[Check] = &[
    (178, the_buffer_should_be_empty),
    (179, read_fills_its_buffer),
    (180, eof_at_once),
    (181, eof_makes_it_useless),
    (182, a_message_ends_with_its_delimiter),
    (184, scanner_is_a_function),
];

fn the_buffer_should_be_empty() -> anyhow::Result<Seen> {
    let buffer = read::what_was_in_the_buffer_stays()?;
    let stays = buffer.rest.len() == buffer.asked - buffer.read && buffer.rest.bytes().all(|byte| byte == b'.');
    Ok(Seen::refuted(buffer.got == "abc" && stays, seen(&buffer)))
}

fn read_fills_its_buffer() -> anyhow::Result<Seen> {
    let short = read::what_has_come_is_enough()?;
    let returned_early = short.reads.iter().all(|&count| count < short.asked);
    Ok(Seen::refuted(returned_early && short.reads == short.sent_sizes, seen(&short)))
}

fn eof_at_once() -> anyhow::Result<Seen> {
    let (eof, unread) = (close::the_rest_comes_before_the_end()?, close::unread_data_make_it_a_reset()?);
    let exception = unread.read == Outcome::Failed(Errno::ECONNRESET);
    Ok(Seen::imprecise(eof.reads == [eof.sent, 0, 0], exception, format!("{}; {}", seen(&eof), seen(&unread))))
}

fn eof_makes_it_useless() -> anyhow::Result<Seen> {
    let half = close::a_half_closed_connection_is_half_open()?;
    let works = half.received > 0 && half.received == half.sent_after_eof;
    Ok(Seen::imprecise(half.read == 0, works, seen(&half)))
}

fn a_message_ends_with_its_delimiter() -> anyhow::Result<Seen> {
    let delimited = buffered::read_until_leaves_the_delimiter()?;
    Ok(Seen::holds(delimited.received_texts == ["27\n", "8\n", "rest", ""], seen(&delimited)))
}

#[derive(Serialize, Deserialize)]
struct Kinds {
    scanner_is: String,
    new_scanner_is: String,
    token_limit: usize,
    longer_is_an_error: bool,
}

fn scanner_is_a_function() -> anyhow::Result<Seen> {
    let scanner: Kinds = go::record()?;
    Ok(Seen::refuted(scanner.scanner_is == "struct" && scanner.new_scanner_is == "func", seen(&scanner)))
}
