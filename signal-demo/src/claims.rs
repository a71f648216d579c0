//! What the note says of signals, held against what the commands see.

mod signals;

use shared::harness::claims::Check;

pub const CHECKS: &[&[Check]] = &[signals::CHECKS];
