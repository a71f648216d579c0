//! What was sent on one type of socket, what each read returned, and both in words.
//!
//! Note: Socket的基本特征 (the table of types). Man: unix(7).

use std::fmt;

use serde::Serialize;
use shared::linux::answer::Outcome;
use shared::linux::network::Network;

#[derive(Serialize)]
pub struct Observation {
    network: &'static str,
    #[serde(rename = "type")]
    kind: String,
    shows: &'static str,
    pub sent_texts: Vec<&'static str>,
    pub received_messages: Vec<Read>,
    claim: u16,
}

/// What one read returned.
#[derive(Serialize)]
pub struct Read {
    pub data: String,
    pub truncated: bool,
}

impl Observation {
    pub fn new(
        network: Network,
        shows: &'static str,
        sent: Vec<&'static str>,
        read: Vec<Read>,
        claim: u16,
    ) -> Observation {
        Observation {
            network: network.name(),
            kind: format!("{:?}", network.kind()),
            shows,
            sent_texts: sent,
            received_messages: read,
            claim,
        }
    }

    pub fn read_data(&self) -> Vec<&str> {
        self.received_messages.iter().map(|read| &*read.data).collect()
    }

    /// What was seen, without what the note says of it.
    pub fn evidence(&self) -> String {
        format!("{}, {}: sent{}, read{}", self.kind, self.shows, Sent(&self.sent_texts), Reads(&self.received_messages))
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Observation { network, kind, shows, claim, .. } = self;
        write!(
            f,
            "{network} {kind}, {shows}: sent{}; read{} [claim {claim}]",
            Sent(&self.sent_texts),
            Reads(&self.received_messages)
        )
    }
}

struct Sent<'a>(&'a [&'a str]);

impl fmt::Display for Sent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|message| write!(f, " {message:?}"))
    }
}

struct Reads<'a>(&'a [Read]);

impl fmt::Display for Reads<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let truncated = |read: &Read| if read.truncated { " (MSG_TRUNC)" } else { "" };
        self.0.iter().try_for_each(|read| write!(f, " {:?}{}", read.data, truncated(read)))
    }
}

/// What became of datagrams that nobody read.
#[derive(Serialize)]
pub struct Queue {
    pub network: &'static str,
    #[serde(rename = "type")]
    pub kind: String,
    pub shows: &'static str,
    pub sent: usize,
    pub next_send: Outcome,
    pub in_order: usize,
    pub claim: u16,
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Queue { network, kind, shows, sent, next_send, in_order, claim } = self;
        write!(f, "{network} {kind}, {shows}: {sent} queued, then {next_send}; ")?;
        write!(f, "{in_order} received in order [claim {claim}]")
    }
}
