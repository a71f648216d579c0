//! The command `client`: requests from the arguments or from stdin, one answer a line.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (Dial). Go: `net.DialTimeout`, `net.Conn.SetDeadline`, `bufio.Scanner`.

mod requests;

use std::ffi::OsStr;
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::cube_roots::client::Client;
use crate::cube_roots::cube_root;
use crate::cube_roots::framing::DELIMITER;
use crate::harness::report::Report;
use crate::linux::failure::Failure;
use crate::linux::network::Network;
use crate::linux::stdio::stdout_is_open;
use requests::Asked;

/// Options of `client`, except address and network.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// Requests; without any, the lines of stdin
    #[arg(value_name = "NUMBER", allow_negative_numbers = true)]
    numbers: Vec<String>,
    /// Give up connecting after this time, name resolution included (0: never)
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = crate::harness::duration::limit)]
    dial_timeout: Duration,
    /// Give up after this time (0: never)
    #[arg(
        long,
        alias = "deadline",
        value_name = "DURATION",
        default_value = "5s",
        value_parser = crate::harness::duration::limit
    )]
    timeout: Duration,
    /// Only find out whether somebody is there: connect within that limit, and send nothing
    #[arg(long, conflicts_with_all = ["numbers", "dial_timeout"])]
    probe: bool,
    /// Where the server ends the connection in order, as at a restart, connect again and ask what it has not answered
    #[arg(long)]
    reconnect: bool,
}

/// Whoever ends this number of connections one after the other, without an answer, does not restart.
const IN_VAIN: u32 = 3;

/// Sends each request and prints each answer; fails if any answer is an error.
///
/// Unless `allowed` is empty, the server of a Unix socket must run as one of these users, or it is sent nothing.
pub fn run(
    network: Network,
    address: &(impl AsRef<OsStr> + ?Sized),
    args: &Args,
    allowed: &[u32],
    out: &mut Report,
) -> anyhow::Result<()> {
    if args.probe {
        return Client::dial(network, address, args.timeout, allowed).map(drop);
    }
    if let Some(number) = args.numbers.iter().find(|number| number.contains(char::from(DELIMITER))) {
        return Err(Failure::Usage(format!("request {number:?}: a TAB ends a request")).into());
    }
    stdout_is_open()?;
    let deadline = Instant::now() + args.timeout;
    let left = || deadline.saturating_duration_since(Instant::now());
    let dial = || Client::dial(network, address, args.dial_timeout.min(left()), allowed);
    let mut client = dial()?;
    client.set_deadline(Some(deadline));
    out.set_deadline(deadline);
    let asked = requests::ask(args.numbers.clone(), client.writer()?, deadline)?;
    let mut answers = Answers { count: 0, all_are_roots: true };
    let mut in_vain = 0;
    loop {
        let before = answers.count;
        if answers.print(&mut client, &asked, out)? {
            break;
        }
        in_vain = if answers.count == before { in_vain + 1 } else { 0 };
        if !args.reconnect || in_vain == IN_VAIN {
            let unanswered = asked.count() - answers.count;
            bail!("read {}: unexpected EOF, {unanswered} unanswered", client.remote_address());
        }
        client = dial()?;
        client.set_deadline(Some(deadline));
        asked.go_on_with(client.writer()?)?;
    }
    if answers.all_are_roots { Ok(()) } else { Err(Failure::AlreadySaid.into()) }
}

/// Those that have been printed.
struct Answers {
    count: usize,
    all_are_roots: bool,
}

impl Answers {
    /// Prints until each request has its answer, or else the server has ended the connection in order: false.
    fn print(&mut self, client: &mut Client, asked: &Asked, out: &mut Report) -> anyhow::Result<bool> {
        while asked.more_than(self.count)? {
            let came = client.receive_some(|answer| {
                self.count += 1;
                self.all_are_roots &= cube_root::is_root(answer);
                out.payload(answer)?;
                out.payload(b"\n")
            });
            out.flush()?;
            if !came? {
                return Ok(false);
            }
            if self.count > asked.count() {
                bail!("read {}: more answers than requests", client.remote_address());
            }
        }
        Ok(true)
    }
}
