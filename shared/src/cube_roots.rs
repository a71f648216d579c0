//! The application of tcpsock and unixsock: a server of cube roots, its client, its load.

pub mod ask;
pub mod client;
pub mod conversation;
pub mod cube_root;
pub mod framing;
pub mod load;
mod outbox;
pub mod reactor;
pub mod serve;
