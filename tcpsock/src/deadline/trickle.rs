//! A peer that sends a byte now and then.
//!
//! Note: SetDeadline、SetReadDeadline、SetWriteDeadline方法. Man: recv(2).

use std::io::{self, ErrorKind, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use shared::cube_roots::client::DeadlineSocket;
use shared::linux::readiness::is_timeout;
use shared::linux::thread::spawn_scoped;

use crate::loopback::connection;

/// Runs `experiment` on a connection whose other end sends a byte every `pause`. The experiment closes its end, whatever
/// comes of it: that ends the peer.
pub fn beside<T>(pause: Duration, experiment: impl FnOnce(DeadlineSocket) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let (ours, theirs) = connection()?;
    let (ours, theirs) = (DeadlineSocket::new(ours.socket), DeadlineSocket::new(theirs.socket));
    thread::scope(move |scope| {
        let peer = spawn_scoped(scope, move || trickle(theirs, pause))?;
        let record = experiment(ours);
        match peer.join().map_err(|_| anyhow!("the trickling peer panicked"))? {
            // Closed with bytes unread.
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {}
            ended => ended.context("the trickling peer")?,
        }
        record
    })
}

/// Sends a byte whenever nothing has come for `pause`, until the other side closes.
fn trickle(mut socket: DeadlineSocket, pause: Duration) -> io::Result<()> {
    loop {
        socket.set_read_deadline(Some(Instant::now() + pause));
        match socket.read(&mut [0]) {
            Err(error) if is_timeout(&error) => socket.write_all(b".")?,
            end => return end.map(drop),
        }
    }
}
