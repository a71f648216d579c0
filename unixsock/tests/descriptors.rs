//! `unixsock pass-fd` and `credentials`: what only a Unix socket can do.

#![allow(clippy::unwrap_used, reason = "these are tests")]

#[path = "../../shared/tests/clogged/mod.rs"]
mod clogged;
#[path = "../../shared/tests/harness/mod.rs"]
mod harness;

use std::fs;
use std::io::{self, BufRead, BufReader, IoSlice, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use harness::end_of as ended;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use nix::unistd::Pid;

const UNIXSOCK: &str = env!("CARGO_BIN_EXE_unixsock");

fn unixsock(args: &[&str]) -> Command {
    harness::command(UNIXSOCK, args)
}

/// Connects as soon as somebody listens there.
fn connect(path: &Path) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(path) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                std::thread::yield_now();
            }
            result => return result,
        }
    }
}

fn until_it_listens(path: &Path) {
    while !path.exists() {
        std::thread::yield_now();
    }
}

fn send(address: &str, file: &Path) -> io::Result<Output> {
    unixsock(&["pass-fd", "send", address, file.to_str().unwrap()]).output()
}

fn receive(address: &str, command: &[&str]) -> io::Result<Child> {
    unixsock(&[&["pass-fd", "recv", address], command].concat()).spawn()
}

#[test]
fn a_file_that_has_no_name_any_more_is_read_by_the_receiver() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let (file, path) = (folder.path().join("file"), folder.path().join("socket"));
    let content: Vec<u8> = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
    fs::write(&file, &content)?;
    let receiver = receive(path.to_str().unwrap(), &[])?;
    until_it_listens(&path);
    let sent = send(path.to_str().unwrap(), &file)?;
    fs::remove_file(&file)?;
    assert_eq!((sent.status.code(), sent.stderr.as_slice()), (Some(0), b"".as_slice()));
    let output = receiver.wait_with_output()?;
    assert!(output.status.success() && output.stdout == content);
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}

#[test]
fn a_stdout_that_does_not_block_gets_the_whole_file() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let (file, path) = (folder.path().join("file"), folder.path().join("socket"));
    let content: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    fs::write(&file, &content)?;
    let out = clogged::Clogged::new()?;
    let mut receiver = unixsock(&["pass-fd", "recv", path.to_str().unwrap()]).stdout(out.end()?).spawn()?;
    until_it_listens(&path);
    assert!(send(path.to_str().unwrap(), &file)?.status.success());
    assert!(out.read_from(&mut receiver)? == content);
    assert_eq!(receiver.wait()?.code(), Some(0));
    Ok(())
}

#[test]
fn the_file_is_the_stdin_of_a_command_and_its_exit_code_ours() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let (file, path) = (folder.path().join("file"), folder.path().join("socket"));
    fs::write(&file, "one line\n")?;
    for (command, code, stdout) in [
        (["--", "cat"].as_slice(), 0, "one line\n"),
        (&["--", "sh", "-c", "exit 42"], 42, ""),
        (&["--", "/does/not/exist"], 127, ""),
        (&["--", "/"], 126, ""),
    ] {
        let receiver = receive(path.to_str().unwrap(), command)?;
        until_it_listens(&path);
        assert!(send(path.to_str().unwrap(), &file)?.status.success());
        let output = receiver.wait_with_output()?;
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(code), stdout.as_bytes()));
    }
    Ok(())
}

#[test]
fn an_open_descriptor_of_any_kind_is_passed() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let address = folder.path().join("socket").display().to_string();
    let receiver = receive(&address, &[])?;
    until_it_listens(Path::new(&address));
    let mut sender = unixsock(&["pass-fd", "send", &address, "--fd", "0"]).stdin(Stdio::piped()).spawn()?;
    sender.stdin.take().unwrap().write_all(b"through a pipe")?;
    assert_eq!(ended(sender)?.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&ended(receiver)?.stdout), "through a pipe");
    let missing = unixsock(&["pass-fd", "send", &address, "--fd", "99"]).output()?;
    let line = "unixsock: descriptor 99: Bad file descriptor (os error 9)\n";
    assert_eq!((missing.status.code(), String::from_utf8_lossy(&missing.stderr).as_ref()), (Some(2), line));
    Ok(())
}

