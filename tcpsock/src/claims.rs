//! What the note says of sockets over TCP and UDP, asked of this kernel: a file a heading.

mod addresses;
mod close;
mod deadlines;
mod read;
mod socket_features;
mod tcp_ip;

use shared::harness::claims::Check;

pub const CHECKS: &[&[Check]] =
    &[socket_features::CHECKS, tcp_ip::CHECKS, read::CHECKS, close::CHECKS, addresses::CHECKS, deadlines::CHECKS];
