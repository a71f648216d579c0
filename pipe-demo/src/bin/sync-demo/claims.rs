//! What the note claims of synchronisation, asked of this kernel.

mod synchronisation;

use shared::harness::claims::Check;

pub const CHECKS: &[&[Check]] = &[synchronisation::CHECKS];
