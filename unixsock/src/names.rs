//! The names of Unix sockets: a path, a name without a file, or none; and no network behind them.
//!
//! Note: Socket, Socket的基本特征 (地址形式: 路径名称). Go: `net.UnixAddr`. Man: unix(7).

pub mod network;

use std::fs;
use std::os::unix::fs::FileTypeExt;

use anyhow::Context;
use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::answer::Outcome;
use shared::linux::endpoint::shown;
use shared::linux::namespace;
use shared::linux::scratch::Folder;
use socket2::{Domain, SockAddr, Socket, Type};

#[derive(clap::Args)]
pub struct Args {}

pub fn run(_: &Args, out: &mut Report) -> anyhow::Result<()> {
    out.pairs(&a_path()?)?;
    out.pairs(&a_name_without_a_file()?)?;
    out.pairs(&network::reach(true)?)?;
    // Both leave the network.
    out.pairs(&from_another_network()?)?;
    out.pairs(&network::without()?)
}

#[derive(Serialize)]
#[serde(tag = "step", rename = "path")]
pub struct Path {
    pub is_file: bool,
    pub connect: Outcome,
    connect_after_close: Outcome,
    bind_again: Outcome,
}

/// A file that stays when the socket is closed: then nobody answers there, nor can anybody listen.
pub fn a_path() -> anyhow::Result<Path> {
    let folder = Folder::make("unixsock")?;
    let path = folder.path().join("socket");
    let name = SockAddr::unix(&path).with_context(|| format!("bind {}", path.display()))?;
    let listener = listen(&name)?;
    let found = fs::symlink_metadata(&path).with_context(|| format!("stat {}", path.display()))?;
    let connect = try_connect(&name)?;
    drop(listener);
    Ok(Path {
        is_file: found.file_type().is_socket(),
        connect,
        connect_after_close: try_connect(&name)?,
        bind_again: try_bind(&name)?,
    })
}

#[derive(Serialize)]
#[serde(tag = "step", rename = "abstract")]
pub struct Abstract {
    name: String,
    pub is_file: bool,
    pub connect: Outcome,
    bind_again: Outcome,
}

// ANCHOR: abstract
/// The kernel chooses it when it is asked for none, and it ends with the socket.
pub fn a_name_without_a_file() -> anyhow::Result<Abstract> {
    let listener = listen(&SockAddr::unix("")?)?;
    let name = listener.local_addr().context("getsockname")?;
    let connect = try_connect(&name)?;
    drop(listener);
    let is_file = name.as_pathname().is_some();
    Ok(Abstract { name: shown(&name), is_file, connect, bind_again: try_bind(&name)? })
}
// ANCHOR_END: abstract

/// Connecting from a network namespace in which the listeners are not.
#[derive(Serialize)]
#[serde(tag = "step", rename = "another-network")]
pub struct Elsewhere {
    pub path_connect: Outcome,
    pub name_connect: Outcome,
}

pub fn from_another_network() -> anyhow::Result<Elsewhere> {
    let folder = Folder::make("unixsock")?;
    let path = SockAddr::unix(folder.path().join("socket")).context("the address of a path")?;
    let (_by_path, by_name) = (listen(&path)?, listen(&SockAddr::unix("")?)?);
    let name = by_name.local_addr().context("getsockname")?;
    namespace::own_network()?;
    Ok(Elsewhere { path_connect: try_connect(&path)?, name_connect: try_connect(&name)? })
}

fn socket() -> anyhow::Result<Socket> {
    Socket::new(Domain::UNIX, Type::STREAM, None).context("socket AF_UNIX SOCK_STREAM")
}

fn listen(name: &SockAddr) -> anyhow::Result<Socket> {
    let socket = socket()?;
    socket.bind(name).with_context(|| format!("bind {}", shown(name)))?;
    socket.listen(1).with_context(|| format!("listen {}", shown(name)))?;
    Ok(socket)
}

fn try_connect(name: &SockAddr) -> anyhow::Result<Outcome> {
    Outcome::succeeds(socket()?.connect(name)).with_context(|| format!("connect {}", shown(name)))
}

fn try_bind(name: &SockAddr) -> anyhow::Result<Outcome> {
    Outcome::succeeds(socket()?.bind(name)).with_context(|| format!("bind {}", shown(name)))
}
