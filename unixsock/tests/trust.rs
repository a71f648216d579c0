//! What other users of the machine cannot do to a server and its clients, and what starts leave behind.

#![allow(clippy::unwrap_used, reason = "these are tests")]

#[path = "../../shared/tests/nobody/mod.rs"]
mod nobody;
#[path = "../../shared/tests/server/mod.rs"]
mod server;

use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
use server::process::find_tool;
use server::say;

const UNIXSOCK: &str = env!("CARGO_BIN_EXE_unixsock");

/// A server that ends soon by itself.
fn serve(address: &Path) -> Command {
    let mut command = Command::new(UNIXSOCK);
    command.args(["serve", "--timeout", "100ms", "--address"]).arg(address).stdin(Stdio::null());
    command
}

/// Exit code and stdout; and stderr, if it did not serve.
fn said(output: &Output) -> (Option<i32>, String) {
    let text = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
    (output.status.code(), String::from_utf8_lossy(text).into_owned())
}

fn names_in(folder: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
}

/// `unixsock` under strace, which makes calls of its own fail or wait; or none, said aloud.
fn traced(options: &[&str]) -> Option<Command> {
    let strace = find_tool("strace")?;
    let tried = Command::new(&strace).args(["--output=/dev/null", "true"]).output().unwrap();
    if !tried.status.success() {
        say(format_args!("skipped: {}", String::from_utf8_lossy(&tried.stderr)));
        return None;
    }
    let mut command = Command::new(strace);
    command.args(["--follow-forks"]).args(options).arg(UNIXSOCK).stdin(Stdio::null());
    Some(command)
}

/// What it says of a path at which somebody is, in the words of the C library.
fn is_taken(path: &Path) -> String {
    format!("unixsock: bind {}: {}\n", path.display(), io::Error::from(Errno::EADDRINUSE))
}

/// A name without a file can be bound by anybody, and then by nobody else.
#[test]
fn a_start_binds_nothing_but_its_path() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let (path, calls) = (folder.path().join("socket"), folder.path().join("calls"));
    let trace = format!("--output={}", calls.display());
    let Some(mut command) = traced(&["--trace=bind", &trace]) else { return Ok(()) };
    command.args(["serve", "--timeout", "100ms", "--address"]).arg(&path);
    assert_eq!(said(&command.output()?), (Some(124), format!("listening unix {}\n", path.display())));
    let calls = fs::read_to_string(calls)?;
    assert!(calls.contains(" bind(") && calls.lines().all(|line| !line.contains("sun_path=@")), "{calls}");
    Ok(())
}

/// In a folder where all may make files, over a stale file of ours.
#[test]
fn what_others_hold_beside_a_stale_file_holds_up_no_start() -> io::Result<()> {
    for hold in [
        "exec 9< .; flock 9; echo; cat",
        "touch .socket.start-lock; exec 9< .socket.start-lock; flock 9; echo; cat",
        "mkdir .socket.start-lock; echo; cat",
        "ln -s /dev/null .socket.start-lock; echo; cat",
        "mkfifo .socket.start-lock; echo; cat",
    ] {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("socket");
        drop(UnixListener::bind(&path)?);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777))?;
        let mut holder = Command::new("sh");
        holder.args(["-c", hold]).current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = match holder.uid(65534).gid(65534).spawn() {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                say(format_args!("skipped: only who may become another can be two users"));
                return Ok(());
            }
            holder => holder?,
        };
        holder.stdout.as_mut().unwrap().read_exact(&mut [0])?;
        let output = serve(&path).output()?;
        drop(holder.stdin.take());
        holder.wait()?;
        assert_eq!(said(&output), (Some(124), format!("listening unix {}\n", path.display())), "{hold}");
        assert!(!path.exists(), "{hold}");
    }
    Ok(())
}

#[test]
fn a_file_of_the_user_by_the_name_of_the_lock_is_kept() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let (path, kept) = (folder.path().join("socket"), folder.path().join(".socket.start-lock"));
    drop(UnixListener::bind(&path)?);
    fs::write(&kept, "kept")?;
    assert_eq!(serve(&path).output()?.status.code(), Some(124));
    assert_eq!((fs::read_to_string(kept)?.as_str(), path.exists()), ("kept", false));
    Ok(())
}

