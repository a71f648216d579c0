//! What the note says of signals, held against what the commands see.

mod signals;
mod signals_in_go;

use shared::harness::claims::Check;

pub const CHECKS: &[&[Check]] = &[signals::CHECKS, signals_in_go::CHECKS];
