//! What the note says of sockets over TCP and UDP, asked of this kernel: a file a heading.

mod socket_features;
mod tcp_ip;
mod read;
mod close;
mod addresses;
mod deadlines;

use shared::harness::claims::Check;

pub const CHECKS: &[&[Check]] =
    &[socket_features::CHECKS, tcp_ip::CHECKS, read::CHECKS, close::CHECKS, addresses::CHECKS, deadlines::CHECKS];
