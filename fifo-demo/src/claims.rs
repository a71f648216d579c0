//! What the note says of named pipes, held against what the commands see.

mod pipes;

use shared::harness::claims::Check;

pub const CHECKS: &[&[Check]] = &[pipes::CHECKS];
