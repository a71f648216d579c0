//! Which messages of a stream are whole. Pure: bytes in, counts out.
//!
//! A record is equal bytes, its writer's number: of one size where that is even, of another where it is odd. It is torn
//! when bytes of others come between its first and its last.

pub struct Tally {
    sizes: [usize; 2],
    /// By writer.
    unfinished: [Unfinished; 256],
    last: Option<u8>,
    torn: u64,
    messages: u64,
}

/// The record that a writer is at.
#[derive(Clone, Copy, Default)]
struct Unfinished {
    bytes: usize,
    torn: bool,
}

impl Tally {
    pub fn new(sizes: [usize; 2]) -> Tally {
        Tally { sizes, unfinished: [Unfinished::default(); 256], last: None, torn: 0, messages: 0 }
    }

    /// How many messages are torn.
    pub fn torn(&self) -> u64 {
        self.torn
    }

    /// How many have come to their end.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// The next piece of the stream, wherever it was cut.
    pub fn feed(&mut self, bytes: &[u8]) {
        for run in bytes.chunk_by(|a, b| a == b) {
            self.feed_run(run[0], run.len());
        }
    }

    fn feed_run(&mut self, writer: u8, length: usize) {
        let size = self.sizes[usize::from(writer % 2)];
        let record = &mut self.unfinished[usize::from(writer)];
        if record.bytes > 0 && self.last != Some(writer) && !record.torn {
            record.torn = true;
            self.torn += 1;
        }
        record.bytes += length;
        if record.bytes >= size {
            self.messages += (record.bytes / size) as u64;
            *record = Unfinished { bytes: record.bytes % size, torn: false };
        }
        self.last = Some(writer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn torn(size: usize, stream: &[u8]) -> u64 {
        let mut tally = Tally::new([size; 2]);
        tally.feed(stream);
        tally.torn()
    }

    #[test]
    fn a_record_is_torn_when_others_come_between_its_bytes() {
        assert_eq!(torn(3, b"aaabbbaaa"), 0);
        assert_eq!(torn(3, b"aaaaaabbb"), 0);
        assert_eq!(torn(3, b"aabbba"), 1);
        assert_eq!(torn(3, b"abbabab"), 2);
        assert_eq!(torn(3, b"aaaabaa"), 1);
    }

    #[test]
    fn a_record_in_many_pieces_is_torn_once() {
        assert_eq!(torn(4, b"abbbbabbbbabbbba"), 1);
    }

    proptest! {
        /// Whole messages in any order are whole, however the stream is cut.
        #[test]
        fn whole_messages_are_whole(sizes in [1..9usize, 1..9usize], order in prop::collection::vec(0..4u8, 0..40), cut in 1..20usize) {
            let stream: Vec<u8> = order.iter().flat_map(|&writer| vec![writer; sizes[usize::from(writer % 2)]]).collect();
            let mut tally = Tally::new(sizes);
            stream.chunks(cut).for_each(|piece| tally.feed(piece));
            prop_assert_eq!((tally.torn(), tally.messages()), (0, order.len() as u64));
        }

        /// As a look at the whole stream finds it.
        #[test]
        fn torn_messages_are_counted_as_by_hand(stream in prop::collection::vec(0..3u8, 0..60), size in 1..6usize) {
            let mut expected = 0;
            for writer in 0..3 {
                let places: Vec<usize> = (0..stream.len()).filter(|&place| stream[place] == writer).collect();
                expected += places.chunks(size).filter(|of| of[of.len() - 1] - of[0] != of.len() - 1).count() as u64;
            }
            prop_assert_eq!(torn(size, &stream), expected);
        }
    }
}
