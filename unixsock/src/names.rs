//! The names of Unix sockets: a path, a name without a file, or none.
//!
//! Note: Socket的基本特征 (地址形式: 路径名称). Go: `net.UnixAddr`. Man: unix(7).

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;

use anyhow::Context;
use serde_json::{Value, json};
use shared::harness::claims::{Check, Seen, seen};
use shared::linux::endpoint::shown;
use shared::linux::readiness::Name;
use shared::linux::scratch::Folder;
use socket2::{Domain, SockAddr, Socket, Type};

pub const CHECKS: &[Check] = &[(141, the_address_is_a_path)];

fn socket() -> io::Result<Socket> {
    Socket::new(Domain::UNIX, Type::STREAM, None)
}

fn listen(name: &SockAddr) -> io::Result<Socket> {
    let socket = socket()?;
    socket.bind(name)?;
    socket.listen(1)?;
    Ok(socket)
}

/// `ok`, or the name of the error.
fn came_of<T>(result: io::Result<T>) -> String {
    result.map_or_else(|error| Name(&error).to_string(), |_| "ok".to_owned())
}

fn connect(name: &SockAddr) -> String {
    came_of(socket().and_then(|socket| socket.connect(name)))
}

/// A file that stays when the socket is closed: then nobody answers there, nor can anybody listen.
fn a_path() -> anyhow::Result<Value> {
    let folder = Folder::make("unixsock")?;
    let path = folder.path().join("socket");
    let name = SockAddr::unix(&path)?;
    let listener = listen(&name).with_context(|| format!("bind {}", path.display()))?;
    let is_file = fs::symlink_metadata(&path)?.file_type().is_socket();
    let connected = connect(&name);
    drop(listener);
    Ok(json!({
        "file": is_file, "connect": connected, "connect_after_close": connect(&name), "bind_again": came_of(listen(&name)),
    }))
}

// ANCHOR: abstract
/// The kernel chooses it when it is asked for none, and it ends with the socket.
fn a_name_without_a_file() -> anyhow::Result<Value> {
    let listener = listen(&SockAddr::unix("")?)?;
    let name = listener.local_addr()?;
    let connected = connect(&name);
    drop(listener);
    Ok(json!({
        "name": shown(&name), "is_path": name.as_pathname().is_some(), "connect": connected,
        "bind_again": came_of(listen(&name)),
    }))
}
// ANCHOR_END: abstract

fn the_address_is_a_path() -> anyhow::Result<Seen> {
    let (path, name) = (a_path()?, a_name_without_a_file()?);
    let as_noted = path["file"] == true && path["connect"] == "ok";
    let exception = name["is_path"] == false && name["connect"] == "ok";
    Ok(Seen::imprecise(as_noted, exception, format!("path: {}; abstract: {}", seen(&path), seen(&name))))
}
