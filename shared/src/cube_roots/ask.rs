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

/// Options of `client`, the address and the network apart.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// Requests; without any, the lines of stdin
    #[arg(value_name = "NUMBER", allow_negative_numbers = true)]
    numbers: Vec<String>,
    /// Give up connecting after so long, the name's resolution included
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = crate::harness::duration::parse)]
    dial_timeout: Duration,
    /// End the whole exchange after so long, with 124
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = crate::harness::duration::parse)]
    deadline: Duration,
}

/// Asks for each number and prints each answer; fails when one of them is an error.
///
/// Where `allowed` is not empty, a Unix socket's server that runs as none of them is not asked.
pub fn run(
    network: Network,
    address: &(impl AsRef<OsStr> + ?Sized),
    args: &Args,
    allowed: &[u32],
    out: &mut Report,
) -> anyhow::Result<()> {
    if let Some(number) = args.numbers.iter().find(|number| number.contains(char::from(DELIMITER))) {
        return Err(Failure::Usage(format!("request {number:?}: a TAB ends a request")).into());
    }
    stdout_is_open()?;
    let mut client = Client::dial(network, address, args.dial_timeout, allowed)?;
    let deadline = Instant::now() + args.deadline;
    client.set_deadline(Some(deadline));
    out.set_deadline(deadline);
    let asked = requests::send(args.numbers.clone(), client.writer()?, deadline)?;
    if print_answers(&mut client, &asked, out)? { Ok(()) } else { Err(Failure::AlreadySaid.into()) }
}

/// Prints the answers until there is one to each request, and says whether all are cube roots. Then it fails if not
/// all requests could be sent.
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
