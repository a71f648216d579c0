//! A restart without downtime: the next server starts before the last one ends, on a listener that both share.

use std::io::{self, BufRead, BufReader, Error, ErrorKind, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use tempfile::TempDir;

use super::harness::{self, text};
use super::process::Setup;
use super::{CUBE_ROOT_OF_27, Peer, WATCHDOG, assert_text, root_of};

/// A restart for each line on stdin. Whoever has said `listening` serves, so the last one may end.
const SCRIPT: &str = r#"
    mkfifo "$1"
    while read -r restart; do
        "$0" serve --listen-fd 3 --timeout 60s > "$1" &
        next=$!
        read -r line < "$1"
        echo "$line"
        [ -z "$last" ] || { kill "$last" && wait "$last" || exit; }
        last=$next
    done
    kill "$last" && wait "$last"
"#;

const RESTARTS: usize = 10;

/// The script, which has the listener.
struct Held {
    child: Child,
    restarts: ChildStdin,
    lines: BufReader<ChildStdout>,
    /// What each server says.
    listening: String,
    _folder: TempDir,
}

impl Held {
    fn start(setup: &Setup) -> io::Result<Held> {
        let folder = tempfile::tempdir()?;
        let (address, fifo) = (setup.address_in(folder.path()), folder.path().join("ready").display().to_string());
        let options = ["--network", setup.network, "--address", &address];
        let script = ["sh", "-c", SCRIPT, setup.program, &fifo];
        let mut command = harness::command(setup.program, &[&["hold"], options.as_slice(), &script].concat());
        let mut child = command.stdin(Stdio::piped()).spawn()?;
        let (restarts, lines) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut held = Held { child, restarts, lines, listening: String::new(), _folder: folder };
        held.listening = held.next_server()?;
        Ok(held)
    }

    fn next_server(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.restarts.write_all(b"restart\n")?;
        self.lines.read_line(&mut line)?;
        Ok(line)
    }

    fn address(&self) -> String {
        self.listening.trim_end().rsplit_once(' ').unwrap().1.to_owned()
    }

    /// Restarts it, each time after another 1000 `answers`.
    fn restart_under_load(&mut self, answers: &Receiver<()>) -> io::Result<()> {
        for _ in 0..RESTARTS {
            await_answers(answers)?;
            assert_eq!(self.next_server()?, self.listening);
        }
        await_answers(answers)
    }

    /// Ends the last server. All of them have ended in order, and none saw a reset.
    fn end(self) -> io::Result<()> {
        drop(self.restarts);
        let output = harness::end_of(self.child)?;
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        let in_order = |line: &&str| line.contains(" timed_out=0 failed=0 cut_off=0 ");
        assert_eq!(said.lines().filter(in_order).count(), RESTARTS + 1, "{said}");
        Ok(())
    }
}

fn await_answers(answers: &Receiver<()>) -> io::Result<()> {
    while answers.try_recv().is_ok() {}
    (0..1000).try_for_each(|_| answers.recv_timeout(WATCHDOG).map_err(Error::other))
}

pub fn no_client_is_refused_or_reset_at_a_restart(setup: &Setup) -> io::Result<()> {
    let mut held = Held::start(setup)?;
    let (address, done, (answered, answers)) = (held.address(), AtomicBool::new(false), mpsc::channel());
    let connect = || Peer::connect(setup.network, &address);
    let ask = |answered: Sender<()>| ask_until(&done, &answered, connect);
    let ends: usize = thread::scope(|scope| {
        let clients = (0..100).map(|_| answered.clone());
        let clients: Vec<_> = clients.map(|answered| scope.spawn(|| ask(answered))).collect();
        let restarted = held.restart_under_load(&answers);
        done.store(true, SeqCst);
        let ends: io::Result<usize> = clients.into_iter().map(|client| client.join().unwrap()).sum();
        restarted.and(ends)
    })?;
    assert!(ends > RESTARTS, "{ends} connections ended");
    held.end()
}

/// Where a connection ends in order, without an answer, asks again on another one. Returns how often that was.
fn ask_until(done: &AtomicBool, answered: &Sender<()>, connect: impl Fn() -> io::Result<Peer>) -> io::Result<usize> {
    let (mut peer, mut ends) = (connect()?, 0);
    while !done.load(SeqCst) {
        if is_answered(&peer)? {
            let _ = answered.send(());
        } else {
            (peer, ends) = (connect()?, ends + 1);
        }
    }
    Ok(ends)
}

/// False if the connection ended before any part of the answer came.
fn is_answered(peer: &Peer) -> io::Result<bool> {
    peer.send("27\t")?;
    let mut answer = peer.record()?;
    while !answer.is_empty() && !answer.ends_with(b"\t") {
        match peer.record()? {
            more if more.is_empty() => return Err(Error::new(ErrorKind::UnexpectedEof, text(&answer))),
            more => answer.extend(more),
        }
    }
    if !answer.is_empty() {
        assert_text(&answer, &format!("{CUBE_ROOT_OF_27}\t"));
    }
    Ok(!answer.is_empty())
}

pub fn a_client_that_reconnects_gets_every_answer_once(setup: &Setup) -> io::Result<()> {
    let mut held = Held::start(setup)?;
    let address = held.address();
    let options = ["client", "--network", setup.network, "--address", &address, "--reconnect", "--deadline", "60s"];
    let mut client = harness::command(setup.program, &options).stdin(Stdio::piped()).spawn()?;
    let (mut requests, lines) = (client.stdin.take().unwrap(), client.stdout.take().unwrap());
    let (done, (answered, answers)) = (AtomicBool::new(false), mpsc::channel());
    let (asked, unanswered) = mpsc::sync_channel(1000);
    thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let (asked, mut numbers) = (asked, (0..).take_while(|_| !done.load(SeqCst)));
            let sent = numbers.try_for_each(|number| {
                asked.send(number).map_err(Error::other)?;
                writeln!(requests, "{number}")
            });
            drop(requests);
            sent
        });
        let checking = scope.spawn(move || {
            let mut lines = BufReader::new(lines).lines();
            for number in unanswered {
                assert_eq!(lines.next().transpose()?, Some(root_of(number)));
                let _ = answered.send(());
            }
            lines.next().map_or(Ok(()), |line| Err(Error::other(format!("one answer too many: {line:?}"))))
        });
        let restarted = held.restart_under_load(&answers);
        done.store(true, SeqCst);
        checking.join().unwrap().and(asking.join().unwrap()).and(restarted)
    })?;
    let output = harness::end_of(client)?;
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    held.end()
}