/// The receiver has our program as its command, which serves.
#[test]
fn a_listener_is_handed_to_the_command_as_systemd_would() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let (address, path) = (folder.path().join("listener").display().to_string(), folder.path().join("socket"));
    let mut server = receive(path.to_str().unwrap(), &["--", UNIXSOCK, "serve"])?;
    until_it_listens(&path);
    let send = ["hold", "--address", &address, UNIXSOCK, "pass-fd", "send", path.to_str().unwrap(), "--fd", "3"];
    assert_eq!(unixsock(&send).output()?.status.code(), Some(0));
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line)?;
    assert_eq!(line, format!("listening unix {address}\n"));
    let asked = unixsock(&["client", "--address", &address, "27"]).output()?;
    assert_eq!(String::from_utf8_lossy(&asked.stdout), "The cube root of 27 is 3.000000.\n");
    kill(Pid::from_raw(i32::try_from(server.id()).unwrap()), Signal::SIGTERM)?;
    assert_eq!(ended(server)?.status.code(), Some(0));
    assert!(Path::new(&address).exists(), "the file is not the server's");
    Ok(())
}

/// A stranger sends two where one is expected: the second must not stay open in the command.
#[test]
fn more_descriptors_than_one_leak_nothing() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("socket");
    let receiver = receive(path.to_str().unwrap(), &["--", "sh", "-c", "ls -l /proc/$$/fd"])?;
    let stranger = connect(&path)?;
    let file = fs::File::create(folder.path().join("stranger"))?;
    let rights = [file.as_raw_fd(); 20];
    let message = [ControlMessage::ScmRights(&rights)];
    sendmsg::<()>(stranger.as_raw_fd(), &[IoSlice::new(b"x")], &message, MsgFlags::empty(), None)?;
    let output = receiver.wait_with_output()?;
    let open = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(open.lines().filter(|line| line.ends_with("/stranger")).count(), 1, "only stdin: {open}");
    Ok(())
}

#[test]
fn a_message_without_a_descriptor_is_an_error() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("socket");
    let address = path.display().to_string();
    let receiver = receive(&address, &[])?;
    connect(&path)?.write_all(b"x")?;
    let output = receiver.wait_with_output()?;
    assert_eq!(output.status.code(), Some(1));
    let line = format!("waiting unix {address}\nunixsock: receive {address}: no descriptor came with the message\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), line);
    Ok(())
}

/// Peers that have gone again, one that says nothing, another receiver that starts in vain: then the sender comes.
#[test]
fn a_receiver_waits_for_who_sends() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let (file, path) = (folder.path().join("file"), folder.path().join("socket"));
    fs::write(&file, "content")?;
    let mut receiver = receive(path.to_str().unwrap(), &[])?;
    receiver.stderr.as_mut().unwrap().read_exact(&mut b"waiting".clone())?;
    (0..3).try_for_each(|_| UnixStream::connect(&path).map(drop))?;
    let _silent = UnixStream::connect(&path)?;
    assert_eq!(receive(path.to_str().unwrap(), &[])?.wait()?.code(), Some(1));
    let sent = send(path.to_str().unwrap(), &file)?;
    assert_eq!((sent.status.code(), String::from_utf8_lossy(&sent.stderr).as_ref()), (Some(0), ""));
    let output = ended(receiver)?;
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stdout).as_ref()), (Some(0), "content"));
    Ok(())
}

#[test]
fn a_fifo_without_a_writer_is_124_for_the_sender() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let fifo = folder.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU)?;
    let (address, fifo) = (folder.path().join("socket"), fifo.to_str().unwrap());
    let sent = unixsock(&["pass-fd", "send", address.to_str().unwrap(), fifo, "--timeout", "100ms"]).spawn()?;
    let sent = ended(sent)?;
    let line = format!("unixsock: open {fifo}: i/o timeout\n");
    assert_eq!((sent.status.code(), String::from_utf8_lossy(&sent.stderr).as_ref()), (Some(124), line.as_str()));
    Ok(())
}

