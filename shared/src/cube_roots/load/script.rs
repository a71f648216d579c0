//! The requests of a load and the answers it must get, prepared before the clock starts.
//!
//! The answers are formatted by std's `{:.6}`, not by the server's code.

use std::fmt::Write;

use crate::cube_roots::framing::DELIMITER;

/// Roughly the number of different requests.
const REQUESTS: usize = 8192;

/// Batches of requests with their answers.
pub(super) struct Script {
    batches: Vec<Batch>,
}

#[derive(Default)]
struct Batch {
    requests: String,
    answers: String,
}

impl Script {
    /// Batches of `depth` requests.
    pub(super) fn new(depth: usize) -> Script {
        let mut numbers = Numbers(0x2545_F491_4F6C_DD1D);
        let batches = (0..REQUESTS.div_ceil(depth)).map(|_| Batch::of((&mut numbers).take(depth))).collect();
        Script { batches }
    }

    pub(super) fn batches(&self) -> usize {
        self.batches.len()
    }

    pub(super) fn requests(&self, batch: usize) -> &[u8] {
        self.batches[batch].requests.as_bytes()
    }

    pub(super) fn answers(&self, batch: usize) -> &[u8] {
        self.batches[batch].answers.as_bytes()
    }
}

impl Batch {
    fn of(numbers: impl Iterator<Item = i32>) -> Batch {
        let mut batch = Batch::default();
        let tab = char::from(DELIMITER);
        for number in numbers {
            let root = f64::from(number).cbrt();
            // Writing to a String does not fail.
            let _ = write!(batch.requests, "{number}{tab}");
            let _ = write!(batch.answers, "The cube root of {number} is {root:.6}.{tab}");
        }
        batch
    }
}

/// xorshift64: the same numbers in every run, of all magnitudes.
struct Numbers(u64);

impl Iterator for Numbers {
    type Item = i32;

    fn next(&mut self) -> Option<i32> {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let [a, b, c, d, magnitude, ..] = self.0.to_ne_bytes();
        Some(i32::from_ne_bytes([a, b, c, d]) >> (magnitude % 31))
    }
}
