//! `tcpsock client`, `load` and `demo`, as a script uses them.

#![allow(clippy::unwrap_used, reason = "these are tests")]

#[path = "../../shared/tests/clogged/mod.rs"]
mod clogged;
#[path = "../../shared/tests/server/mod.rs"]
mod server;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use server::harness::{self, end_of as finish};
use server::process::{Server, Setup};

const TCPSOCK: &str = env!("CARGO_BIN_EXE_tcpsock");

fn serve() -> io::Result<Server> {
    Setup { command: "serve", network: "tcp", program: TCPSOCK }.start(&[])
}

fn tcpsock(args: &[&str]) -> Command {
    harness::command(TCPSOCK, args)
}

fn client(address: &str, args: &[&str]) -> Command {
    tcpsock(&[&["client", "--address", address], args].concat())
}

/// Exit code, stdout, stderr.
fn result(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Runs a command to its end, under the watchdog.
fn run(command: &mut Command) -> io::Result<(Option<i32>, String, String)> {
    Ok(result(finish(command.spawn()?)?))
}

/// Feeds `input` to a client's stdin and collects what it prints.
fn feed(mut client: Child, input: impl AsRef<[u8]> + Send + 'static) -> io::Result<Output> {
    let stdin = client.stdin.take();
    let feeder =
        std::thread::spawn(move || stdin.into_iter().try_for_each(|mut stdin| stdin.write_all(input.as_ref())));
    let output = finish(client)?;
    // A client that ends early leaves the rest of its input.
    let _ = feeder.join().unwrap();
    Ok(output)
}

#[test]
fn arguments_are_answered_a_line_each_and_an_error_is_exit_code_1() -> io::Result<()> {
    let server = serve()?;
    let (code, stdout, stderr) = run(&mut client(&server.address, &["27", "-8", "+5"]))?;
    let answers =
        "The cube root of 27 is 3.000000.\nThe cube root of -8 is -2.000000.\nThe cube root of 5 is 1.709976.\n";
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (Some(0), answers, ""));
    let (code, stdout, stderr) = run(&mut client(&server.address, &["abc", "99999999999"]))?;
    let answers = "'abc' is not integer!\n'99999999999' is not 32-bit integer!\n";
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (Some(1), answers, ""));
    Ok(())
}

#[test]
fn a_hundred_thousand_lines_are_answered_in_order() -> io::Result<()> {
    let server = serve()?;
    let lines = (0..100_000).map(|number| format!("{number}\n")).collect::<Vec<_>>().concat();
    let client = client(&server.address, &["--timeout", "1m"]).stdin(Stdio::piped()).spawn()?;
    let (code, stdout, stderr) = result(feed(client, lines)?);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    for (number, answer) in stdout.lines().enumerate() {
        assert!(answer.starts_with(&format!("The cube root of {number} is ")), "{answer}");
    }
    assert_eq!(stdout.lines().count(), 100_000);
    Ok(())
}

/// The server takes all requests before it answers the first; then it answers one after the other, and each has to be
/// read before the next is written: its buffers hold little.
#[test]
fn requests_wait_for_no_answer_and_answers_for_no_request() -> io::Result<()> {
    const REQUESTS: i32 = 20_000;
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    listener.set_recv_buffer_size(4096)?;
    listener.set_send_buffer_size(4096)?;
    listener.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into())?;
    listener.listen(1)?;
    let listener = TcpListener::from(listener);
    let address = listener.local_addr()?.to_string();
    let (requests, answers) = server::requests_and_answers(REQUESTS);
    let lines = requests.repeat(2).replace('\t', "\n");
    std::thread::scope(|scope| {
        let server = scope.spawn(|| -> io::Result<()> {
            let (stream, _) = listener.accept()?;
            stream.set_read_timeout(Some(server::WATCHDOG))?;
            let mut reader = BufReader::new(&stream);
            reader.read_exact(&mut vec![0; requests.len()])?;
            (&stream).write_all(answers.as_bytes())?;
            for answer in answers.split_inclusive('\t') {
                reader.read_until(b'\t', &mut Vec::new())?;
                (&stream).write_all(answer.as_bytes())?;
            }
            Ok(())
        });
        let client = client(&address, &["--timeout", "20s"]).stdin(Stdio::piped()).spawn()?;
        let (code, stdout, stderr) = result(feed(client, lines.clone())?);
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        server::assert_text(stdout.replace('\n', "\t").as_bytes(), &answers.repeat(2));
        server.join().unwrap()
    })
}

