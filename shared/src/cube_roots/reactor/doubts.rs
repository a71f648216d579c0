//! A second look at connections whose last read was short and was believed to have emptied the socket.
//!
//! Reading until `EAGAIN` each time would cost a tenth of a request at depth 1; recvmsg(2), whose flags tell
//! what a short read may hide, half of that. So the loop believes a short read unless an event speaks against
//! it, and looks again at connections that have been silent since the last look: busy ones cost nothing, and
//! one that falls silent costs one more read. What a short read has left behind (after a message that carried
//! descriptors, say) is answered two periods later at most.
//!
//! Note: Read方法 (部分读). Man: epoll(7), unix(7).

use std::time::{Duration, Instant};

use slab::Slab;

use super::connection::Connection;
use super::trust::Trust;

/// The time between two looks.
const PERIOD: Duration = Duration::from_millis(20);

/// The connections to look at again.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    peers: Vec<usize>,
    next: Option<Instant>,
}

impl Doubts {
    /// Notes `peer` if its last read was believed.
    #[inline]
    pub(super) fn note(&mut self, peer: usize, connection: &mut Connection) {
        if matches!(connection.trust, Trust::Believed { .. }) && !connection.in_doubt {
            connection.in_doubt = true;
            self.peers.push(peer);
        }
    }

    /// When to look next.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// The connections that have been silent for a period, if it is time to look.
    pub(super) fn due(&mut self, now: Instant, connections: &mut Slab<Connection>) -> Vec<usize> {
        let mut silent = Vec::new();
        if self.next.is_some_and(|next| next <= now) {
            self.peers.retain(|&peer| {
                let Some(connection) = connections.get_mut(peer) else { return false };
                match connection.trust {
                    Trust::Believed { looked_at: false } => {
                        connection.trust = Trust::Believed { looked_at: true };
                        return true;
                    }
                    Trust::Believed { looked_at: true } => {
                        connection.trust = Trust::Asked;
                        silent.push(peer);
                    }
                    Trust::Sure | Trust::Asked | Trust::Lost => {}
                }
                connection.in_doubt = false;
                false
            });
            self.next = None;
        }
        if self.next.is_none() && !self.peers.is_empty() {
            self.next = Some(now + PERIOD);
        }
        silent
    }
}
