//! Four writers, as the statements on atomicity need them: pipes and signals both have one.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use shared::linux::child::Children;
use shared::linux::failure::Failure;

use crate::atomicity::writers::Load;
use crate::atomicity::{Counted, Round, Via};

pub const LONG: NonZeroUsize = NonZeroUsize::new(100_001).unwrap();

/// Processes are forked: only before there are threads.
pub fn four_writers(via: Via, size: NonZeroUsize, messages: u64) -> anyhow::Result<Counted> {
    Round::prepare(&Children::helpers(), via, Load { writers: 4, size, messages })?.write()
}

/// Four processes write, again until messages are torn: then they do get in each other's way.
pub fn until_torn(size: NonZeroUsize, messages: u64) -> anyhow::Result<Counted> {
    let deadline = Instant::now() + Duration::from_secs(8);
    while Instant::now() < deadline {
        let counted = four_writers(Via::OsPipe, size, messages)?;
        if counted.torn > 0 {
            return Ok(counted);
        }
    }
    Err(Failure::CannotShow("the writers never got in each other's way".into()).into())
}

pub fn told(counted: &Counted) -> String {
    let Counted { writers, size, messages, torn, .. } = counted;
    format!("{writers} x {size} B, {torn} of {messages} torn")
}