/// On a fresh path and on a stale one.
#[test]
fn of_many_that_start_at_the_same_time_exactly_one_serves() -> io::Result<()> {
    for round in 0..20 {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("socket");
        if round % 2 == 0 {
            drop(UnixListener::bind(&path)?);
        }
        let start = |_| {
            let mut command = Command::new(UNIXSOCK);
            command.args(["serve", "--address", path.to_str().unwrap()]).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn()
        };
        let mut all = (0..12).map(start).collect::<io::Result<Vec<Child>>>()?;
        let (mut listening, refused) = (0, is_taken(&path));
        for server in &mut all {
            let mut line = String::new();
            BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut line)?;
            if line.is_empty() {
                assert_eq!(io::read_to_string(server.stderr.take().unwrap())?, refused);
            } else {
                listening += 1;
            }
        }
        let mut peer = UnixStream::connect(&path)?;
        peer.write_all(b"27\t")?;
        let mut answer = [0; 33];
        peer.read_exact(&mut answer)?;
        assert_eq!((listening, names_in(folder.path())?), (1, vec!["socket".into()]), "round {round}");
        all.iter_mut().try_for_each(Child::kill)?;
        all.iter_mut().try_for_each(|server| server.wait().map(drop))?;
    }
    Ok(())
}

/// One has found the file stale and is about to remove it: what the other one makes meanwhile is not removed.
#[test]
fn a_slow_replacer_takes_nothing_away_from_a_fast_one() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("socket");
    drop(UnixListener::bind(&path)?);
    let slow = ["--output=/dev/null", "--inject=unlinkat:delay_enter=300000:when=1"];
    let Some(mut slow) = traced(&slow) else { return Ok(()) };
    slow.args(["serve", "--timeout", "2s", "--address"]).arg(&path).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut slow = slow.spawn()?;
    // The stale file and the lock.
    while names_in(folder.path())?.len() < 2 && slow.try_wait()?.is_none() {
        std::thread::yield_now();
    }
    let fast = serve(&path).output()?;
    let slow = slow.wait_with_output()?;
    let (mut codes, listening) =
        ([fast.status.code(), slow.status.code()], format!("listening unix {}\n", path.display()));
    codes.sort_unstable();
    assert_eq!(codes, [Some(1), Some(124)], "{fast:?} {slow:?}");
    assert_eq!(String::from_utf8_lossy(&[fast.stdout, slow.stdout].concat()), listening);
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}

/// A socket that is bound and does not listen yet refuses connections, as one that is closed does.
#[test]
fn a_socket_that_does_not_listen_yet_is_not_stale() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("socket");
    let bound = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None)?;
    bound.bind(&socket2::SockAddr::unix(&path)?)?;
    let refused = is_taken(&path);
    assert_eq!(said(&serve(&path).output()?), (Some(1), refused));
    bound.listen(1)?;
    UnixStream::connect(&path).map(drop)
}

/// The server's own look at the path is no connection.
#[test]
fn a_start_does_not_connect_to_who_is_there() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("socket");
    let there = UnixListener::bind(&path)?;
    assert_eq!(serve(&path).output()?.status.code(), Some(1));
    there.set_nonblocking(true)?;
    assert_eq!(there.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    Ok(())
}

#[test]
fn a_socket_that_cannot_listen_leaves_no_file() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("socket");
    let Some(mut command) = traced(&["--output=/dev/null", "--inject=listen:error=EADDRINUSE"]) else { return Ok(()) };
    let output = command.args(["serve", "--timeout", "1s", "--address"]).arg(&path).output()?;
    let cause = is_taken(&path);
    assert_eq!(said(&output), (Some(1), cause));
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}

#[test]
fn a_server_in_a_folder_that_is_no_more_serves_and_leaves_no_file() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        "mkdir gone; cd gone; rmdir ../gone; exec \"$0\" serve --timeout 100ms --address ../socket",
        UNIXSOCK,
    ]);
    let output = shell.current_dir(folder.path()).stdin(Stdio::null()).output()?;
    assert_eq!(said(&output), (Some(124), "listening unix ../socket\n".to_owned()));
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}

