//! Note: Close方法.

use nix::errno::Errno;
use serde::{Deserialize, Serialize};
use shared::harness::claims::{Check, Seen, go, joined, seen};
use shared::linux::answer::Outcome;

use crate::close;

pub const CHECKS: &[Check] = &[(187, every_call_fails_after_close), (188, close_wakes_who_is_blocked)];

fn every_call_fails_after_close() -> anyhow::Result<Seen> {
    let closed = close::the_number_of_a_closed_socket()?;
    let failed = [closed.read, closed.write, closed.close] == [Outcome::Failed(Errno::EBADF); 3];
    Ok(Seen::holds(failed, seen(&closed)))
}

/// A call in Go that waited when its connection was closed.
#[derive(Serialize, Deserialize)]
struct Woken {
    call: String,
    blocked: bool,
    n: usize,
    error: String,
    is_err_closed: bool,
}

fn close_wakes_who_is_blocked() -> anyhow::Result<Seen> {
    let calls: Vec<Woken> = go::records()?;
    let woken = calls.len() == 2 && calls.iter().all(|call| call.blocked && call.is_err_closed);
    Ok(Seen::holds(woken, joined(calls.iter().map(seen), "; ")))
}
