//! What is answered once a shutdown has begun: whatever had come before. A peer that never stops asking would otherwise
//! be cut off, with a reset, when the grace period ends.
//!
//! Man: FIONREAD in tcp(7).

use std::io;
use std::os::fd::AsRawFd;

use crate::cube_roots::framing::DELIMITER;
use crate::linux::readiness::received;

/// Number of bytes that had come before the shutdown began, and have not been read.
#[derive(Debug, Default)]
pub(super) struct Due(usize);

impl Due {
    /// The shutdown begins now.
    pub(super) fn now(socket: &impl AsRawFd) -> io::Result<Due> {
        received(socket).map(Due)
    }

    /// How many of `bytes`, which have been read, are answered: also the rest of a request that has come in part
    /// (`begun`: before these bytes).
    pub(super) fn of(&mut self, bytes: &[u8], begun: bool) -> usize {
        let due = bytes.len().min(self.0);
        self.0 -= due;
        let (before, after) = bytes.split_at(due);
        let in_part = before.last().map_or(begun, |&last| last != DELIMITER);
        let end = after.iter().position(|&byte| byte == DELIMITER).map_or(after.len(), |end| end + 1);
        if in_part { due + end } else { due }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_had_come_is_due_and_the_rest_of_the_request_that_it_ends_in() {
        for (came, begun, bytes, due) in [
            (0, false, "27\t", 0),
            (0, true, "27\t8\t", 3),
            (0, true, "27", 2),
            (3, false, "27\t8\t", 3),
            (4, false, "27\t8\t64\t", 5),
            (9, true, "27\t8\t", 5),
        ] {
            assert_eq!(Due(came).of(bytes.as_bytes(), begun), due, "{came} {begun} {bytes:?}");
        }
        let mut rest = Due(4);
        assert_eq!([rest.of(b"27\t", false), rest.of(b"8\t", false), rest.of(b"1\t", false)], [3, 2, 0]);
    }
}
