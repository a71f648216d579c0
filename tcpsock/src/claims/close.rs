//! Note: Close方法.

use nix::errno::Errno;
use shared::harness::claims::{Check, Seen, seen};
use shared::linux::answer::Outcome;

use crate::close;

pub const CHECKS: &[Check] = &[(187, every_call_fails_after_close)];

fn every_call_fails_after_close() -> anyhow::Result<Seen> {
    let closed = close::the_number_of_a_closed_socket()?;
    let failed = [closed.read, closed.write, closed.close] == [Outcome::Failed(Errno::EBADF); 3];
    Ok(Seen::holds(failed, seen(&closed)))
}
