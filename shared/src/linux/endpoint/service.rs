//! The name of a TCP port to its number.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (laddr, raddr). Go: `net.LookupPort`. Man: services(5).

use std::{fs, iter};

/// What Go knows where /etc/services is missing, as in a small container.
const WELL_KNOWN: [(&str, u16); 14] = [
    ("domain", 53),
    ("ftp", 21),
    ("ftps", 990),
    ("gopher", 70),
    ("http", 80),
    ("https", 443),
    ("imap2", 143),
    ("imap3", 220),
    ("imaps", 993),
    ("pop3", 110),
    ("pop3s", 995),
    ("smtp", 25),
    ("ssh", 22),
    ("telnet", 23),
];

/// Case does not matter, as in Go.
pub(super) fn tcp_port(name: &str) -> Option<u16> {
    // A file that cannot be read counts as missing.
    let services = fs::read("/etc/services").unwrap_or_default();
    in_services(&String::from_utf8_lossy(&services), name).or_else(|| well_known(name))
}

fn well_known(name: &str) -> Option<u16> {
    WELL_KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|&(_, port)| port)
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
        assert_eq!((well_known("HTTP"), well_known("tftp")), (Some(80), None));
    }
}
