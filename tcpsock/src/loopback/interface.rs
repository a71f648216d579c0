//! The loopback interface, which most experiments need; in a new network namespace it is down at first.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (laddr). Go: none. Man: netdevice(7).

use std::ffi::c_char;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;

use nix::libc;
use shared::linux::failure::Failure;
use socket2::{Domain, Socket, Type};

nix::ioctl_write_ptr_bad!(
    /// Sets the flags of an interface.
    set_flags,
    libc::SIOCSIFFLAGS,
    libc::ifreq
);

/// Brings it up, and 127.0.0.1 with it.
pub fn up() -> Result<(), Failure> {
    try_up().map_err(|error| Failure::CannotShow(format!("bring up the loopback interface: {error}")))
}

fn try_up() -> io::Result<()> {
    const IFF_UP: libc::c_short = 1; // An int in libc.
    let flags = libc::__c_anonymous_ifr_ifru { ifru_flags: IFF_UP };
    let request = libc::ifreq { ifr_name: name(b"lo"), ifr_ifru: flags };
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    // SAFETY: the request has a name that ends and the flags, and lives until the call returns.
    #[allow(unsafe_code, reason = "ioctl(2) takes what its number says")]
    unsafe { set_flags(socket.as_raw_fd(), &raw const request) }?;
    Ok(())
}

/// The name of an interface with the zeros that end it. `c_char` is signed on x86-64 and unsigned on aarch64.
fn name(bytes: &[u8]) -> [c_char; libc::IFNAMSIZ] {
    let mut name = [0; libc::IFNAMSIZ];
    for (place, &byte) in name[..libc::IFNAMSIZ - 1].iter_mut().zip(bytes) {
        *place = c_char::from_ne_bytes([byte]);
    }
    name
}

/// Fails where it is down: connecting a datagram socket asks for a route, and sends nothing.
pub fn needed() -> Result<(), Failure> {
    let discard = (Ipv4Addr::LOCALHOST, 9);
    let routed = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.connect(discard));
    routed.map_err(|error| Failure::CannotShow(format!("127.0.0.1 cannot be reached: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_every_byte_and_ends_with_zero_whatever_the_sign_of_c_char() {
        let bytes = |given: &[u8]| name(given).map(|char| char.to_ne_bytes()[0]);
        assert_eq!(bytes(b"lo\x80\xff")[..5], *b"lo\x80\xff\0");
        assert_eq!(bytes(&[0xe9; 20])[14..], [0xe9, 0]);
    }
}
