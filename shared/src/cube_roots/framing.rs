//! Messages that end in a TAB, cut out of a byte stream, with a cap on their length. No I/O inside.
//!
//! Note: Read方法 (the boundary of a message is the program's own affair). Go: `bufio.Reader.ReadBytes`.

use std::fmt;

/// What ends a message.
pub const DELIMITER: u8 = b'\t';

/// The longest message, its TAB not counted.
pub const LONGEST: usize = 4096;

/// More than [`LONGEST`] bytes came without a TAB.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message longer than {LONGEST} bytes")
    }
}

impl std::error::Error for TooLong {}

/// The beginning of a message whose TAB has not come yet. Holds no memory between messages.
#[derive(Debug, Default)]
pub struct Inbox {
    partial: Vec<u8>,
}

impl Inbox {
    /// Calls `each` with every message that `bytes` completes, in order and without its TAB, and keeps
    /// the rest. After [`TooLong`] the stream has lost its boundaries and must be given up.
    #[inline]
    pub fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), TooLong> {
        // ANCHOR: feed
        while let Some(end) = bytes.iter().position(|&byte| byte == DELIMITER) {
            let (message, rest) = (&bytes[..end], &bytes[end + 1..]);
            if self.partial.len() + end > LONGEST {
                return Err(TooLong);
            }
            if self.partial.is_empty() {
                each(message);
            } else {
                self.partial.extend_from_slice(message);
                each(&std::mem::take(&mut self.partial));
            }
            bytes = rest;
        }
        // ANCHOR_END: feed
        if self.partial.len() + bytes.len() > LONGEST {
            return Err(TooLong);
        }
        self.partial.extend_from_slice(bytes);
        Ok(())
    }

    /// Whether no message has begun.
    pub fn is_empty(&self) -> bool {
        self.partial.is_empty()
    }

    /// Takes out the bytes that no TAB has ended yet.
    pub fn take_tail(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.partial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn feed_all<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Result<(), TooLong>, Vec<Vec<u8>>, Vec<u8>) {
        let (mut inbox, mut messages) = (Inbox::default(), Vec::new());
        for piece in pieces {
            if let Err(error) = inbox.feed(piece, |message| messages.push(message.to_vec())) {
                return (Err(error), messages, inbox.take_tail());
            }
        }
        (Ok(()), messages, inbox.take_tail())
    }

    #[test]
    fn the_cap_counts_the_message_without_its_tab() {
        let longest = vec![b'7'; LONGEST];
        let (result, messages, tail) = feed_all([longest.as_slice(), b"\t"]);
        assert_eq!((result, messages, tail), (Ok(()), vec![longest.clone()], Vec::new()));
        let (result, messages, _) = feed_all([longest.as_slice(), b"7"]);
        assert_eq!((result, messages), (Err(TooLong), Vec::new()));
        let (result, messages, _) = feed_all([[longest.as_slice(), b"7\t8\t"].concat().as_slice()]);
        assert_eq!((result, messages), (Err(TooLong), Vec::new()));
    }

    #[test]
    fn messages_before_one_that_is_too_long_are_handed_out() {
        let junk = [b"27\t8\t".as_slice(), &[b'x'; 5000]].concat();
        let (result, messages, _) = feed_all([junk.as_slice()]);
        assert_eq!(result, Err(TooLong));
        assert_eq!(messages, [b"27".to_vec(), b"8".to_vec()]);
    }

    #[test]
    fn an_empty_inbox_holds_no_memory() {
        let mut inbox = Inbox::default();
        inbox.feed(b"12", |_| ()).unwrap();
        inbox.feed(b"3\t", |_| ()).unwrap();
        assert_eq!(inbox.partial.capacity(), 0);
    }

    proptest! {
        /// However a stream is cut into pieces, the messages are those between its TABs.
        #[test]
        fn pieces_do_not_matter(stream in "[ab0-9\t]{0,300}", cuts in prop::collection::vec(0..300usize, 0..20)) {
            let stream = stream.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]);
            let (result, mut messages, tail) = feed_all(pieces);
            prop_assert_eq!(result, Ok(()));
            messages.push(tail);
            let expected: Vec<Vec<u8>> = stream.split(|&byte| byte == DELIMITER).map(<[u8]>::to_vec).collect();
            prop_assert_eq!(messages, expected);
        }
    }
}