#[test]
fn a_stdout_that_takes_nothing_is_124_at_the_deadline() -> io::Result<()> {
    let server = serve()?;
    let mut client = client(&server.address, &["--timeout", "500ms"]).stdin(Stdio::piped()).spawn()?;
    let (stdin, stdout) = (client.stdin.take(), client.stdout.take());
    let lines = "27\n".repeat(100_000);
    let feeder =
        std::thread::spawn(move || stdin.into_iter().try_for_each(|mut stdin| stdin.write_all(lines.as_bytes())));
    let (code, _, stderr) = result(finish(client)?);
    assert_eq!((code, stderr.as_str()), (Some(124), "tcpsock: write stdout: i/o timeout\n"));
    drop(stdout);
    // The client ended before it had read all.
    let _ = feeder.join().unwrap();
    Ok(())
}

#[test]
fn more_answers_than_requests_are_an_error() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    std::thread::scope(|scope| {
        scope.spawn(|| -> io::Result<()> {
            let (mut stream, _) = listener.accept()?;
            stream.read_exact(&mut [0; 3])?;
            stream.write_all(b"The cube root of 27 is 3.000000.\tThe cube root of 8 is 2.000000.\t")
        });
        let (code, _, stderr) = run(&mut client(&address, &["27"]))?;
        assert_eq!((code, stderr), (Some(1), format!("tcpsock: read {address}: more answers than requests\n")));
        Ok(())
    })
}

#[test]
fn a_stdout_that_does_not_block_gets_every_answer() -> io::Result<()> {
    let server = serve()?;
    let numbers = tempfile::NamedTempFile::new()?;
    std::fs::write(&numbers, (0..20_000).map(|number| format!("{number}\n")).collect::<Vec<_>>().concat())?;
    let out = clogged::Clogged::new()?;
    let stdin = std::fs::File::open(&numbers)?;
    let mut client = client(&server.address, &["--timeout", "1m"]).stdin(stdin).stdout(out.end()?).spawn()?;
    let answers = String::from_utf8(out.read_from(&mut client)?).unwrap();
    assert_eq!(client.wait()?.code(), Some(0));
    server::assert_text(answers.replace('\n', "\t").as_bytes(), &server::requests_and_answers(20_000).1);
    Ok(())
}

/// Its second half comes only after a wait.
#[test]
fn a_stdin_that_does_not_block_is_read_to_its_end() -> io::Result<()> {
    let server = serve()?;
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    theirs.set_nonblocking(true)?;
    let stdin = std::os::fd::OwnedFd::from(theirs);
    let mut client = client(&server.address, &["--timeout", "1m"]).stdin(stdin).spawn()?;
    let mut stdout = BufReader::new(client.stdout.take().unwrap());
    for number in [8, 27] {
        writeln!(&ours, "{number}")?;
        let mut answer = String::new();
        stdout.read_line(&mut answer)?;
        assert!(answer.starts_with(&format!("The cube root of {number} is ")), "{answer}");
    }
    drop(ours);
    assert_eq!(result(finish(client)?), (Some(0), String::new(), String::new()));
    Ok(())
}

#[test]
fn a_stdout_that_was_closed_from_the_start_is_an_error_before_anything_is_asked() -> io::Result<()> {
    let server = serve()?;
    for command in [&format!("client --address {} 27", server.address), "serve --address 127.0.0.1:0", "demo"] {
        let script = format!("exec {TCPSOCK} {command} >&-");
        let output = Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).output()?;
        let error = "tcpsock: write stdout: Bad file descriptor (os error 9)\n";
        assert_eq!(result(output), (Some(1), String::new(), error.to_owned()), "{command}");
    }
    let counts = server.end_by(nix::sys::signal::Signal::SIGTERM)?;
    assert!(counts.starts_with("served connections=0 requests=0 "), "{counts}");
    Ok(())
}

