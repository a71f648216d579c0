//! What both sides do, and how every byte of it is checked.
//!
//! In round trips the other side sends back what came, and this side compares it after the clock has
//! stopped. One way, it is the receiver that compares, and that is part of what is timed.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::counters::Counters;
use super::mechanism::{OneWay, Side};

/// How much is to be done, known to both sides.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Work {
    pub(super) bytes: usize,
    /// Not timed.
    pub(super) warm_up: u64,
    pub(super) round_trips: u64,
    /// Messages in one direction.
    pub(super) one_way: u64,
    /// Number of messages after which the receiver acknowledges.
    pub(super) acknowledged: Option<u64>,
}

/// What this side saw.
pub(super) struct Seen {
    /// Of the round trips, in nanoseconds.
    pub(super) latencies: Histogram<u64>,
    /// How long all messages in one direction took.
    pub(super) one_way: Duration,
    /// What the kernel counted in the round trips.
    pub(super) counted: Counters,
}

/// What a datagram occupies in the buffer of a socket beside its bytes, roughly.
const OVERHEAD: usize = 704;
/// Bytes that may be on their way to a receiver that loses what it has no room for: half of its buffer.
const ON_THE_WAY: usize = 128 << 10;

impl Work {
    pub(super) fn new(bytes: usize, flow: OneWay, round_trips: u64, one_way: u64) -> Work {
        let half = || (ON_THE_WAY / (bytes + OVERHEAD) / 2).max(1) as u64;
        let acknowledged = (flow == OneWay::Acknowledged).then(half);
        let step = acknowledged.unwrap_or(1);
        let one_way = if flow == OneWay::No { 0 } else { one_way.div_ceil(step) * step };
        Work { bytes, warm_up: round_trips / 10, round_trips, one_way, acknowledged }
    }

    /// This side: sends, and keeps the time.
    pub(super) fn ping(
        &self,
        side: &mut dyn Side,
        count: impl Fn() -> anyhow::Result<Counters>,
    ) -> anyhow::Result<Seen> {
        let messages = Messages::new(self.bytes);
        let mut buffer = vec![0; self.bytes];
        let mut latencies = Histogram::new(3)?;
        side.receive(&mut buffer).context("receive the first message")?;
        for n in 0..self.warm_up {
            round_trip(side, messages.get(n), &mut buffer)?;
        }
        let before = count()?;
        for n in 0..self.round_trips {
            let took = round_trip(side, messages.get(n), &mut buffer)?;
            latencies.record(u64::try_from(took.as_nanos())?)?;
        }
        let counted = count()?.since(before);
        Ok(Seen { latencies, one_way: self.send_all(side, &messages, &mut buffer)?, counted })
    }

    fn send_all(&self, side: &mut dyn Side, messages: &Messages, buffer: &mut [u8]) -> anyhow::Result<Duration> {
        if self.one_way == 0 {
            return Ok(Duration::ZERO);
        }
        let start = Instant::now();
        for n in 1..=self.one_way {
            side.send(messages.get(n)).context("send")?;
            // One half of the window is sent while the acknowledgement of the other half is on its way.
            if self.acknowledged.is_some_and(|half| n % half == 0 && n > half) {
                side.receive(&mut buffer[..1]).context("receive an acknowledgement")?;
            }
        }
        side.receive(buffer).context("receive the last message")?;
        Ok(start.elapsed())
    }

    /// The other side: reports that it is ready, sends back each round trip, then receives what goes one way.
    pub(super) fn pong(&self, side: &mut dyn Side) -> anyhow::Result<()> {
        let messages = Messages::new(self.bytes);
        let mut buffer = vec![0; self.bytes];
        side.send(messages.get(0)).context("send the first message")?;
        for _ in 0..self.warm_up + self.round_trips {
            side.receive(&mut buffer).context("receive")?;
            side.send(&buffer).context("send")?;
        }
        for n in 1..=self.one_way {
            side.receive(&mut buffer).context("receive")?;
            check(&buffer, messages.get(n))?;
            if self.acknowledged.is_some_and(|half| n % half == 0 && n < self.one_way) {
                side.send(&buffer[..1]).context("acknowledge")?;
            }
        }
        if self.one_way > 0 {
            side.send(&buffer).context("send the last message")?;
        }
        Ok(())
    }
}

fn round_trip(side: &mut dyn Side, message: &[u8], buffer: &mut [u8]) -> anyhow::Result<Duration> {
    let start = Instant::now();
    side.send(message).context("send")?;
    side.receive(buffer).context("receive")?;
    let took = start.elapsed();
    check(buffer, message)?;
    Ok(took)
}

fn check(came: &[u8], expected: &[u8]) -> anyhow::Result<()> {
    ensure!(came == expected, "byte {} of a message is wrong", differs_at(came, expected));
    Ok(())
}

#[cold]
fn differs_at(came: &[u8], expected: &[u8]) -> usize {
    came.iter().zip(expected).take_while(|(came, expected)| came == expected).count()
}

/// Messages that all differ from their neighbours: windows of one random text, a cache line apart.
struct Messages {
    text: Vec<u8>,
    bytes: usize,
}

const WINDOWS: u64 = 61;
const LINE: u64 = 64;

impl Messages {
    fn new(bytes: usize) -> Messages {
        let mut random = 0x2545_F491_4F6C_DD1D_u64;
        let xorshift = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random.to_ne_bytes()[0]
        };
        let length = bytes + usize::try_from(WINDOWS * LINE).unwrap_or_default();
        Messages { text: std::iter::repeat_with(xorshift).take(length).collect(), bytes }
    }

    fn get(&self, n: u64) -> &[u8] {
        let start = usize::try_from(n % WINDOWS * LINE).unwrap_or_default();
        &self.text[start..start + self.bytes]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_messages_differ_and_a_wrong_byte_is_found() {
        let messages = Messages::new(64);
        for n in 0..200 {
            assert!(check(messages.get(n), messages.get(n + 1)).is_err());
        }
        let mut wrong = messages.get(7).to_vec();
        wrong[63] ^= 1;
        assert_eq!(check(&wrong, messages.get(7)).unwrap_err().to_string(), "byte 63 of a message is wrong");
    }

    #[test]
    fn what_is_lost_without_room_is_acknowledged_in_halves_of_a_window() {
        let work = Work::new(64 << 10, OneWay::Acknowledged, 100, 99);
        assert_eq!((work.acknowledged, work.one_way), (Some(1), 99));
        let work = Work::new(64, OneWay::Acknowledged, 100, 100);
        assert_eq!(work.one_way % work.acknowledged.unwrap(), 0);
    }
}