#[test]
fn the_file_goes_from_a_folder_that_was_moved() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    fs::create_dir(&here)?;
    let mut server = serve(&here.join("socket")).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    server.stdout.as_mut().unwrap().read_exact(&mut [0])?;
    fs::rename(&here, &there)?;
    assert_eq!(server.wait()?.code(), Some(124));
    assert_eq!(fs::read_dir(there)?.count(), 0);
    Ok(())
}

const ANSWER: &str = "The cube root of 27 is 3.000000.\n";

/// Without privileges, with `folder` for temporary files and without a folder in /run/user; or none, said aloud.
fn somebody(folder: &Path) -> Option<impl Fn(&[&str]) -> Command + '_> {
    let who = nobody::command(UNIXSOCK, folder)?;
    let uid = if Uid::effective().is_root() { 65534 } else { Uid::effective().as_raw() };
    if Path::new(&format!("/run/user/{uid}")).exists() {
        say(format_args!("skipped: UID {uid} has a folder in /run/user"));
        return None;
    }
    let program = who.get_program().to_owned();
    Some(move |args: &[&str]| {
        let mut command = Command::new(&program);
        command.args(args).current_dir(folder).stdin(Stdio::null());
        command.env("TMPDIR", folder).env_remove("XDG_RUNTIME_DIR").uid(uid);
        command
    })
}

/// A server that has said that it listens, and ends soon by itself.
fn listening(mut command: Command) -> io::Result<Child> {
    let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut line = String::new();
    BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut line)?;
    assert!(line.starts_with("listening unix "), "{line}");
    Ok(server)
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap())
}

#[test]
fn without_an_address_one_user_meets_in_a_folder_of_their_own() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let Some(unixsock) = somebody(folder.path()) else { return Ok(()) };
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777))?;
    // A relative one is ignored.
    for runtime in [None, Some("."), Some("")] {
        let with = |mut command: Command| {
            runtime.map(|runtime| command.env("XDG_RUNTIME_DIR", runtime));
            command
        };
        let mut server = listening(with(unixsock(&["serve", "--timeout", "30s"])))?;
        let own = fs::read_dir(folder.path())?.find_map(|entry| entry.ok().filter(|entry| entry.path().is_dir()));
        let own = own.unwrap();
        assert!(own.file_name().to_str().unwrap().starts_with("unixsock-"));
        assert_eq!(own.metadata()?.permissions().mode() & 0o777, 0o700);
        let output = with(unixsock(&["client", "27"])).output()?;
        assert_eq!(said(&output), (Some(0), ANSWER.to_owned()), "{runtime:?}");
        kill(pid(&server), Signal::SIGTERM)?;
        assert_eq!(server.wait()?.code(), Some(0));
        assert_eq!(fs::read_dir(own.path())?.count(), 0);
    }
    Ok(())
}

/// Somebody could have made it before us, or can write in it.
#[test]
fn a_default_folder_that_others_can_enter_is_not_used() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let Some(unixsock) = somebody(folder.path()) else { return Ok(()) };
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777))?;
    assert!(unixsock(&["serve", "--timeout", "1ms"]).output()?.status.code() == Some(124));
    let own = fs::read_dir(folder.path())?.find_map(|entry| entry.ok().filter(|entry| entry.path().is_dir()));
    let own = own.unwrap().path();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o777))?;
    for args in [["serve", "--timeout=1s"], ["client", "27"], ["load", "--duration=10ms"]] {
        let (code, why) = said(&unixsock(&args).output()?);
        assert_eq!(code, Some(1), "{why}");
        assert!(why.starts_with(&format!("unixsock: {}: not a folder of ours alone (UID ", own.display())), "{why}");
        assert!(why.ends_with(", mode 0777); say --address\n"), "{why}");
    }
    Ok(())
}

