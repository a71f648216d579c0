//! The application that tcpsock and unixsock are: a server of cube roots, its client, a load for it.

pub mod ask;
pub mod client;
pub mod conversation;
pub mod cube_root;
pub mod framing;
pub mod hold;
pub mod load;
mod outbox;
pub mod reactor;
pub mod serve;
