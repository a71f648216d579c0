//! What the note says of this program's subjects, a file a heading: record in, verdict and evidence out.

mod first_sentences;
mod pipes;
mod pipes_in_go;
mod signals;

mod atomicity;

use shared::harness::claims::Check;

pub const CHECKS: &[&[Check]] = &[first_sentences::CHECKS, pipes::CHECKS, pipes_in_go::CHECKS, signals::CHECKS];
