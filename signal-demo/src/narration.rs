//! What `-v` tells on stderr.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use shared::linux::stdio;

static BEGUN: AtomicBool = AtomicBool::new(false);

/// Tells everything from now on.
pub fn begin() {
    BEGUN.store(true, Ordering::Relaxed);
}

pub fn tell(line: fmt::Arguments<'_>) {
    if BEGUN.load(Ordering::Relaxed) {
        stdio::narrate(line);
    }
}
