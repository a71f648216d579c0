//! What the note says of sockets over TCP and UDP, asked of this kernel: a file a heading.

mod socket_features;
mod tcp_ip;
mod tcp_ip_in_go;
mod read;
mod write;
mod close;
mod addresses;
mod deadlines;

use shared::harness::claims::Check;

pub const CHECKS: &[&[Check]] = &[
    socket_features::CHECKS,
    tcp_ip::CHECKS,
    tcp_ip_in_go::CHECKS,
    read::CHECKS,
    write::CHECKS,
    close::CHECKS,
    addresses::CHECKS,
    deadlines::CHECKS,
];
