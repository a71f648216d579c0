//! A blocking client of the cube-root protocol over `BufStream`, with Go's absolute deadline.
//!
//! A socket's own timeouts (`SO_RCVTIMEO`) begin anew with each call, so a peer that sends a byte now
//! and then would hold a call for ever. Go's deadline is an instant: what is left until then is set
//! before each call, and once it has passed a call fails before it is made.
//!
//! Note: SetDeadline、SetReadDeadline、SetWriteDeadline方法. Go: `net.Conn`, `bufio`. Man: socket(7).

use std::ffi::OsStr;
use std::io::{self, BufRead, Read, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bufstream::BufStream;
use socket2::Socket;

use crate::cube_roots::framing::DELIMITER;
use crate::linux::endpoint;
use crate::linux::failure::call_failed;
use crate::linux::network::Network;
use crate::linux::readiness::restart;

/// Larger than any record: the kernel drops what a read of a record has no room for.
const BUFFER: usize = 64 << 10;

/// A blocking socket whose calls end by an instant: reads by one, writes by another.
#[derive(Debug)]
pub struct DeadlineSocket {
    socket: Socket,
    read_by: Option<Instant>,
    write_by: Option<Instant>,
}

impl DeadlineSocket {
    /// Without a deadline yet: calls may block for ever.
    pub fn new(socket: Socket) -> DeadlineSocket {
        DeadlineSocket { socket, read_by: None, write_by: None }
    }

    /// Go's `SetDeadline`: for all calls from now on; `None` cancels it.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.set_read_deadline(deadline);
        self.set_write_deadline(deadline);
    }

    /// Go's `SetReadDeadline`.
    pub fn set_read_deadline(&mut self, deadline: Option<Instant>) {
        self.read_by = deadline;
    }

    /// Go's `SetWriteDeadline`.
    pub fn set_write_deadline(&mut self, deadline: Option<Instant>) {
        self.write_by = deadline;
    }

    /// The same connection by another descriptor, for another thread.
    pub fn try_clone(&self) -> io::Result<DeadlineSocket> {
        Ok(DeadlineSocket { socket: self.socket.try_clone()?, read_by: self.read_by, write_by: self.write_by })
    }

    /// The socket under it.
    pub fn socket(&self) -> &Socket {
        &self.socket
    }
}

// ANCHOR: left
/// The time left until the deadline; an error once it has passed, as in Go.
fn left(deadline: Option<Instant>) -> io::Result<Option<Duration>> {
    let Some(deadline) = deadline else { return Ok(None) };
    match deadline.checked_duration_since(Instant::now()) {
        Some(rest) if !rest.is_zero() => Ok(Some(rest)),
        _ => Err(io::Error::new(io::ErrorKind::TimedOut, "i/o timeout")),
    }
}
// ANCHOR_END: left

// ANCHOR: read
impl Read for DeadlineSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0); // As in Go, whatever the deadline; recv(2) would wait for data.
        }
        restart(|| {
            self.socket.set_read_timeout(left(self.read_by)?)?;
            (&self.socket).read(buffer)
        })
    }
}
// ANCHOR_END: read

