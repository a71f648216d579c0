//! What a call was asked for, and what it returned.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 ("EAGAIN", 部分读, 部分写). Man: recv(2), send(2).

use nix::errno::Errno;
use serde::Serialize;
use shared::linux::answer::Outcome;
use shared::linux::readiness::{Ready, Returned};

use super::epoll::Sleep;
use super::writing::{Event, Total};

/// A record of the conversation.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Seen {
    Call(Call),
    Sleep(Sleep),
    Event(Event),
    Total(Total),
}

/// Gets each record as soon as it is there.
pub type Tell<'a> = dyn FnMut(Seen) -> anyhow::Result<()> + 'a;

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Name {
    Accept,
    Read,
    #[serde(rename = "recv MSG_WAITALL")]
    RecvWaitAll,
    Write,
}

#[derive(Clone, Serialize)]
pub struct Call {
    #[serde(rename = "call")]
    pub name: Name,
    /// How many bytes it was to move.
    pub asked: Option<usize>,
    pub returned: Outcome,
    /// Whether it moved fewer; absent where it moved none.
    pub partial: Option<bool>,
    when: &'static str,
    #[serde(skip)]
    pub is_blocking: bool,
}

impl Call {
    pub fn new(name: Name, asked: usize, result: &Ready<usize>, when: &'static str) -> Call {
        let partial = if let Ready::Done(count) = result { Some(*count < asked) } else { None };
        Call { asked: Some(asked), partial, ..Call::of(name, result, when) }
    }

    pub fn accepted(result: &Ready<impl Returned>, when: &'static str) -> Call {
        // The number of the new socket.
        Call::of(Name::Accept, result, when)
    }

    fn of(name: Name, result: &Ready<impl Returned>, when: &'static str) -> Call {
        let returned = match result {
            Ready::Done(value) => Outcome::Done(usize::try_from(value.returned()).unwrap_or_default()),
            Ready::NotYet => Outcome::Failed(Errno::EAGAIN),
        };
        Call { name, asked: None, returned, partial: None, when, is_blocking: false }
    }

    /// On a socket that blocks.
    pub fn blocking(self) -> Call {
        Call { is_blocking: true, ..self }
    }

    pub fn is_eagain(&self) -> bool {
        self.returned == Outcome::Failed(Errno::EAGAIN)
    }
}
