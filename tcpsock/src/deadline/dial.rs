//! A deadline ends a connect(2) to a host that does not answer: one whose backlog is full drops the SYN, as a host that
//! is not there would.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (DialTimeout). Go: `net.DialTimeout`. Man: connect(2), listen(2).

use std::time::{Duration, Instant};

use shared::linux::endpoint;
use shared::linux::failure::Failure;
use shared::linux::network::Network;

use crate::experiment::{milliseconds, record};
use crate::loopback;

record!("dial", GivenUp { limit_ms: u64, elapsed_ms: u64, queued: usize, dial: String });

pub fn of_dialling(limit: Duration) -> anyhow::Result<GivenUp> {
    let listener = loopback::listen(0)?;
    let address = endpoint::shown(&listener.address()?);
    let mut queued = Vec::new();
    while queued.len() < 16 {
        let start = Instant::now();
        match endpoint::dial(Network::Tcp, &address, limit) {
            Ok(connection) => queued.push(connection),
            // Nobody answered in time, and that is to be seen: whatever else failed is not.
            Err(error) => match error.downcast_ref() {
                Some(Failure::Deadline(said)) => {
                    let (limit_ms, elapsed_ms) = (milliseconds(limit), milliseconds(start.elapsed()));
                    return Ok(GivenUp { limit_ms, elapsed_ms, queued: queued.len(), dial: said.clone() });
                }
                _ => return Err(error),
            },
        }
    }
    Err(Failure::CannotShow("a listener with a backlog of 0 takes 16 connections".to_owned()).into())
}