impl Write for DeadlineSocket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        restart(|| {
            self.socket.set_write_timeout(left(self.write_by)?)?;
            (&self.socket).write(bytes)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection to a cube-root server. Requests are buffered until [`Client::flush`].
#[derive(Debug)]
pub struct Client {
    stream: BufStream<DeadlineSocket>,
    /// The part of an answer that arrived before a deadline; the next call completes it.
    partial: Vec<u8>,
    server: String,
    local: String,
    /// On a socket that keeps boundaries each request is flushed on its own, as one record.
    records: bool,
}

impl Client {
    /// Go's `net.DialTimeout`: `timeout` covers the resolution of the name.
    ///
    /// `allowed` are the users that the server of a Unix socket may run as: see [`endpoint::check_server`].
    pub fn dial(
        network: Network,
        address: &(impl AsRef<OsStr> + ?Sized),
        timeout: Duration,
        allowed: &[u32],
    ) -> anyhow::Result<Client> {
        let socket = endpoint::dial(network, address, timeout)?;
        let failed = || format!("dial {network} {}", address.as_ref().display());
        endpoint::check_server(&socket, allowed).with_context(failed)?;
        let peer = socket.peer_addr().with_context(failed)?;
        Ok(Client {
            server: endpoint::shown(&peer),
            local: endpoint::shown(&socket.local_addr()?),
            stream: BufStream::with_capacities(BUFFER, BUFFER, DeadlineSocket::new(socket)),
            partial: Vec::new(),
            records: network.keeps_boundaries(),
        })
    }

    /// Go's `SetDeadline`.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.stream.get_mut().set_deadline(deadline);
    }

    /// Go's `RemoteAddr`.
    pub fn remote_address(&self) -> &str {
        &self.server
    }

    /// Go's `LocalAddr`.
    pub fn local_address(&self) -> &str {
        &self.local
    }

    /// Queues `request` with its TAB and returns the number of bytes.
    pub fn send(&mut self, request: &[u8]) -> anyhow::Result<usize> {
        let result = self.stream.write_all(&[request, &[DELIMITER]].concat());
        result.map_err(|error| failed("write", &self.server, error))?;
        if self.records {
            self.flush()?;
        }
        Ok(request.len() + 1)
    }

    /// Sends what is queued: reading does not.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        self.stream.flush().map_err(|error| failed("write", &self.server, error))
    }

    /// A writer for another thread, while this one reads. It bypasses what is queued here.
    pub fn writer(&self) -> anyhow::Result<Writer> {
        let socket = self.stream.get_ref().try_clone().context("dup the connection")?;
        Ok(Writer { socket, server: self.server.clone(), records: self.records })
    }

    /// The next answer, without its TAB; `None` once the server has closed its side.
    pub fn receive(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        let result = self.stream.read_until(DELIMITER, &mut self.partial);
        result.map_err(|error| failed("read", &self.server, error))?;
        if self.partial.pop_if(|byte| *byte == DELIMITER).is_some() {
            return Ok(Some(std::mem::take(&mut self.partial)));
        }
        self.end_of_stream().map(|()| None)
    }

    /// Waits for bytes and calls `each` with every answer that they complete, without its TAB; false once the server has
    /// closed its side.
    pub fn receive_some(&mut self, mut each: impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<bool> {
        let came = self.stream.fill_buf().map_err(|error| failed("read", &self.server, error))?;
        let (count, mut rest) = (came.len(), came);
        while let Some(end) = rest.iter().position(|&byte| byte == DELIMITER) {
            self.partial.extend_from_slice(&rest[..end]);
            each(&self.partial)?;
            self.partial.clear();
            rest = &rest[end + 1..];
        }
        self.partial.extend_from_slice(rest);
        self.stream.consume(count);
        if count > 0 { Ok(true) } else { self.end_of_stream().map(|()| false) }
    }

    fn end_of_stream(&self) -> anyhow::Result<()> {
        if !self.partial.is_empty() {
            bail!("read {}: unexpected EOF in the middle of an answer", self.server);
        }
        Ok(())
    }
}

/// The writing half of a [`Client`], by a descriptor of its own.
#[derive(Debug)]
pub struct Writer {
    socket: DeadlineSocket,
    server: String,
    records: bool,
}

impl Writer {
    /// Sends `requests`, each with its TAB; on a socket that keeps boundaries, each as one record.
    pub fn write_all(&mut self, requests: &[u8]) -> anyhow::Result<()> {
        let result = if self.records {
            requests.split_inclusive(|&byte| byte == DELIMITER).try_for_each(|record| self.socket.write_all(record))
        } else {
            self.socket.write_all(requests)
        };
        result.map_err(|error| failed("write", &self.server, error))
    }
}

fn failed(call: &str, server: &str, error: io::Error) -> anyhow::Error {
    call_failed(&format!("{call} {server}"), error)
}
