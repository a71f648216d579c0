//! Which messages of a stream are torn. Pure: bytes in, a count out.

use std::num::NonZeroUsize;

/// Finds the torn messages in a stream: those between whose bytes there are another writer's.
pub struct Torn {
    size: u64,
    /// Of each writer, how much of its stream has been seen.
    seen: Vec<u64>,
    /// Of each writer, the message that was counted last.
    counted: Vec<Option<u64>>,
    last: Option<u8>,
    pub count: u64,
}

impl Torn {
    pub fn new(size: NonZeroUsize) -> Torn {
        let writers = usize::from(u8::MAX) + 1;
        Torn { size: size.get() as u64, seen: vec![0; writers], counted: vec![None; writers], last: None, count: 0 }
    }

    pub fn see(&mut self, bytes: &[u8]) {
        for run in bytes.chunk_by(|a, b| a == b) {
            let writer = run[0];
            if let Some(left) = self.last.replace(writer).filter(|&last| last != writer) {
                self.leave(left.into());
            }
            self.seen[usize::from(writer)] += run.len() as u64;
        }
    }

    /// Another writer's bytes come: a message that is not complete is torn.
    fn leave(&mut self, writer: usize) {
        let message = self.seen[writer] / self.size;
        if !self.seen[writer].is_multiple_of(self.size) && self.counted[writer].replace(message) != Some(message) {
            self.count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn torn(size: usize, stream: &str) -> u64 {
        let whole = {
            let mut torn = Torn::new(NonZeroUsize::new(size).unwrap());
            torn.see(stream.as_bytes());
            torn.count
        };
        let mut bytewise = Torn::new(NonZeroUsize::new(size).unwrap());
        stream.as_bytes().iter().for_each(|&byte| bytewise.see(&[byte]));
        assert_eq!(bytewise.count, whole, "where a read ends says nothing");
        whole
    }

    #[test]
    fn a_message_is_torn_once_however_many_pieces_it_is_in() {
        assert_eq!(torn(3, "aaabbbaaaaaabbb"), 0);
        assert_eq!(torn(3, "aabbba"), 1);
        assert_eq!(torn(3, "abababbbb"), 2);
        assert_eq!(torn(3, "aabab b".replace(' ', "").as_str()), 2);
        assert_eq!(torn(1, "abab"), 0);
    }
}
