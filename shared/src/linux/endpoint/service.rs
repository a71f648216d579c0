//! The name of a TCP port to its number.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (laddr, raddr). Go: `net.LookupPort`. Man: services(5).

use std::{fs, iter};

/// What Go knows where /etc/services is missing, as in a small container.
const WELL_KNOWN: &str = "domain 53/tcp\nftp 21/tcp\nftps 990/tcp\ngopher 70/tcp\nhttp 80/tcp\nhttps 443/tcp\n\
                          imap2 143/tcp\nimap3 220/tcp\nimaps 993/tcp\npop3 110/tcp\npop3s 995/tcp\n\
                          smtp 25/tcp\nssh 22/tcp\ntelnet 23/tcp";

/// Case does not matter, as in Go.
pub(super) fn tcp_port(name: &str) -> Option<u16> {
    // A file that cannot be read counts as missing.
    let services = fs::read("/etc/services").unwrap_or_default();
    in_services(&String::from_utf8_lossy(&services), name).or_else(|| in_services(WELL_KNOWN, name))
}

/// A line is `NAME PORT/PROTOCOL ALIAS… # COMMENT`.
fn in_services(text: &str, name: &str) -> Option<u16> {
    text.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let (first, port) = (words.next()?, words.next()?.strip_suffix("/tcp")?);
        iter::once(first).chain(words).find(|word| word.eq_ignore_ascii_case(name)).and_then(|_| port.parse().ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_found_by_its_name_or_alias_but_not_in_a_comment_or_for_another_protocol() {
        let text = "# http 1/tcp\ntftp\t69/udp\nhttp-alt 8080/udp\nhttp-alt\t\t8080/tcp webcache # www\n";
        let port = |name| in_services(text, name);
        assert_eq!(
            [port("http-alt"), port("WebCache"), port("tftp"), port("www"), port("http")],
            [Some(8080), Some(8080), None, None, None]
        );
        let well_known = |name| in_services(WELL_KNOWN, name);
        assert_eq!((well_known("HTTP"), well_known("tftp")), (Some(80), None));
    }
}