/// In the folder that the variable names, whoever made it.
#[test]
fn without_an_address_no_server_of_another_user_is_asked() -> io::Result<()> {
    if !Uid::effective().is_root() {
        say(format_args!("skipped: only root can be two users"));
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let Some(unixsock) = somebody(folder.path()) else { return Ok(()) };
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777))?;
    let path = folder.path().join("unixsock.sock");
    let at_default = |args: &[&str]| {
        let mut command = unixsock(args);
        command.env("XDG_RUNTIME_DIR", folder.path());
        command
    };
    let mut other = at_default(&["serve", "--timeout", "3s"]);
    let mut other = listening(std::mem::replace(other.uid(65533), Command::new("true")))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777))?;
    let why = format!("unixsock: dial unix {}: the server runs as UID 65533 (PID {})\n", path.display(), other.id());
    for args in [["client", "27"], ["load", "--duration=10ms"]] {
        assert_eq!(said(&at_default(&args).output()?), (Some(1), why.clone()));
    }
    // Whoever says where has chosen it.
    let asked = unixsock(&["client", "--address", path.to_str().unwrap(), "27"]).output()?;
    assert_eq!(said(&asked), (Some(0), ANSWER.to_owned()));
    other.kill()?;
    other.wait()?;
    fs::remove_file(&path)?;
    let mut root = at_default(&["serve", "--timeout", "1s"]);
    let mut root = listening(std::mem::replace(root.uid(0), Command::new("true")))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777))?;
    assert_eq!(said(&at_default(&["client", "27"]).output()?), (Some(0), ANSWER.to_owned()));
    root.wait().map(drop)
}

/// Its stdout is a pipe that nobody reads: it is in the middle of the conversation when the signal comes.
#[test]
fn whatever_ends_the_demo_leaves_no_file() -> io::Result<()> {
    for signal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGKILL] {
        let folder = tempfile::tempdir()?;
        let mut demo = Command::new("sh");
        demo.args(["-c", "ulimit -c 0; exec \"$0\" demo --clients 300", UNIXSOCK])
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut demo = demo.spawn()?;
        demo.stdout.as_mut().unwrap().read_exact(&mut b"Server[0]: Got listener".clone())?;
        kill(pid(&demo), signal)?;
        assert_eq!(demo.wait()?.signal(), Some(signal as i32));
        let end = Instant::now() + server::WATCHDOG;
        while fs::read_dir(folder.path())?.count() > 0 {
            assert!(Instant::now() < end, "{signal}");
            std::thread::yield_now();
        }
    }
    Ok(())
}

#[test]
fn paths_that_are_not_utf8_are_used_as_they_are() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let own = folder.path().join(OsStr::from_bytes(b"\xff\xfe"));
    fs::create_dir(&own)?;
    let (path, file) = (own.join(OsStr::from_bytes(b"socket\xfd")), own.join(OsStr::from_bytes(b"file\xfc")));
    let mut server = listening(std::mem::replace(serve(&path).arg("--timeout=1s"), Command::new("true")))?;
    assert_eq!(names_in(&own)?, [path.file_name().unwrap()]);
    let ask = |args: &[&str]| Command::new(UNIXSOCK).args(args).arg(&path).output();
    assert_eq!(said(&ask(&["client", "27", "--address"])?), (Some(0), ANSWER.to_owned()));
    assert_eq!(ask(&["load", "--duration", "10ms", "--address"])?.status.code(), Some(0));
    assert!(said(&ask(&["credentials"])?).1.starts_with(&format!("pid={} ", server.id())));
    assert_eq!(server.wait()?.code(), Some(124));

    fs::write(&file, "content")?;
    let mut receiver = Command::new(UNIXSOCK);
    receiver.args(["pass-fd", "recv"]).arg(&path).args(["--", "cat"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut receiver = receiver.spawn()?;
    receiver.stderr.as_mut().unwrap().read_exact(&mut b"waiting".clone())?;
    let sent = Command::new(UNIXSOCK).args(["pass-fd", "send"]).arg(&path).arg(&file).output()?;
    assert_eq!(said(&sent), (Some(0), String::new()));
    assert_eq!(receiver.wait_with_output()?.stdout, b"content");

    fs::remove_file(&file)?;
    let demo = Command::new(UNIXSOCK).arg("demo").env("TMPDIR", &own).output()?;
    assert_eq!(demo.status.code(), Some(0), "{demo:?}");
    assert_eq!(fs::read_dir(&own)?.count(), 0);
    Ok(())
}