#[test]
fn lines_may_end_in_crlf_and_the_last_in_nothing() -> io::Result<()> {
    let server = serve()?;
    let client = client(&server.address, &[]).stdin(Stdio::piped()).spawn()?;
    let (code, stdout, _) = result(feed(client, "27\r\n\n8")?);
    let answers = "The cube root of 27 is 3.000000.\n'' is not integer!\nThe cube root of 8 is 2.000000.\n";
    assert_eq!((code, stdout.as_str()), (Some(1), answers));
    Ok(())
}

/// Each line waits for the answer to the one before.
#[test]
fn an_answer_comes_before_the_next_line_is_there() -> io::Result<()> {
    let server = serve()?;
    let mut client = client(&server.address, &["--timeout", "1m"]).stdin(Stdio::piped()).spawn()?;
    let (mut stdin, mut stdout) = (client.stdin.take().unwrap(), BufReader::new(client.stdout.take().unwrap()));
    for number in [1, 8, 27] {
        writeln!(stdin, "{number}")?;
        let mut answer = String::new();
        stdout.read_line(&mut answer)?;
        assert!(answer.starts_with(&format!("The cube root of {number} is ")), "{answer}");
    }
    drop(stdin);
    assert_eq!(client.wait()?.code(), Some(0));
    Ok(())
}

#[test]
fn a_tab_in_a_request_is_refused() -> io::Result<()> {
    let server = serve()?;
    let (code, stdout, stderr) = run(&mut client(&server.address, &["2\t7"]))?;
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (Some(2), "", "tcpsock: request \"2\\t7\": a TAB ends a request\n")
    );
    let client = client(&server.address, &[]).stdin(Stdio::piped()).spawn()?;
    let (code, stdout, stderr) = result(feed(client, "27\n2\t7\n")?);
    assert_eq!(code, Some(1));
    assert_eq!(
        (stdout.as_str(), stderr.as_str()),
        ("The cube root of 27 is 3.000000.\n", "tcpsock: stdin, line 2: a TAB ends a request\n")
    );
    Ok(())
}

/// The lines before it are answered; then the server closes, and what it left open is said.
#[test]
fn a_request_that_is_too_long_ends_the_exchange() -> io::Result<()> {
    let server = serve()?;
    let client = client(&server.address, &[]).stdin(Stdio::piped()).spawn()?;
    let (code, stdout, stderr) = result(feed(client, format!("27\n{}\n8\n", "7".repeat(5000)))?);
    assert_eq!(code, Some(1));
    assert_eq!(stdout, "The cube root of 27 is 3.000000.\nrequest longer than 4096 bytes!\n");
    assert_eq!(stderr, format!("tcpsock: read {}: unexpected EOF, 1 unanswered\n", server.address));
    Ok(())
}

/// It ends each connection in order, and answers nothing: that is no restart.
#[test]
fn a_server_that_answers_nobody_is_given_up() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    std::thread::scope(|scope| {
        let server = scope.spawn(|| {
            (0..3).try_for_each(|_| {
                let (mut stream, _) = listener.accept()?;
                assert_eq!(stream.read(&mut [0; 64])?, 3);
                stream.shutdown(std::net::Shutdown::Write)?;
                stream.read(&mut [0; 64]).map(drop)
            })
        });
        let (code, stdout, stderr) = run(&mut client(&address, &["--reconnect", "27"]))?;
        let line = format!("tcpsock: read {address}: unexpected EOF, 1 unanswered\n");
        assert_eq!((code, stdout.as_str(), stderr), (Some(1), "", line));
        server.join().unwrap()
    })
}

#[test]
fn a_server_that_is_silent_is_124_at_the_deadline() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let start = Instant::now();
    let (code, stdout, stderr) = run(&mut client(&address, &["--timeout", "200ms", "27"]))?;
    assert!(start.elapsed() >= Duration::from_millis(200));
    assert_eq!((code, stdout, stderr), (Some(124), String::new(), format!("tcpsock: read {address}: i/o timeout\n")));
    Ok(())
}

