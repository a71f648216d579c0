//! Raw sockets: who may have them, and what they carry.
//!
//! Without the privilege, each experiment runs in a network namespace of its own, where it has it.
//!
//! Note: Socket的基本特征 (SOCK_RAW). Go: `net.ListenIP`, `syscall.Socket`. Man: raw(7), packet(7),
//! capabilities(7), user_namespaces(7).

mod capabilities;
mod packets;

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::prctl::set_keepcaps;
use nix::unistd::{Gid, Uid, getuid, setresgid, setresuid};
use serde::{Serialize, Serializer};
use shared::harness::report::Report;
use shared::linux::answer::Outcome;
use shared::linux::namespace;
use socket2::{Domain, Protocol, Type};

use crate::experiment::{noted, record};
use crate::sockets;
pub use capabilities::CAP_NET_RAW;
use packets::PROTOCOL;
pub use packets::{HEADER, ends, three_packets_and_a_flood};

#[derive(clap::Args)]
pub struct Args {}

/// Not on a thread of its own: only a process with one thread may enter a user namespace. The last experiment gives up
/// all privileges.
pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    out.pairs(&noted(types()?, "the types of sockets are DGRAM, RAW, SEQPACKET and STREAM", 142))?;
    out.pairs(&three_packets_and_a_flood()?)?;
    out.pairs(&noted(with_and_without_the_capability()?, "only the superuser can use raw sockets", 150))
}

/// The predecessor of AF_PACKET, still accepted.
const SOCK_PACKET: i32 = 10;

/// What socket(2) makes of each type.
#[derive(Serialize)]
#[serde(tag = "step", rename = "types")]
pub struct Types {
    pub dgram: Opened,
    pub raw: Opened,
    pub seqpacket: Opened,
    pub stream: Opened,
    pub packet: Opened,
    pub rdm: Opened,
    pub dccp: Opened,
}

/// The type of a new socket, or why there is none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    As(Type),
    Failed(Errno),
}

impl Serialize for Opened {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Opened::As(kind) => serializer.collect_str(&format_args!("{kind:?}")),
            Opened::Failed(errno) => Outcome::Failed(*errno).serialize(serializer),
        }
    }
}

/// The four of the note, and those which Linux has besides.
pub fn types() -> anyhow::Result<Types> {
    may_open_raw_sockets()?;
    Ok(Types {
        dgram: open(Domain::UNIX, Type::DGRAM, None)?,
        raw: open_raw()?,
        seqpacket: open(Domain::UNIX, Type::SEQPACKET, None)?,
        stream: open(Domain::UNIX, Type::STREAM, None)?,
        packet: open(Domain::IPV4, Type::from(SOCK_PACKET), None)?,
        rdm: open(Domain::from(nix::libc::AF_TIPC), Type::from(nix::libc::SOCK_RDM), None)?,
        dccp: open(Domain::IPV4, Type::from(nix::libc::SOCK_DCCP), None)?,
    })
}

/// Makes raw sockets possible, here or in a network of our own: a capability may be one over another network.
pub fn may_open_raw_sockets() -> anyhow::Result<()> {
    if open_raw()? != Opened::As(Type::RAW) {
        namespace::own_network()?;
    }
    Ok(())
}

fn open(domain: Domain, kind: Type, protocol: Option<Protocol>) -> anyhow::Result<Opened> {
    Ok(sockets::open(domain, kind, protocol)?.map_or_else(Opened::Failed, |(kind, _)| Opened::As(kind)))
}

fn open_raw() -> anyhow::Result<Opened> {
    open(Domain::IPV4, Type::RAW, Some(Protocol::from(PROTOCOL)))
}

// One user with the capability alone, and without any.
record!("capability", Privilege { uid: u32, without: Attempt, with: Attempt });

/// The capabilities in force, and what came of opening a raw socket.
#[derive(Serialize)]
pub struct Attempt {
    pub capabilities: u64,
    pub socket: Opened,
}

/// A process may only give up what it has: so the capability comes first, or, for a user without it, last, in a user
/// namespace of its own.
pub fn with_and_without_the_capability() -> anyhow::Result<Privilege> {
    // ANCHOR: capability
    let first = if open_raw()? == Opened::As(Type::RAW) {
        if getuid().is_root() {
            become_nobody();
        }
        keep_only(CAP_NET_RAW)?;
        Some(attempt()?)
    } else {
        None
    };
    let uid = getuid().as_raw();
    keep_only(0)?;
    let without = attempt()?;
    // ANCHOR_END: capability
    let with = if let Some(with) = first {
        with
    } else {
        namespace::own_network()?;
        attempt()?
    };
    Ok(Privilege { uid, without, with })
}

/// With the capabilities kept. Where the superuser is the only user there is, it stays the superuser.
fn become_nobody() {
    let (user, group) = (Uid::from_raw(65534), Gid::from_raw(65534));
    let _ = set_keepcaps(true).and_then(|()| setresgid(group, group, group)).and_then(|()| setresuid(user, user, user));
}

fn keep_only(capabilities: u32) -> anyhow::Result<()> {
    capabilities::keep_only(capabilities).context("capset")
}

fn attempt() -> anyhow::Result<Attempt> {
    Ok(Attempt { socket: open_raw()?, capabilities: capabilities::effective().context("capget")? })
}
