//! What a server of cube roots must stand: the same tests for every command that serves.
//!
//! A program's own `tests/serve.rs` includes this file and names itself and its networks:
//! `every_fact_of_a_stream!("tcp", env!("CARGO_BIN_EXE_tcpsock"))`.

#![allow(dead_code, unused_imports, reason = "not every program uses everything")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

pub mod faults;
pub mod handover;
#[path = "../harness/mod.rs"]
pub mod harness;
pub mod process;
pub mod restart;
pub mod short_reads;
pub mod slow_peers;
pub mod stands;

use std::io::{self, Read, Write};
use std::net::Shutdown;

use socket2::{Domain, SockAddr, Socket, Type};

pub use harness::{WATCHDOG, say};

/// A client's connection, with the watchdog on every call.
pub struct Peer(pub Socket);

impl Peer {
    pub fn connect(network: &str, address: &str) -> io::Result<Peer> {
        let (domain, kind, address) = match network {
            "unix" => (Domain::UNIX, Type::STREAM, SockAddr::unix(address)?),
            "unixpacket" => (Domain::UNIX, Type::SEQPACKET, SockAddr::unix(address)?),
            _ => {
                let address: std::net::SocketAddr = address.parse().map_err(io::Error::other)?;
                (Domain::for_address(address), Type::STREAM, address.into())
            }
        };
        let socket = Socket::new(domain, kind, None)?;
        socket.set_read_timeout(Some(WATCHDOG))?;
        socket.set_write_timeout(Some(WATCHDOG))?;
        shared::linux::readiness::restart(|| socket.connect(&address))?;
        Ok(Peer(socket))
    }

    pub fn send(&self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        (&self.0).write_all(bytes.as_ref())
    }

    /// The next answer, without its TAB.
    pub fn answer(&self) -> io::Result<String> {
        let mut answer = Vec::new();
        if self.0.r#type()? == Type::SEQPACKET {
            answer = self.record()?;
            assert_eq!(answer.pop(), Some(b'\t'), "an answer is a record and ends in a TAB");
            return String::from_utf8(answer).map_err(io::Error::other);
        }
        let mut byte = [0];
        loop {
            (&self.0).read_exact(&mut byte)?;
            match byte {
                [b'\t'] => return String::from_utf8(answer).map_err(io::Error::other),
                [other] => answer.push(other),
            }
        }
    }

    /// What one read returns: of a socket that keeps boundaries a record, empty at the end.
    pub fn record(&self) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; 8192];
        let count = (&self.0).read(&mut buffer)?;
        buffer.truncate(count);
        Ok(buffer)
    }

    pub fn ask(&self, request: &str) -> io::Result<String> {
        self.send(format!("{request}\t"))?;
        self.answer()
    }

    /// Everything until the server's end; a reset is an error.
    pub fn rest(&self) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        (&self.0).read_to_end(&mut rest)?;
        Ok(rest)
    }

    pub fn close_write(&self) -> io::Result<()> {
        self.0.shutdown(Shutdown::Write)
    }
}

pub const CUBE_ROOT_OF_27: &str = "The cube root of 27 is 3.000000.";

/// The requests 0 to `count`, and the answers to them.
pub fn requests_and_answers(count: i32) -> (String, String) {
    let requests = (0..count).flat_map(|number| [number.to_string(), "\t".to_owned()]).collect();
    (requests, (0..count).map(|number| root_of(number) + "\t").collect())
}

pub fn root_of(number: i32) -> String {
    format!("The cube root of {number} is {:.6}.", f64::from(number).cbrt())
}

/// Fails with where the two part, not with all of them.
pub fn assert_text(came: &[u8], expected: &str) {
    let same = came.iter().zip(expected.as_bytes()).take_while(|(a, b)| a == b).count();
    let (lengths, after) = ((came.len(), expected.len()), &came[same..came.len().min(same + 80)]);
    assert!(same == came.len() && same == expected.len(), "{lengths:?} bytes, from {same}: {}", after.escape_ascii());
}
