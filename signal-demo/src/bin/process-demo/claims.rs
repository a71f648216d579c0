//! What the note says in its section 进程, a file a heading.

mod fork;
mod identity;
mod memory;
mod scheduling;
mod states;
mod system_calls;

use shared::harness::claims::Check;

pub const CHECKS: &[&[Check]] =
    &[fork::CHECKS, identity::CHECKS, states::CHECKS, memory::CHECKS, system_calls::CHECKS, scheduling::CHECKS];