/// The deadline is an instant: bytes now and then do not renew it.
#[test]
fn a_server_that_trickles_does_not_renew_the_deadline() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    std::thread::scope(|scope| {
        scope.spawn(|| -> io::Result<()> {
            let (mut stream, _) = listener.accept()?;
            stream.set_read_timeout(Some(Duration::from_millis(20)))?;
            // Until the client has gone: a read that gives EOF, or a write that fails.
            while !matches!(stream.read(&mut [0; 64]), Ok(0)) {
                stream.write_all(b"T")?;
            }
            Ok(())
        });
        let (code, _, stderr) = run(&mut client(&address, &["--timeout", "300ms", "27"]))?;
        assert_eq!((code, stderr), (Some(124), format!("tcpsock: read {address}: i/o timeout\n")));
        Ok(())
    })
}

#[test]
fn a_stdin_that_is_silent_is_124_at_the_deadline() -> io::Result<()> {
    let server = serve()?;
    let mut client = client(&server.address, &["--timeout", "200ms"]).stdin(Stdio::piped()).spawn()?;
    let stdin = client.stdin.take();
    let (code, stdout, stderr) = result(finish(client)?);
    drop(stdin);
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (Some(124), "", "tcpsock: read stdin: i/o timeout\n"));
    Ok(())
}

/// The backlog is full: the kernel drops the SYN, and connect(2) would wait for minutes.
#[test]
fn a_full_backlog_is_124_at_the_dial_timeout_or_the_timeout() -> io::Result<()> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into())?;
    socket.listen(0)?;
    let address = socket.local_addr()?.as_socket().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        waiting.push(stream);
    }
    let limits = ["--dial-timeout 200ms 27", "--timeout 200ms --dial-timeout 0 27", "--probe --deadline 200ms"];
    for args in limits.map(|limit| limit.split(' ').collect::<Vec<_>>()) {
        let (code, stdout, stderr) = run(&mut client(&address.to_string(), &args))?;
        let expected = (Some(124), String::new(), format!("tcpsock: dial tcp {address}: i/o timeout\n"));
        assert_eq!((code, stdout, stderr), expected, "{args:?}");
    }
    Ok(())
}

/// It was in the backlog before the peer that is answered.
#[test]
fn a_probe_finds_a_server_and_asks_nothing_of_it() -> io::Result<()> {
    let server = serve()?;
    let probed = run(client(&server.address, &["--probe"]).stdin(Stdio::piped()))?;
    assert_eq!(probed, (Some(0), String::new(), String::new()));
    assert_eq!(server.connect()?.ask("27")?, server::CUBE_ROOT_OF_27);
    let address = server.address.clone();
    let counts = server.end_by(nix::sys::signal::Signal::SIGTERM)?;
    assert_eq!(counts, "served connections=1 requests=1 timed_out=0 failed=0 cut_off=0 probes=1\n");

    let refused = format!("tcpsock: dial tcp {address}: Connection refused (os error 111)\n");
    assert_eq!(run(&mut client(&address, &["--probe"]))?, (Some(1), String::new(), refused));
    assert_eq!(run(&mut client(&address, &["--probe", "27"]))?.0, Some(2));
    Ok(())
}

#[test]
fn nobody_there_is_one_clear_line() -> io::Result<()> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let refused = format!("tcpsock: dial tcp {address}: Connection refused (os error 111)\n");
    assert_eq!(run(&mut client(&address, &["27"]))?, (Some(1), String::new(), refused.clone()));
    assert_eq!(run(&mut tcpsock(&["load", "--address", &address]))?, (Some(1), String::new(), refused));
    Ok(())
}

#[test]
fn a_server_that_closes_early_is_an_error() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    std::thread::scope(|scope| {
        scope.spawn(|| -> io::Result<()> {
            let (mut stream, _) = listener.accept()?;
            stream.read_exact(&mut [0; 5])?;
            stream.write_all(b"The cube root of 27 is 3.000000.\tThe cu")
        });
        let (code, stdout, stderr) = run(&mut client(&address, &["27", "8"]))?;
        assert_eq!((code, stdout.as_str()), (Some(1), "The cube root of 27 is 3.000000.\n"));
        assert_eq!(stderr, format!("tcpsock: read {address}: unexpected EOF in the middle of an answer\n"));
        Ok(())
    })
}

