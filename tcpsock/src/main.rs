//! Sockets over TCP and UDP: the note's section Socket, one command a file.

mod demo;
mod plain;
mod serve;
mod hold;
mod client;
mod load;
mod sockets;
mod raw;
mod udp;
mod listen;
mod connect;
mod addresses;
mod eagain;
mod read;
mod buffered;
mod close;
mod deadline;
mod concurrent;
mod bench;
mod claims;

mod address;
mod experiment;
mod loopback;
mod sleeper;
mod socket_info;

use std::process::ExitCode;

use clap::Parser;
use shared::harness::claims::Check;
use shared::harness::footer::Footer;
use shared::harness::program::{self, Options, Program};

/// Sockets over TCP and UDP, as the note's section Socket tells of them
///
/// Without a command it holds the conversation of the note's program: five cube roots, asked and answered.
#[derive(Parser)]
#[command(version)]
enum Command {
    /// The conversation of the note's program
    Demo(demo::Args),
    /// The server on one page, to be read first: until EAGAIN, and no limits
    Plain(plain::Args),
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
    /// Which sockets this kernel makes: domain, type and protocol, beside the note's tables
    Sockets(sockets::Args),
    /// Raw sockets: types, packets, and the capability that they need
    Raw(raw::Args),
    /// UDP: boundaries, truncation, both directions on one socket, loss
    Udp(udp::Args),
    /// What may be listened on, and from where it is reached
    Listen(listen::Args),
    /// How a connection comes about: before accept, from which address, and how long connect waits
    Connect(connect::Args),
    /// What an address is made of, and those of both ends
    Addresses(addresses::Args),
    /// EAGAIN of accept, read and write; partial reads, partial writes
    Eagain(eagain::Args),
    /// What a read leaves in its buffer, and when it returns
    Read(read::Args),
    /// BufStream done right and wrong
    Buffered(buffered::Args),
    /// EOF, half-close, reset; what wakes a blocked reader
    Close(close::Args),
    /// Deadlines: absolute, renewed, cancelled; the kernel's timeouts beside them; dialling
    Deadline(deadline::Args),
    /// Two clients of a server that serves one at a time, and of one that serves all
    Concurrent(concurrent::Args),
    /// Round trips and throughput of TCP and UDP, on one scale with the other programs' mechanisms
    Bench(shared::harness::bench::Args),
}

/// Examples and related pages of the commands: `%` is the program.
const FOOTERS: &[Footer] = &[
    ("demo", &["% demo --clients 3"], "% plain, % serve, % client"),
    ("plain", &["% plain --address 127.0.0.1:8085"], "% serve, tcp(7), epoll(7)"),
    ("serve", &["% serve --address :8085 --idle-timeout 2.5 -v"], "% client, % load, unixsock serve, tcp(7)"),
    ("hold", &["% hold --address :8085 -- tcpsock serve"], "% serve, systemd-socket-activate(1), sd_listen_fds(3)"),
    (
        "client",
        &["% client 27 -8", "seq 1000 | % client --address localhost:8085 --timeout 2"],
        "% serve, % load, unixsock client, connect(2)",
    ),
    ("load", &["% load --connections 100 --depth 10 --duration 5"], "% serve, unixsock load, % bench"),
    ("sockets", &["% sockets --table"], "% raw, socket(2)"),
    ("raw", &[], "% sockets, raw(7), packet(7)"),
    ("udp", &["% udp --flood 10000"], "unixsock unixgram, udp(7)"),
    ("listen", &[], "% serve, listen(2)"),
    ("connect", &["% connect --json"], "% listen, connect(2)"),
    ("addresses", &["% addresses --json"], "ip(7), ipv6(7)"),
    ("eagain", &["% eagain --network unix -vv"], "% plain, % read, epoll(7)"),
    ("read", &["% read -vv"], "% eagain, recv(2)"),
    ("buffered", &["% buffered --deadline 300ms"], "% read, % deadline"),
    ("close", &["% close --json"], "% read, shutdown(2), SO_LINGER in socket(7)"),
    ("deadline", &["% deadline --deadline 0.3"], "% buffered, SO_RCVTIMEO in socket(7)"),
    ("concurrent", &["% concurrent --timeout 5"], "% plain, accept(2)"),
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
            Command::Plain(args) => plain::run(&args, &mut options.records()),
            Command::Serve(args) => serve::run(&args, options.verbose(), &mut options.records()),
            Command::Hold(args) => hold::run(&args, &mut options.text()?),
            Command::Client(args) => client::run(&args, &mut options.text()?),
            Command::Load(args) => load::run(&args, &mut options.records()),
            Command::Sockets(args) => sockets::run(&args, &mut options.records()),
            Command::Raw(args) => raw::run(&args, &mut options.records()),
            Command::Udp(args) => args.timeout.limit(options, move |out| udp::run(&args, out)),
            Command::Listen(args) => listen::run(&args, &mut options.records()),
            Command::Connect(args) => args.timeout.limit(options, move |out| connect::run(&args, out)),
            Command::Addresses(args) => args.timeout.limit(options, move |out| addresses::run(&args, out)),
            Command::Eagain(args) => args.timeout.limit(options, move |out| eagain::run(&args, out)),
            Command::Read(args) => args.timeout.limit(options, move |out| read::run(&args, out)),
            Command::Buffered(args) => args.timeout.limit(options, move |out| buffered::run(&args, out)),
            Command::Close(args) => args.timeout.limit(options, move |out| close::run(&args, out)),
            Command::Deadline(args) => args.timeout.limit(options, move |out| deadline::run(&args, out)),
            Command::Concurrent(args) => args.timeout.limit(options, move |out| concurrent::run(&args, out)),
            Command::Bench(args) => shared::harness::bench::run(&args, &bench::MECHANISMS, &options.records()),
        }
    }
}
