//! The command `client`: requests from the arguments or from stdin, one answer a line.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯 (Dial). Go: `net.DialTimeout`, `net.Conn.SetDeadline`, `bufio.Scanner`.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read, Stdin};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::cube_roots::client::Client;
use crate::cube_roots::cube_root;
use crate::cube_roots::framing::DELIMITER;
use crate::harness::report::{Failure, Report};
use crate::linux::network::Network;
use crate::linux::readiness::{await_readable, is_timeout, restart};

/// So many requests, and so many bytes of them, are sent before their answers are read: they fit into the
/// kernel's buffer, even if each is a record with a record's overhead. Were there no bound, we would wait
/// for a server to read that waits for us to read.
const WINDOW: usize = 128;
const WINDOW_BYTES: usize = 16 << 10;

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
    let client = Client::dial(network, address, args.dial_timeout, allowed)?;
    let deadline = Instant::now() + args.deadline;
    let mut exchange = Exchange { client, out, outstanding: 0, outstanding_bytes: 0, errors: false };
    exchange.client.set_deadline(Some(deadline));
    if args.numbers.is_empty() {
        exchange.ask_lines(BufReader::new(DeadlineStdin { stdin: io::stdin(), deadline }))?;
    } else {
        args.numbers.iter().try_for_each(|number| exchange.ask(number.as_bytes()))?;
    }
    exchange.collect()?;
    if exchange.errors { Err(Failure::AlreadySaid.into()) } else { Ok(()) }
}

struct Exchange<'a> {
    client: Client,
    out: &'a mut Report,
    outstanding: usize,
    outstanding_bytes: usize,
    errors: bool,
}

impl Exchange<'_> {
    /// One request a line. While the next line is not here yet, the answers are fetched: whoever types
    /// or writes the lines may wait for them.
    fn ask_lines(&mut self, mut lines: BufReader<DeadlineStdin>) -> anyhow::Result<()> {
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            match lines.read_until(b'\n', &mut line) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if is_timeout(&error) => {
                    return Err(Failure::Deadline("read stdin: i/o timeout".into()).into());
                }
                Err(error) => return Err(error).context("read stdin"),
            }
            let request = line.strip_suffix(b"\n").unwrap_or(&line);
            let request = request.strip_suffix(b"\r").unwrap_or(request);
            if request.contains(&DELIMITER) {
                self.collect()?;
                bail!("stdin, line {number}: a TAB ends a request");
            }
            self.ask(request)?;
            if !lines.buffer().contains(&b'\n') {
                self.collect()?;
            }
        }
        Ok(())
    }

    fn ask(&mut self, request: &[u8]) -> anyhow::Result<()> {
        if self.outstanding == WINDOW || self.outstanding_bytes + request.len() > WINDOW_BYTES {
            self.collect()?;
        }
        self.outstanding_bytes += self.client.send(request)?;
        self.outstanding += 1;
        Ok(())
    }

    /// Sends what is queued, and prints the answers to all that was sent.
    fn collect(&mut self) -> anyhow::Result<()> {
        self.client.flush()?;
        while self.outstanding > 0 {
            let Some(mut answer) = self.client.receive()? else {
                self.out.flush()?;
                bail!("read {}: unexpected EOF, {} unanswered", self.client.remote_address(), self.outstanding);
            };
            self.outstanding -= 1;
            self.errors |= !cube_root::is_root(&answer);
            answer.push(b'\n');
            self.out.payload(&answer)?;
        }
        self.outstanding_bytes = 0;
        self.out.flush()
    }
}

/// Stdin that fails once the deadline has passed. It may be anything, so it is never made non-blocking.
struct DeadlineStdin {
    stdin: Stdin,
    deadline: Instant,
}

impl Read for DeadlineStdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        await_readable(&self.stdin, self.deadline)?;
        restart(|| self.stdin.lock().read(buffer))
    }
}
