//! `make`, `send` and `recv` as a script uses them.

#![allow(
    clippy::unwrap_used,
    clippy::zombie_processes,
    reason = "a test that fails early ends with its children: all end by themselves"
)]

mod common;

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;

use common::{Bench, Result, all_bytes, code, errors, signal, text};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc::SYS_write;
use nix::sys::signal::Signal;

#[test]
fn make_gives_the_mode_asked_for_whatever_the_umask() -> Result {
    let bench = Bench::new();
    let output = bench.shell(r#"umask 077; "$PROGRAM" make -m 644 exact && "$PROGRAM" make masked"#);
    assert_eq!((code(&output), errors(&output)), (Some(0), String::new()));
    let mode = |name: &str| fs::metadata(bench.path(name)).map(|file| file.permissions().mode() & 0o7777);
    assert_eq!((mode("exact")?, mode("masked")?), (0o644, 0o600));
    assert!(fs::metadata(bench.path("exact"))?.file_type().is_fifo());
    Ok(())
}

#[test]
fn make_leaves_what_exists_untouched() -> Result {
    let bench = Bench::new();
    fs::write(bench.path("file"), "here")?;
    let output = bench.program(&["make", "file"]);
    assert_eq!(
        (code(&output), errors(&output).as_str()),
        (Some(1), "fifo-demo: mkfifo file: File exists (os error 17)\n")
    );
    assert_eq!(fs::read(bench.path("file"))?, b"here");
    Ok(())
}

#[test]
fn send_and_recv_keep_every_byte() -> Result {
    let bench = Bench::with_fifo();
    fs::write(bench.path("source"), all_bytes())?;
    let send = bench.start(&["send", "p", "source"]);
    let recv = bench.program(&["recv", "p", "--tee", "one", "--tee", "two"]);
    let send = send.wait_with_output()?;
    assert_eq!((code(&send), code(&recv)), (Some(0), Some(0)));
    assert!(recv.stdout == all_bytes());
    assert!(fs::read(bench.path("one"))? == all_bytes());
    assert!(fs::read(bench.path("two"))? == all_bytes());
    assert_eq!([errors(&send), errors(&recv)], ["", ""]);
    Ok(())
}

#[test]
fn send_without_a_stdin_does_not_send_nothing() {
    let bench = Bench::with_fifo();
    let output = bench.shell(r#"exec "$PROGRAM" send p --timeout 10s <&-"#);
    let error = "fifo-demo: read stdin: Bad file descriptor (os error 9)\n";
    assert_eq!((code(&output), errors(&output).as_str()), (Some(1), error));
}

#[test]
fn recv_without_a_stdout_takes_nothing_from_the_fifo() {
    let bench = Bench::with_fifo();
    let output = bench.shell(r#"exec "$PROGRAM" recv p --timeout 10s >&-"#);
    let error = "fifo-demo: write stdout: Bad file descriptor (os error 9)\n";
    assert_eq!((code(&output), errors(&output).as_str()), (Some(1), error));
}

#[test]
fn cat_and_tee_can_be_the_other_side() -> Result {
    let bench = Bench::with_fifo();
    fs::write(bench.path("source"), all_bytes())?;
    let cat = bench.shell_start("cat source > p");
    assert!(bench.program(&["recv", "p"]).stdout == all_bytes());
    assert!(cat.wait_with_output()?.status.success());
    let tee = bench.shell_start("tee copy < p > screen");
    let send = bench.shell(r#"cat source | "$PROGRAM" send p"#);
    assert_eq!(code(&send), Some(0));
    assert!(tee.wait_with_output()?.status.success());
    assert!(fs::read(bench.path("screen"))? == all_bytes());
    assert!(fs::read(bench.path("copy"))? == all_bytes());
    Ok(())
}

#[test]
fn a_writer_with_nothing_to_say_is_an_end() -> Result {
    let bench = Bench::with_fifo();
    let writer = bench.shell_start(": > p");
    let recv = bench.program(&["recv", "p", "--tee", "copy"]);
    assert_eq!((code(&recv), recv.stdout.len(), fs::read(bench.path("copy"))?.len()), (Some(0), 0, 0));
    assert!(writer.wait_with_output()?.status.success());
    Ok(())
}

#[test]
fn send_that_waits_in_vain_ends_with_124() {
    let bench = Bench::with_fifo();
    let send = bench.program(&["send", "p", "--timeout", "50ms"]);
    assert_eq!(code(&send), Some(124));
    assert_eq!(errors(&send), "fifo-demo: wait for a reader of p: --timeout 50ms passed\n");
}

#[test]
fn another_side_that_moves_nothing_is_not_waited_for_without_end() -> Result {
    let bench = Bench::with_fifo();
    fs::write(bench.path("source"), all_bytes())?;
    let _both = OpenOptions::new().read(true).write(true).open(bench.path("p"))?;
    let recv = bench.program(&["recv", "p", "--timeout", "50ms"]);
    let send = bench.program(&["send", "p", "source", "--timeout", "50ms"]);
    assert_eq!((code(&recv), code(&send)), (Some(124), Some(124)));
    assert_eq!(errors(&send), "fifo-demo: wait for room in p, whose reader reads nothing: --timeout 50ms passed\n");
    Ok(())
}

#[test]
fn what_is_no_fifo_is_left_untouched() -> Result {
    let bench = Bench::new();
    fs::write(bench.path("file"), "here")?;
    for args in [["send", "file"], ["recv", "file"]] {
        let output = bench.program(&args);
        assert_eq!((code(&output), errors(&output).as_str()), (Some(1), "fifo-demo: open file: not a FIFO\n"));
    }
    let recv = bench.program(&["recv", "missing", "--tee", "copy"]);
    assert_eq!(errors(&recv), "fifo-demo: open missing: No such file or directory (os error 2)\n");
    assert_eq!(fs::read(bench.path("file"))?, b"here");
    assert!(!bench.path("copy").exists());
    Ok(())
}

#[test]
fn keep_open_outlives_writers_and_a_signal_ends_it_without_loss() -> Result {
    let bench = Bench::with_fifo();
    let recv = bench.start(&["recv", "p", "--keep-open", "--tee", "copy"]);
    for line in ["one", "two", "three"] {
        assert!(bench.shell(&format!("echo {line} > p")).status.success());
    }
    signal(&recv, Signal::SIGTERM);
    let recv = recv.wait_with_output()?;
    assert_eq!((code(&recv), text(&recv).as_str()), (Some(0), "one\ntwo\nthree\n"));
    assert_eq!(fs::read(bench.path("copy"))?, b"one\ntwo\nthree\n");
    Ok(())
}

#[test]
fn a_signal_loses_nothing_that_is_still_in_the_fifo() -> Result {
    let bench = Bench::with_fifo();
    let recv = bench.start(&["recv", "p", "--keep-open"]);
    let fifo = OpenOptions::new().write(true).open(bench.path("p"))?;
    fcntl(&fifo, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    // Nobody reads its stdout yet: it sleeps in write(2), and the FIFO fills up behind it.
    let call = format!("/proc/{}/syscall", recv.id());
    let (bytes, mut written) = (all_bytes(), 0);
    loop {
        let asleep = fs::read_to_string(&call)?.starts_with(&format!("{SYS_write} "));
        match (&fifo).write(&bytes[written..]) {
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock && asleep => break,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    signal(&recv, Signal::SIGTERM);
    let recv = recv.wait_with_output()?;
    assert_eq!(code(&recv), Some(0));
    assert!(recv.stdout == bytes[..written]);
    Ok(())
}

#[test]
fn recv_ends_when_the_reader_of_its_stdout_goes_though_the_writer_is_silent() -> Result {
    let bench = Bench::with_fifo();
    let mut recv = bench.start(&["recv", "p", "--timeout", "0s"]);
    let mut writer = OpenOptions::new().write(true).open(bench.path("p"))?;
    writer.write_all(b"12345\n")?;
    let mut line = String::new();
    BufReader::new(recv.stdout.take().unwrap()).read_line(&mut line)?;
    assert_eq!(line, "12345\n");
    let recv = recv.wait_with_output()?;
    assert_eq!((code(&recv), errors(&recv).as_str()), (Some(0), ""));
    Ok(())
}

#[test]
fn ctrl_c_ends_a_wait_like_any_program() -> Result {
    let bench = Bench::with_fifo();
    let recv = bench.start(&["recv", "p", "--tee", "copy"]);
    let _writer = OpenOptions::new().write(true).open(bench.path("p"))?;
    signal(&recv, Signal::SIGINT);
    assert_eq!(recv.wait_with_output()?.status.signal(), Some(Signal::SIGINT as i32));
    assert!(!bench.path("copy").exists());
    Ok(())
}

#[test]
fn what_is_to_be_sent_is_waited_for_within_the_timeout() -> Result {
    let bench = Bench::with_fifo();
    assert_eq!(code(&bench.program(&["make", "input"])), Some(0));
    let nobody_writes = bench.program(&["send", "p", "input", "--timeout", "50ms"]);
    assert_eq!(code(&nobody_writes), Some(124));
    assert!(errors(&nobody_writes).ends_with("wait for a writer of input: --timeout 50ms passed\n"));
    let _ends = OpenOptions::new().read(true).write(true).open(bench.path("input"))?;
    let _reader = OpenOptions::new().read(true).write(true).open(bench.path("p"))?;
    // Long enough that a busy machine opens both, where somebody is.
    let silent = bench.program(&["send", "p", "input", "--timeout", "2s"]);
    assert_eq!(code(&silent), Some(124));
    assert!(
        errors(&silent).ends_with("wait for bytes to send from input: --timeout 2s passed\n"),
        "{}",
        errors(&silent)
    );
    Ok(())
}

#[test]
fn paths_that_are_not_utf_8_are_used_as_they_are() -> Result {
    let bench = Bench::new();
    let script = r#"p=$(printf 'p\377'); q=$(printf 'q\377'); "$PROGRAM" make "$p" && echo 12345 > "$q" &&
        { "$PROGRAM" send "$p" "$q" & "$PROGRAM" recv "$p" --tee "$q.copy" && cmp "$q" "$q.copy" && wait; }"#;
    let output = bench.shell(script);
    assert_eq!((code(&output), text(&output).as_str(), errors(&output).as_str()), (Some(0), "12345\n", ""));
    assert!(fs::exists(bench.folder.path().join(OsStr::from_bytes(b"p\xff")))?);
    Ok(())
}
