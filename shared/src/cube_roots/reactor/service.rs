//! What a server does for its peers: it gives the bytes between two TABs a meaning.

use std::io;

use socket2::SockAddr;

/// What a server does for its peers. `peer` numbers the connections that are open at one time.
pub trait Service {
    /// A connection was accepted from `address`.
    fn established(&mut self, _peer: usize, _address: &SockAddr) {}
    /// A connection failed before it was established.
    fn lost(&mut self, _error: &io::Error) {}
    /// Appends the answer to `request`, which comes without its TAB.
    fn respond(&mut self, peer: usize, request: &[u8], answers: &mut Vec<u8>);
    /// Appends the answer to a message that outgrew the cap, after which the connection is closed.
    fn respond_too_long(&mut self, peer: usize, answers: &mut Vec<u8>);
    /// Appends the answer to what the peer left without a TAB when it closed its side.
    fn respond_unterminated(&mut self, peer: usize, tail: &[u8], answers: &mut Vec<u8>);
    /// The kernel took this many bytes of the answers.
    fn sent(&mut self, _peer: usize, _bytes: usize) {}
    /// The connection is over.
    fn closed(&mut self, _peer: usize, _end: &End) {}
}

/// How a connection ended.
#[derive(Debug)]
pub enum End {
    /// Both sides closed.
    Orderly,
    /// No request was completed in time.
    TimedOut,
    /// The grace period of a shutdown ended first.
    CutOff,
    /// A reset, most of the time.
    Failed(io::Error),
}