#[test]
fn a_reader_of_stdout_that_goes_away_is_no_error() -> io::Result<()> {
    let server = serve()?;
    let mut client = client(&server.address, &["--timeout", "1m"]).stdin(Stdio::piped()).spawn()?;
    let mut stdout = BufReader::new(client.stdout.take().unwrap());
    let mut stdin = client.stdin.take().unwrap();
    writeln!(stdin, "27")?;
    stdout.read_line(&mut String::new())?;
    drop(stdout);
    // It goes on until it finds that nobody reads any more.
    while writeln!(stdin, "8").is_ok() {}
    drop(stdin);
    let (code, _, stderr) = result(finish(client)?);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    Ok(())
}

#[test]
fn a_full_disk_under_stdout_is_an_error() -> io::Result<()> {
    let server = serve()?;
    for command in
        [&mut client(&server.address, &["27"]), &mut tcpsock(&["demo"]), &mut tcpsock(&["serve", "--address", ":0"])]
    {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full")?;
        let (code, _, stderr) = result(command.stdout(full).output()?);
        assert_eq!(
            (code, stderr.as_str()),
            (Some(1), "tcpsock: write stdout: No space left on device (os error 28)\n")
        );
    }
    Ok(())
}

#[test]
fn a_load_verifies_every_answer() -> io::Result<()> {
    let server = serve()?;
    let args =
        ["load", "--address", &server.address, "--connections", "20", "--depth", "7", "--duration", "200ms", "--json"];
    let (code, stdout, stderr) = run(&mut tcpsock(&args))?;
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let summary: serde_json::Value = serde_json::from_str(&stdout)?;
    assert_eq!((&summary["connections"], &summary["depth"], &summary["errors"]), (&20.into(), &7.into(), &0.into()));
    let requests = summary["requests"].as_u64().unwrap();
    assert!(requests >= 140 && requests.is_multiple_of(7), "{requests}");
    let counts = server.end_by(nix::sys::signal::Signal::SIGTERM)?;
    assert!(counts.contains(&format!("connections=20 requests={requests} ")), "{counts}");
    for key in ["requests_per_s", "p50_us", "p99_us", "p999_us"] {
        assert!(summary[key].as_f64().unwrap() > 0.0, "{key}");
        assert!(stdout.contains(&format!("\"{key}\":")));
    }
    Ok(())
}

#[test]
fn a_load_tells_a_wrong_answer() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    std::thread::scope(|scope| {
        scope.spawn(|| -> io::Result<()> {
            let (mut stream, _) = listener.accept()?;
            stream.read_exact(&mut [0; 1])?;
            stream.write_all(b"The cube root of 1 is 1.000001.\t")?;
            stream.read_to_end(&mut Vec::new()).map(drop)
        });
        let args = ["load", "--address", &address, "--connections", "1", "--duration", "100ms"];
        let (code, stdout, stderr) = run(&mut tcpsock(&args))?;
        assert_eq!(code, Some(1));
        assert!(stdout.contains(" requests=0 errors=1 "), "{stdout}");
        assert!(stderr.starts_with("tcpsock: connection 0: wrong answer: expected "), "{stderr}");
        Ok(())
    })
}

/// The server's last answer and its end come in one segment, and so with one event.
#[test]
fn a_load_sees_an_end_that_comes_with_an_answer() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    std::thread::scope(|scope| {
        let server = scope.spawn(|| -> io::Result<usize> {
            let (stream, _) = listener.accept()?;
            stream.set_read_timeout(Some(server::WATCHDOG))?;
            socket2::SockRef::from(&stream).set_tcp_cork(true)?;
            let mut stream = BufReader::new(stream);
            answer_one(&mut stream)?;
            stream.get_ref().shutdown(std::net::Shutdown::Write)?;
            stream.read_to_end(&mut Vec::new())
        });
        let start = Instant::now();
        let args = ["load", "--address", &address, "--connections", "1", "--duration", "10s"];
        let (code, stdout, stderr) = run(&mut tcpsock(&args))?;
        assert!(start.elapsed() < Duration::from_secs(5), "{stdout}");
        assert_eq!((code, stderr.as_str()), (Some(1), "tcpsock: connection 0: read: unexpected EOF\n"));
        assert!(stdout.contains(" requests=1 errors=1 "), "{stdout}");
        server.join().unwrap().map(drop)
    })
}

