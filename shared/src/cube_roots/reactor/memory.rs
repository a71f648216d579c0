//! Memory that waits for slow peers, and when it is given back.
//!
//! Two thousand peers that stop reading make the heap grow; when they go, the allocator would keep it.

use crate::linux::allocator;

/// Less is not worth the call.
const LEAST: usize = 256 << 10;

/// How much connections hold, and what they have freed since memory was last given back.
#[derive(Debug, Default)]
pub(super) struct Memory {
    held: usize,
    freed: usize,
}

impl Memory {
    /// A connection that held `before` bytes holds `after`.
    #[inline]
    pub(super) fn changed(&mut self, before: usize, after: usize) {
        self.held = (self.held + after).saturating_sub(before);
        self.freed += before.saturating_sub(after);
    }

    /// Gives back what is free, once that may be more than what is held: so it costs a fraction of what
    /// filling it did.
    pub(super) fn give_back(&mut self) {
        if self.freed >= LEAST.max(self.held) {
            allocator::give_back();
            self.freed = 0;
        }
    }
}
