//! Sockets of the Unix domain: the note's section Socket over a path, one command a file.

mod demo;
mod serve;
mod hold;
mod client;
mod load;
mod boundaries;
mod names;
mod unixgram;
mod pass_fd;
mod credentials;
mod bench;
mod claims;

mod address;
mod meeting_place;

use std::process::ExitCode;

use clap::Parser;
use shared::harness::claims::Check;
use shared::harness::footer::Footer;
use shared::harness::program::{self, Options, Program};

/// Sockets of the Unix domain, as the note's section Socket tells of them
///
/// Without a command it holds the conversation of the note's program over a path, and shows what becomes of
/// three messages on each type of socket.
#[derive(Parser)]
#[command(version)]
enum Command {
    /// The conversation of the note's program over a path
    Demo(demo::Args),
    /// A server of cube roots
    ///
    /// It ends in order by SIGINT, SIGTERM or SIGHUP, with 0, and by `--timeout`, with 124. Where NOTIFY_SOCKET is set, it
    /// tells systemd when it listens, and when it is about to end.
    Serve(serve::Args),
    /// Listen, then become a command that has the listener: servers come and go, and nobody is refused
    Hold(hold::Args),
    /// A client: numbers from the arguments or from stdin, one answer a line
    Client(client::Args),
    /// A load for a server: many connections, every answer verified
    Load(load::Args),
    /// Stream, datagram and seqpacket side by side: what one read returns
    Boundaries(boundaries::Args),
    /// A path, a name without a file; and neither needs a network
    Names(names::Args),
    /// Datagrams that are dialled, and cannot be answered
    Unixgram(unixgram::Args),
    /// An open file travels to another process (SCM_RIGHTS)
    PassFd(pass_fd::Args),
    /// Who is at the other end: PID, UID and GID (SO_PEERCRED)
    Credentials(credentials::Args),
    /// Round trips and throughput of Unix sockets, on one scale with the other programs' mechanisms
    Bench(shared::harness::bench::Args),
}

/// Examples and related pages of the commands: `%` is the program.
const FOOTERS: &[Footer] = &[
    ("demo", &["% demo --clients 3"], "% serve, % client, tcpsock demo"),
    ("serve", &["% serve --address ./socket --grace 10 -v"], "% client, % load, tcpsock serve, unix(7)"),
    ("hold", &["% hold --address ./socket -- unixsock serve"], "% serve, systemd-socket-activate(1), sd_listen_fds(3)"),
    (
        "client",
        &["% client 27 -8", "seq 1000 | % client --address ./socket --timeout 2"],
        "% serve, % load, tcpsock client, unix(7)",
    ),
    ("load", &["% load --connections 100 --depth 10 --duration 5"], "% serve, tcpsock load, % bench"),
    ("boundaries", &[], "tcpsock udp, socketpair(2)"),
    ("names", &[], "% serve, unix(7)"),
    ("unixgram", &[], "tcpsock udp, unix(7)"),
    (
        "pass-fd",
        &["% pass-fd recv @desk -- wc -l & % pass-fd send @desk /etc/passwd"],
        "% credentials, SCM_RIGHTS in unix(7)",
    ),
    (
        "pass-fd send",
        &["% pass-fd send @desk /etc/passwd", "% pass-fd send @desk --fd 0 < /etc/passwd"],
        "% pass-fd recv, open(2)",
    ),
    (
        "pass-fd recv",
        &["% pass-fd recv @desk > copy", "% pass-fd recv @desk -- wc -l", "% pass-fd recv @desk -- tcpsock serve"],
        "% pass-fd send, % hold, sd_listen_fds(3)",
    ),
    ("credentials", &["% credentials /run/systemd/private --timeout 0.5"], "% pass-fd, SO_PEERCRED in unix(7)"),
];

fn main() -> ExitCode {
    program::main::<Command>()
}

impl Program for Command {
    const CHECKS: &'static [&'static [Check]] = claims::CHECKS;

    const MECHANISMS: &'static [shared::harness::bench::Mechanism] = &bench::MECHANISMS;

    const FOOTERS: &'static [Footer] = FOOTERS;

    fn run(self, options: Options) -> anyhow::Result<()> {
        match self {
            Command::Demo(args) => demo::run(&args, &mut options.text()?),
            Command::Serve(args) => serve::run(&args, options.verbose(), &mut options.records()),
            Command::Hold(args) => hold::run(&args, &mut options.text()?),
            Command::Client(args) => client::run(&args, &mut options.text()?),
            Command::Load(args) => load::run(&args, &mut options.records()),
            Command::Boundaries(args) => boundaries::run(&args, &mut options.records()),
            Command::Names(args) => names::run(&args, &mut options.records()),
            Command::Unixgram(args) => unixgram::run(&args, &mut options.records()),
            Command::PassFd(args) => pass_fd::run(&args, &mut options.text()?),
            Command::Credentials(args) => credentials::run(&args, &mut options.records()),
            Command::Bench(args) => shared::harness::bench::run(&args, &bench::MECHANISMS, &options.records()),
        }
    }
}
