//! What the note says of sockets in the Unix domain, asked of this kernel: a file a heading.

mod socket_features;
mod sockets;
mod tcp_ip;

use shared::harness::claims::Check;

pub const CHECKS: &[&[Check]] = &[sockets::CHECKS, socket_features::CHECKS, tcp_ip::CHECKS];