#[test]
fn a_load_whose_server_stops_in_order_ends_at_once_and_holds_nothing_up() -> io::Result<()> {
    let server = serve()?;
    let args = ["load", "--address", &server.address, "--connections", "50", "--duration", "25s", "--json"];
    let descriptors = format!("/proc/{}/fd", server.child.id());
    let idle = std::fs::read_dir(&descriptors)?.count();
    let load = tcpsock(&args).spawn()?;
    server.wait_until(|_| Ok(std::fs::read_dir(&descriptors)?.count() >= idle + 50))?;
    let start = Instant::now();
    let counts = server.end_by(nix::sys::signal::Signal::SIGTERM)?;
    assert!(counts.contains(" cut_off=0"), "{counts}");
    let (code, stdout, _) = result(finish(load)?);
    assert!(start.elapsed() < Duration::from_secs(4), "{stdout}");
    let summary: serde_json::Value = serde_json::from_str(&stdout)?;
    assert_eq!((code, &summary["errors"]), (Some(1), &50.into()), "{stdout}");
    Ok(())
}

/// Its backlog holds one connection, so most are still to be made when it stops.
#[test]
fn a_load_whose_server_stops_while_it_still_connects_counts_what_is_missing() -> io::Result<()> {
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    listener.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    listener.listen(0)?;
    let address = listener.local_addr()?.as_socket().unwrap().to_string();
    let args = ["load", "--address", &address, "--connections", "50", "--dial-timeout", "20s", "--json"];
    let load = tcpsock(&args).spawn()?;
    let first = listener.accept()?;
    drop((listener, first));
    let (code, stdout, stderr) = result(finish(load)?);
    let summary: serde_json::Value = serde_json::from_str(&stdout).map_err(|_| io::Error::other(stderr.clone()))?;
    assert_eq!((code, &summary["connections"], &summary["errors"]), (Some(1), &50.into(), &50.into()), "{stderr}");
    // Which of the two depends on whether the handshake in progress had reached the backlog.
    let refusals = ["Connection refused", "Connection reset by peer"].map(|why| format!(": dial tcp {address}: {why}"));
    assert!(refusals.iter().any(|refusal| stderr.contains(refusal)), "{stderr}");
    Ok(())
}

#[test]
fn a_load_does_not_divide_by_the_time_that_it_waits_for_the_dead() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    std::thread::scope(|scope| {
        scope.spawn(|| -> io::Result<()> {
            let mut stream = BufReader::new(listener.accept()?.0);
            answer_one(&mut stream)?;
            stream.read_to_end(&mut Vec::new()).map(drop)
        });
        let args = ["load", "--address", &address, "--connections", "1", "--duration", "100ms"];
        let (code, stdout, stderr) = run(&mut tcpsock(&args))?;
        assert_eq!((code, stderr.as_str()), (Some(1), "tcpsock: 1 connections still wait for answers\n"));
        assert!(stdout.contains(" requests=1 errors=1 "), "{stdout}");
        let elapsed_ms = stdout.split_once(" elapsed_ms=").unwrap().1.split(' ').next().unwrap();
        // It waits for 5 s.
        assert!(elapsed_ms.parse::<u32>().unwrap() < 5000, "{stdout}");
        Ok(())
    })
}

/// Reads a request and answers it.
fn answer_one(stream: &mut BufReader<TcpStream>) -> io::Result<()> {
    let mut request = Vec::new();
    stream.read_until(b'\t', &mut request)?;
    let number: i32 = String::from_utf8(request).unwrap().trim_end().parse().unwrap();
    let answer = format!("The cube root of {number} is {:.6}.\t", f64::from(number).cbrt());
    stream.get_ref().write_all(answer.as_bytes())
}

