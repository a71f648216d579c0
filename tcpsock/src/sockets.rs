//! Which sockets this kernel makes: each domain, type and protocol of the note's tables, asked of socket(2).
//!
//! What came of it is asked of the socket itself (`SO_TYPE`, `SO_PROTOCOL`): the kernel chooses what was left
//! open, and sometimes makes something else than was asked for. Raw sockets need `CAP_NET_RAW`, so root and
//! nobody see different tables. A kernel may load a module (sctp) because somebody asked.
//!
//! `--table` prints the note's four tables, with what this machine shows in each cell.
//!
//! Note: Socket的基本特征 (the tables of domains, types and protocols). Go: `syscall.Socket`. Man: socket(2),
//! ip(7), raw(7), unix(7).

mod answer;
mod tables;

use std::fmt;

use serde::Serialize;
use shared::harness::report::Report;
use socket2::{Domain, Protocol, Type};

pub use answer::{Answer, open};
use answer::{DOMAINS, TYPES, cell, name, protocols};
pub use tables::types;

#[derive(clap::Args)]
pub struct Args {
    /// Instead, the note's four tables, each cell as this machine shows it
    #[arg(long)]
    table: bool,
}

pub fn run(args: &Args, out: &mut Report) -> anyhow::Result<()> {
    if args.table {
        return tables::run(out);
    }
    for domain in DOMAINS {
        for kind in TYPES {
            for &protocol in protocols(domain) {
                out.record(&Row::from(Answer::of_the_kernel(domain, kind, protocol)?))?;
            }
        }
    }
    Ok(())
}

/// The claim that a question puts to the test.
fn claim(domain: Domain, kind: Type, protocol: Option<Protocol>) -> u16 {
    match (domain, kind, protocol) {
        (Domain::UNIX, Type::RAW, _) => 154,
        (Domain::UNIX, ..) | (_, Type::RAW, None) => 151,
        (_, Type::RAW, Some(_)) => 150,
        (_, Type::DGRAM, _) => 153,
        _ => 152,
    }
}

/// An answer in words.
#[derive(Serialize)]
struct Row {
    domain: String,
    r#type: String,
    protocol: String,
    /// What a new socket says of itself.
    opened_as: Option<String>,
    opened_protocol: Option<String>,
    error: Option<String>,
    /// What the note's table says.
    note: &'static str,
    /// The claim that this answer is at odds with.
    claim: Option<u16>,
}

impl From<Answer> for Row {
    fn from(answer: Answer) -> Row {
        let Answer { domain, kind, protocol, result } = answer;
        Row {
            domain: format!("{domain:?}"),
            r#type: format!("{kind:?}"),
            protocol: name(protocol),
            opened_as: result.ok().map(|(made, _)| format!("{made:?}")),
            opened_protocol: result.ok().map(|(_, protocol)| name(protocol)),
            error: result.err().map(|errno| format!("{errno:?}")),
            note: cell(domain, kind).0,
            claim: (!answer.is_as_noted()).then(|| claim(domain, kind, protocol)),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { domain, r#type, protocol, opened_as, opened_protocol, error, note, claim } = self;
        write!(f, "{domain} {type} {protocol}: {}", error.as_deref().unwrap_or("ok"))?;
        if let Some(opened_as) = opened_as {
            write!(f, ", opened as {opened_as}")?;
        }
        if let Some(opened_protocol) = opened_protocol.as_ref().filter(|&protocol| protocol != "0") {
            write!(f, " {opened_protocol}")?;
        }
        write!(f, "; note: {note}")?;
        match claim {
            Some(claim) => write!(f, ", differs: claim={claim}"),
            None => Ok(()),
        }
    }
}
