//! A Unix socket needs no network: it works where there is none.
//!
//! Note: Socket. Go: `net.Dial("unix", …)`. Man: unix(7), network_namespaces(7).

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};

use serde::Serialize;
use shared::harness::claims::{Check, Seen};
use shared::linux::failure::Failure;
use shared::linux::namespace;
use shared::linux::readiness::Name;
use socket2::{Domain, SockAddr, Socket, Type};

pub const CHECKS: &[Check] = &[(139, sockets_need_a_network)];

/// What a byte came to that was sent to a listener on this machine.
#[derive(Serialize)]
struct Reach {
    tcp: String,
    unix: String,
}

fn reach() -> io::Result<Reach> {
    let tcp = sent_and_received(Domain::IPV4, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into());
    // With an empty path the kernel chooses a name, and there is no file.
    let unix = sent_and_received(Domain::UNIX, &SockAddr::unix("")?);
    let [tcp, unix] = [tcp, unix].map(|came| match came {
        Ok(count) => format!("received {count}"),
        Err(error) => Name(&error).to_string(),
    });
    Ok(Reach { tcp, unix })
}

fn sent_and_received(domain: Domain, address: &SockAddr) -> io::Result<usize> {
    let listener = Socket::new(domain, Type::STREAM, None)?;
    listener.bind(address)?;
    listener.listen(1)?;
    let mut client = Socket::new(domain, Type::STREAM, None)?;
    client.connect(&listener.local_addr()?)?;
    client.write_all(b"!")?;
    listener.accept()?.0.read(&mut [0; 16])
}

/// In a network of one's own even the loopback interface is down.
fn sockets_need_a_network() -> anyhow::Result<Seen> {
    let with = reach()?;
    let received = |came: &str| came == "received 1";
    if !received(&with.tcp) {
        return Err(Failure::CannotShow(format!("no network to do without: tcp {}", with.tcp)).into());
    }
    namespace::own_network()?;
    let without = reach()?;
    let told = |Reach { tcp, unix }: &Reach| format!("TCP {tcp}, Unix {unix}");
    let evidence = format!("of a byte, with a network: {}; without: {}", told(&with), told(&without));
    Ok(Seen::imprecise(!received(&without.tcp), received(&without.unix), evidence))
}
