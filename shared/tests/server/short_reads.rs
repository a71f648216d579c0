//! Bytes that a short read leaves behind, sent while the server is stopped: it finds all of them at once, and
//! no edge comes for the rest.

use std::io::{self, IoSlice};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::socket::{ControlMessage, MsgFlags, send, sendmsg};

use super::process::{Server, Setup};
use super::{CUBE_ROOT_OF_27, Peer, root_of, say};

/// An established connection to a server that is stopped.
fn stopped(setup: &Setup) -> io::Result<(Server, Peer)> {
    let server = setup.start(&[])?;
    let peer = server.connect()?;
    assert_eq!(peer.ask("27")?, CUBE_ROOT_OF_27);
    server.stop()?;
    Ok((server, peer))
}

fn are_answered(server: &Server, peer: &Peer, numbers: &[i32]) -> io::Result<()> {
    server.signal(Signal::SIGCONT)?;
    for &number in numbers {
        assert_eq!(peer.answer()?, root_of(number));
    }
    Ok(())
}

/// One byte at a time is urgent: a second one would make the first a byte like others.
pub fn bytes_behind_urgent_data_are_answered(setup: &Setup) -> io::Result<()> {
    for (before, behind) in [("27\t8", "\t64\t"), ("27\t8\t", "64\t")] {
        let (server, peer) = stopped(setup)?;
        peer.send(before)?;
        match send(peer.0.as_raw_fd(), b"!", MsgFlags::MSG_OOB) {
            Err(Errno::EOPNOTSUPP) => {
                say(format_args!("skipped: this kernel has no urgent data on Unix sockets"));
                return Ok(());
            }
            sent => sent?,
        };
        peer.send(behind)?;
        are_answered(&server, &peer, &[27, 8, 64])?;
    }
    Ok(())
}

pub fn bytes_behind_descriptors_are_answered(setup: &Setup) -> io::Result<()> {
    for (before, behind) in [("27\t8", "\t64\t"), ("27\t8\t", "64\t")] {
        let (server, peer) = stopped(setup)?;
        for _ in 0..2 {
            let descriptors = [peer.0.as_raw_fd()];
            let descriptors = [ControlMessage::ScmRights(&descriptors)];
            let bytes = [IoSlice::new(before.as_bytes())];
            sendmsg::<()>(peer.0.as_raw_fd(), &bytes, &descriptors, MsgFlags::empty(), None)?;
            peer.send(behind)?;
        }
        are_answered(&server, &peer, &[27, 8, 64, 27, 8, 64])?;
    }
    Ok(())
}
