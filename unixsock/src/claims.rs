//! What the note says of sockets in the Unix domain, asked of this kernel: a file a heading.

mod sockets;
mod socket_features;
mod tcp_ip;

use shared::harness::claims::Check;

pub const CHECKS: &[&[Check]] = &[sockets::CHECKS, socket_features::CHECKS, tcp_ip::CHECKS];
