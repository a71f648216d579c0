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
}

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
    let mut client = Client::dial(network, address, args.dial_timeout, allowed)?;
    let deadline = Instant::now() + args.timeout;
    client.set_deadline(Some(deadline));
    out.set_deadline(deadline);
    let asked = requests::send(args.numbers.clone(), client.writer()?, deadline)?;
    if print_answers(&mut client, &asked, out)? { Ok(()) } else { Err(Failure::AlreadySaid.into()) }
}

/// Prints an answer for each request and returns whether all are cube roots. Fails if a request could not be sent.
fn print_answers(client: &mut Client, asked: &Asked, out: &mut Report) -> anyhow::Result<bool> {
    let (mut answered, mut all_are_roots) = (0, true);
    while asked.more_than(answered)? {
        let came = client.receive_some(|answer| {
            answered += 1;
            all_are_roots &= cube_root::is_root(answer);
            out.payload(answer)?;
            out.payload(b"\n")
        });
        out.flush()?;
        if !came? {
            let unanswered = asked.count() - answered;
            bail!("read {}: unexpected EOF, {unanswered} unanswered", client.remote_address());
        }
        if answered > asked.count() {
            bail!("read {}: more answers than requests", client.remote_address());
        }
    }
    Ok(all_are_roots)
}