/// Of a file that says something and then nothing more, what came is on stdout.
#[test]
fn a_file_that_falls_silent_is_124_for_the_receiver() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let (fifo, path) = (folder.path().join("fifo"), folder.path().join("socket"));
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU)?;
    let mut writer = fs::OpenOptions::new().read(true).write(true).open(&fifo)?;
    writer.write_all(b"content")?;
    let receiver = unixsock(&["pass-fd", "recv", path.to_str().unwrap(), "--timeout", "1s"]).spawn()?;
    until_it_listens(&path);
    assert!(send(path.to_str().unwrap(), &fifo)?.status.success());
    let output = ended(receiver)?;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(124), b"content".as_slice()), "{stderr}");
    assert!(stderr.ends_with("\nunixsock: copy the received file: i/o timeout\n"), "{stderr}");
    Ok(())
}

/// The reader of stdout is a pipe that nobody reads.
#[test]
fn a_reader_that_falls_asleep_is_124_for_the_receiver() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("socket");
    let mut receiver = unixsock(&["pass-fd", "recv", path.to_str().unwrap(), "--timeout", "1s"]).spawn()?;
    let _asleep = receiver.stdout.take();
    until_it_listens(&path);
    assert!(send(path.to_str().unwrap(), Path::new("/dev/zero"))?.status.success());
    assert_eq!(ended(receiver)?.status.code(), Some(124));
    Ok(())
}

#[test]
fn nobody_comes_is_124_and_no_file_is_left() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let address = folder.path().join("socket").display().to_string();
    let waited = unixsock(&["pass-fd", "recv", &address, "--timeout", "100ms"]).output()?;
    assert_eq!(waited.status.code(), Some(124));
    assert_eq!(
        String::from_utf8_lossy(&waited.stderr),
        format!("waiting unix {address}\nunixsock: receive {address}: i/o timeout\n")
    );
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}

#[test]
fn a_receiver_that_says_nothing_is_124_for_the_sender() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("socket");
    let _silent = UnixListener::bind(&path)?;
    let address = path.display().to_string();
    let sent = unixsock(&["pass-fd", "send", &address, "/dev/null", "--timeout", "100ms"]).output()?;
    assert_eq!(sent.status.code(), Some(124));
    assert_eq!(String::from_utf8_lossy(&sent.stderr), format!("unixsock: send {address}: i/o timeout\n"));
    Ok(())
}

#[test]
fn what_cannot_be_opened_or_reached_is_one_clear_line() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let address = folder.path().join("socket").display().to_string();
    let missing = send(&address, Path::new("/does/not/exist"))?;
    let line = "unixsock: open /does/not/exist: No such file or directory (os error 2)\n";
    assert_eq!((missing.status.code(), String::from_utf8_lossy(&missing.stderr).as_ref()), (Some(1), line));
    let unreached = send(&address, Path::new("/dev/null"))?;
    let line = format!("unixsock: dial unix {address}: No such file or directory (os error 2)\n");
    assert_eq!(
        (unreached.status.code(), String::from_utf8_lossy(&unreached.stderr).as_ref()),
        (Some(1), line.as_str())
    );
    Ok(())
}

#[test]
fn ctrl_c_leaves_no_file() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("socket");
    let receiver = receive(path.to_str().unwrap(), &[])?;
    until_it_listens(&path);
    ctrl_c_ends(receiver, folder.path())
}