#[test]
fn the_demo_tells_the_whole_conversation() -> io::Result<()> {
    for clients in 1..=3 {
        let (code, stdout, stderr) = run(&mut tcpsock(&["demo", "--clients", &clients.to_string()]))?;
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        let count = |text: &str| stdout.lines().filter(|line| line.contains(text)).count();
        assert!(stdout.starts_with("Server[0]: Got listener for the server. (local address: 127.0.0.1:"));
        assert_eq!(count("Connected to server. (remote address: 127.0.0.1:"), clients);
        assert_eq!(count("Established a connection with a client application. (remote address: 127.0.0.1:"), clients);
        assert_eq!(count("The connection is closed by another side."), clients);
        for line in [
            "Sent request (written ",
            "Received request: ",
            "Sent response (written ",
            "Received response: The cube root of ",
        ] {
            assert_eq!(count(line), 5 * clients, "{line}");
        }
    }
    Ok(())
}

/// Both sides print, from threads of their own, in the order of what happened.
#[test]
fn the_demo_tells_what_happened_in_its_order() -> io::Result<()> {
    let begin = ["Server[0]: Got listener", "Client[1]: Connected", "Server[0]: Established a"];
    let round = ["Client[1]: Sent request", "Server[0]: Received request", "Server[0]: Sent response"];
    let end = [["Client[1]: Received response"; 5].as_slice(), &["Server[0]: The connection"]].concat();
    let expected = [begin.as_slice(), &[round; 5].concat(), &end].concat();
    for _ in 0..10 {
        let (_, stdout, _) = run(&mut tcpsock(&[]))?;
        let told: Vec<&str> = stdout.lines().collect();
        assert_eq!(told.len(), expected.len());
        assert!(told.iter().zip(&expected).all(|(line, start)| line.starts_with(start)), "{stdout}");
    }
    Ok(())
}

#[test]
fn without_a_command_it_is_the_demo() -> io::Result<()> {
    let (code, stdout, _) = run(&mut tcpsock(&[]))?;
    assert_eq!((code, stdout.lines().count()), (Some(0), 24));
    Ok(())
}

#[test]
fn nonsense_is_a_usage_error() -> io::Result<()> {
    for args in
        [["nonsense"].as_slice(), &["client", "--nonsense"], &["serve", "--threads", "0"], &["load", "--depth", "0"]]
    {
        let (code, stdout, stderr) = run(&mut tcpsock(args))?;
        assert_eq!((code, stdout.as_str()), (Some(2), ""));
        assert!(stderr.starts_with("tcpsock: "), "{stderr}");
    }
    Ok(())
}

#[test]
fn very_verbose_shows_each_call_with_what_it_returned() -> io::Result<()> {
    let mut server = Setup { command: "serve", network: "tcp", program: TCPSOCK }.start(&["-vv"])?;
    assert_eq!(server.connect()?.ask("27")?, server::CUBE_ROOT_OF_27);
    server.signal(nix::sys::signal::Signal::SIGTERM)?;
    assert_eq!(server.wait()?.code(), Some(0));
    let stderr = server.stderr()?;
    for what in
        ["accept(", ") = EAGAIN", "read(", ") = 3\n", "write(", ") = 33\n", "epoll_wait(", "Received request: 27\n"]
    {
        assert!(stderr.contains(what), "{what}: {stderr}");
    }
    Ok(())
}

#[test]
fn man_pages_and_completions_are_written_where_make_install_wants_them() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let places = ["man1", "bash", "zsh", "fish"].map(|name| folder.path().join(name).display().to_string());
    let (code, stdout, stderr) = run(&mut tcpsock(&["manual", &places[0], &places[1], &places[2], &places[3]]))?;
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (Some(0), "", ""));
    for file in ["man1/tcpsock.1", "man1/tcpsock-serve.1", "bash/tcpsock", "zsh/_tcpsock", "fish/tcpsock.fish"] {
        assert!(std::fs::read_to_string(folder.path().join(file))?.contains("serve"), "{file}");
    }
    assert!(
        !folder.path().join("man1/tcpsock-manual.1").exists() && !folder.path().join("man1/tcpsock-help.1").exists()
    );
    Ok(())
}
