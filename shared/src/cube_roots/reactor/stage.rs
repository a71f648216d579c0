//! How far a conversation has come, and what a turn leaves to be done.

use super::service::End;

/// How far the conversation has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stage {
    /// Requests are read and answered.
    Open,
    /// The last answers are on their way; then our side is closed.
    Closing,
    /// The last answers are on their way to a peer that has closed its side; then all is over.
    Leaving,
    /// Our side is closed. What comes is read and dropped: a close with unread bytes would make the
    /// kernel reset the connection, and the peer lose answers that it has not read yet.
    Lingering,
}

/// What is to be done after a turn.
#[derive(Debug)]
pub(super) enum Turn {
    /// Nothing until the next event: the kernel has no more bytes, or takes no more.
    Drained,
    /// Another turn, after the neighbours.
    Unfinished,
    /// The connection is over.
    Closed(End),
}