/// The call that makes the file returns late, when the signal has come already.
#[test]
fn ctrl_c_in_the_middle_of_bind_leaves_no_file() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("socket");
    let Some(strace) = harness::find_tool("strace") else { return Ok(()) };
    let mut traced = Command::new(strace);
    // Daemonized, strace is not between us and the receiver.
    traced.args(["--daemonize", "--follow-forks", "--output=/dev/null", "--inject=bind:delay_exit=200000", UNIXSOCK]);
    traced.args(["pass-fd", "recv", path.to_str().unwrap()]).stdin(Stdio::null()).stderr(Stdio::piped());
    let mut receiver = traced.spawn()?;
    while !path.exists() {
        if receiver.try_wait()?.is_some() {
            harness::say(format_args!("skipped: {}", io::read_to_string(receiver.stderr.take().unwrap())?));
            return Ok(());
        }
        std::thread::yield_now();
    }
    ctrl_c_ends(receiver, folder.path())
}

fn ctrl_c_ends(mut receiver: Child, and_leaves_empty: &Path) -> io::Result<()> {
    kill(Pid::from_raw(i32::try_from(receiver.id()).unwrap()), Signal::SIGINT)?;
    assert_eq!(receiver.wait()?.signal(), Some(Signal::SIGINT as i32));
    assert_eq!(fs::read_dir(and_leaves_empty)?.count(), 0);
    Ok(())
}

#[test]
fn credentials_are_those_of_the_process_that_listens() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("socket");
    let _listener = UnixListener::bind(&path)?;
    let (uid, gid) = (nix::unistd::Uid::effective(), nix::unistd::Gid::effective());
    let asked = unixsock(&["credentials", path.to_str().unwrap()]).output()?;
    let line = format!("pid={} uid={uid} gid={gid}\n", std::process::id());
    assert_eq!((asked.status.code(), String::from_utf8_lossy(&asked.stdout).as_ref()), (Some(0), line.as_str()));
    let asked = unixsock(&["credentials", path.to_str().unwrap(), "--json"]).output()?;
    let json: serde_json::Value = serde_json::from_slice(&asked.stdout)?;
    assert_eq!(json, serde_json::json!({"pid": std::process::id(), "uid": uid.as_raw(), "gid": gid.as_raw()}));
    Ok(())
}

#[test]
fn boundaries_show_what_each_read_returned() -> io::Result<()> {
    let shown = unixsock(&["boundaries"]).output()?;
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    for line in [
        r#"unix SOCK_STREAM, three writes: sent "one" "two" "three"; read "onetwothree" [claim 144]"#,
        r#"unixgram SOCK_DGRAM, three writes: sent "one" "two" "three"; read "one" "two" "three" [claim 144]"#,
        r#"unix SOCK_STREAM, reads of 3 bytes: sent "hello" "world"; read "hel" "low" "orl" "d" [claim 143]"#,
        r#"unixpacket SOCK_SEQPACKET, reads of 3 bytes: sent "hello" "world"; read "hel" (MSG_TRUNC) "wor" (MSG_TRUNC) [claim 143]"#,
        r#"unixpacket SOCK_SEQPACKET, an empty message: sent "" "after"; read "" "after" [claim 143]"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let shown = unixsock(&["boundaries", "--json"]).output()?;
    let records: Vec<serde_json::Value> = BufReader::new(shown.stdout.as_slice())
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    let queue = records.iter().find(|record| record["shows"] == "a full queue").unwrap();
    assert!(queue["sent"].as_u64().unwrap() > 0);
    assert_eq!(queue["sent"], queue["in_order"]);
    Ok(())
}

#[test]
fn the_demo_converses_over_a_path_and_leaves_nothing() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut demo = unixsock(&[]);
    let mut child = demo.env("TMPDIR", folder.path()).spawn()?;
    let mut stdout = String::new();
    child.stdout.take().unwrap().read_to_string(&mut stdout)?;
    assert_eq!(child.wait()?.code(), Some(0));
    assert!(stdout.contains("Server[0]: Got listener for the server. (local address: /"));
    assert_eq!(stdout.lines().filter(|line| line.contains("Received response: The cube root of ")).count(), 5);
    assert!(stdout.contains("unixgram SOCK_DGRAM, three writes: "));
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}
