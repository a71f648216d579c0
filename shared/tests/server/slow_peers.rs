//! Peers that ask and do not read the answers.

use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::process::Setup;
use super::{CUBE_ROOT_OF_27, Peer};

/// Asks until the server stops reading, for more than all buffers hold; then reads all of it.
pub fn a_client_that_does_not_read_costs_little_and_harms_nobody(setup: &Setup) -> io::Result<()> {
    const ASKED: usize = 8_000_000;
    let server = setup.start(&[])?;
    let other = server.connect()?;
    assert_eq!(other.ask("27")?, CUBE_ROOT_OF_27);
    let before = server.resident_bytes()?;
    let greedy = server.connect()?;
    greedy.0.set_nonblocking(true)?;
    let requests = b"27\t".repeat(ASKED / 3);
    let mut sent = 0;
    while sent < requests.len() {
        match (&greedy.0).write(&requests[sent..]) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                assert_eq!(other.ask("27")?, CUBE_ROOT_OF_27);
                if !has_room_soon(&greedy)? {
                    break;
                }
            }
            Err(error) => return Err(error),
        }
    }
    let growth = server.resident_bytes()?.saturating_sub(before);
    assert!(growth < 2 << 20, "grew by {growth} bytes");
    assert_eq!(other.ask("27")?, CUBE_ROOT_OF_27);
    greedy.0.set_nonblocking(false)?;
    let (whole, answer) = (sent / 3, format!("{CUBE_ROOT_OF_27}\t"));
    greedy.close_write()?;
    let came = greedy.rest()?;
    assert_eq!(came.len() / answer.len(), whole);
    assert!(came.chunks(answer.len()).take(whole).all(|chunk| chunk == answer.as_bytes()));
    Ok(())
}

/// Half a second without room: the server has stopped to read.
fn has_room_soon(peer: &Peer) -> io::Result<bool> {
    let mut polled = [PollFd::new(peer.0.as_fd(), PollFlags::POLLOUT)];
    Ok(poll(&mut polled, PollTimeout::from(500u16))? > 0)
}

/// Each sends TABs, the requests with the longest answers for their length, until the server stops reading.
pub fn peers_that_do_not_read_cost_40_kb_each_and_it_is_given_back(setup: &Setup) -> io::Result<()> {
    const PEERS: u64 = 100;
    let server = setup.start(&["--idle-timeout", "0s"])?;
    let other = server.connect()?;
    assert_eq!(other.ask("27")?, CUBE_ROOT_OF_27);
    let before = server.resident_bytes()?;
    let mut greedy: Vec<Peer> = (0..PEERS).map(|_| server.connect()).collect::<Result<_, _>>()?;
    let tabs = [b'\t'; 8192];
    for peer in &greedy {
        peer.0.set_nonblocking(true)?;
        // No room at the second try, after the server has gone round: it takes no more.
        let mut tries = 0;
        while tries < 2 {
            match (&peer.0).write(&tabs) {
                Ok(_) => tries = 0,
                Err(error) if error.kind() == ErrorKind::WouldBlock => tries += 1,
                Err(error) => return Err(error),
            }
            assert_eq!(other.ask("27")?, CUBE_ROOT_OF_27);
        }
    }
    let each = server.resident_bytes()?.saturating_sub(before) / PEERS;
    // The last one stays, and with it the end of the heap.
    let last = greedy.pop();
    drop(greedy);
    server.wait_until(|server| Ok(server.resident_bytes()?.saturating_sub(before) < 1 << 20))?;
    assert!((1000..=40_000).contains(&each), "{each} bytes for each");
    drop(last);
    assert_eq!(other.ask("27")?, CUBE_ROOT_OF_27);
    Ok(())
}
