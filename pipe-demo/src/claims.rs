//! What the note says of this program's subjects, a file a heading: record in, verdict and evidence out.

mod first_sentences;
mod pipes;
mod signals;

mod atomicity;

use shared::harness::claims::Check;

pub const CHECKS: &[&[Check]] = &[
    first_sentences::CHECKS,
    crate::process::addresses::CHECKS,
    crate::process::fork::CHECKS,
    crate::process::frames::CHECKS,
    crate::process::intruder::CHECKS,
    crate::process::modes::CHECKS,
    crate::process::pages::CHECKS,
    crate::process::privileges::CHECKS,
    crate::process::sealed::CHECKS,
    crate::process::switches::CHECKS,
    crate::sync::increment::CHECKS,
    crate::sync::interrupted::CHECKS,
    crate::sync::flags::CHECKS,
    crate::sync::preempted::CHECKS,
    crate::sync::race::CHECKS,
    crate::sync::retry::CHECKS,
    crate::sync::words::CHECKS,
    pipes::CHECKS,
    signals::CHECKS,
];
