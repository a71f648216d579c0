//! `make`, `send` and `recv` as a script uses them.

#![allow(
    clippy::unwrap_used,
    clippy::zombie_processes,
    reason = "a test that fails early ends with its children: all end by themselves"
)]

mod common;

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;

use common::{Bench, Result, code, errors, signal, text};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc::SYS_write;
use nix::sys::signal::Signal;

/// Every byte, in no period that a buffer has, and more than any buffer holds.
fn all_bytes() -> Vec<u8> {
    (0..3_000_001u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

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
fn recv_that_waits_in_vain_ends_with_124_and_touches_no_file() -> Result {
    let bench = Bench::with_fifo();
    fs::write(bench.path("old"), "old")?;
    let recv = bench.program(&["recv", "p", "--tee", "old", "--tee", "new", "--timeout", "50ms"]);
    assert_eq!(code(&recv), Some(124));
    assert_eq!(errors(&recv), "fifo-demo: wait for bytes from a writer of p: --timeout 50ms passed\n");
    assert_eq!(fs::read(bench.path("old"))?, b"old");
    assert!(!bench.path("new").exists());
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
fn a_full_disk_under_tee_takes_nothing_from_stdout() -> Result {
    let bench = Bench::with_fifo();
    fs::write(bench.path("source"), all_bytes())?;
    let send = bench.start(&["send", "p", "source"]);
    let recv = bench.program(&["recv", "p", "--tee", "/dev/full"]);
    assert_eq!(code(&recv), Some(1));
    assert_eq!(errors(&recv), "fifo-demo: write /dev/full: No space left on device (os error 28)\n");
    assert!(recv.stdout == all_bytes());
    assert_eq!(code(&send.wait_with_output()?), Some(0));
    Ok(())
}

#[test]
fn a_file_is_filled_to_its_limit_and_then_given_up() -> Result {
    let bench = Bench::with_fifo();
    fs::write(bench.path("source"), all_bytes())?;
    let send = bench.start(&["send", "p", "source"]);
    let recv = bench.shell(r#"ulimit -f 8; exec "$PROGRAM" recv p --tee copy"#);
    assert_eq!(
        (code(&recv), errors(&recv).as_str()),
        (Some(1), "fifo-demo: write copy: File too large (os error 27)\n")
    );
    assert!(recv.stdout == all_bytes());
    // POSIX counts in 512 bytes, bash in 1024.
    let copy = fs::read(bench.path("copy"))?;
    assert!([4096, 8192].contains(&copy.len()) && all_bytes().starts_with(&copy));
    assert_eq!(code(&send.wait_with_output()?), Some(0));
    Ok(())
}

#[test]
fn with_nowhere_left_to_write_the_writer_is_told() -> Result {
    let bench = Bench::with_fifo();
    fs::write(bench.path("source"), all_bytes())?;
    let send = bench.start(&["send", "p", "source"]);
    let mut recv = bench.command(common::PROGRAM, &["recv", "p", "--tee", "/dev/full"]);
    let recv = recv.stdout(File::create("/dev/full")?).spawn()?.wait_with_output()?;
    assert_eq!((code(&recv), errors(&recv).lines().count()), (Some(1), 2));
    let send = send.wait_with_output()?;
    assert_eq!((code(&send), errors(&send).as_str()), (Some(1), "fifo-demo: write p: Broken pipe (os error 32)\n"));
    Ok(())
}

#[test]
fn an_output_that_cannot_be_opened_takes_nothing_from_any_writer() -> Result {
    let bench = Bench::with_fifo();
    fs::write(bench.path("old"), "old")?;
    let writer = bench.shell_start("echo 12345 > p");
    for (path, why) in
        [("no/such/file", "No such file or directory (os error 2)"), (".", "Is a directory (os error 21)")]
    {
        let recv = bench.program(&["recv", "p", "--tee", "new", "--tee", "old", "--tee", path]);
        assert_eq!((code(&recv), text(&recv).as_str()), (Some(1), ""));
        assert_eq!(errors(&recv), format!("fifo-demo: open {path}: {why}\n"));
    }
    assert!(fs::read(bench.path("old"))? == b"old" && !bench.path("new").exists());
    assert_eq!(text(&bench.program(&["recv", "p"])), "12345\n");
    writer.wait_with_output()?;
    Ok(())
}

#[test]
fn what_a_file_held_is_replaced_or_added_to() -> Result {
    let bench = Bench::with_fifo();
    for (how, holds) in [(&[][..], "12345\n"), (&["--append"], "12345\n12345\n"), (&[], "12345\n")] {
        let writer = bench.shell_start("echo 12345 > p");
        let recv = bench.program(&[&["recv", "p", "--tee", "file"], how].concat());
        assert_eq!((code(&recv), errors(&recv).as_str()), (Some(0), ""));
        assert_eq!(fs::read_to_string(bench.path("file"))?, holds);
        writer.wait_with_output()?;
    }
    assert_eq!(fs::metadata(bench.path("file"))?.permissions().mode() & 0o777, 0o666 & !umask());
    Ok(())
}

fn umask() -> u32 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("Umask:")).unwrap();
    u32::from_str_radix(mask.trim(), 8).unwrap()
}

/// Each has its own FIFO. Who waits in vain, or comes late, takes nothing from the log of the other.
#[test]
fn two_can_add_to_a_file_that_was_not_there() -> Result {
    let bench = Bench::with_fifo();
    assert_eq!(code(&bench.program(&["make", "q"])), Some(0));
    let [one, two] = ["p", "q"].map(|fifo| bench.start(&["recv", fifo, "--append", "--tee", "log", "--keep-open"]));
    let [p, q] = ["p", "q"].map(|fifo| OpenOptions::new().write(true).open(bench.path(fifo)).unwrap());
    for (mut writer, recv) in [(p, one), (q, two)] {
        writer.write_all(b"12345\n")?;
        signal(&recv, Signal::SIGTERM);
        assert_eq!(text(&recv.wait_with_output()?), "12345\n");
    }
    assert_eq!(fs::read_to_string(bench.path("log"))?, "12345\n12345\n");
    Ok(())
}

#[test]
fn a_link_to_a_file_that_is_not_there_makes_the_file() -> Result {
    let bench = Bench::with_fifo();
    std::os::unix::fs::symlink("file", bench.path("link"))?;
    let writer = bench.shell_start("echo 12345 > p");
    assert_eq!(code(&bench.program(&["recv", "p", "--tee", "link"])), Some(0));
    assert_eq!(fs::read_to_string(bench.path("file"))?, "12345\n");
    writer.wait_with_output()?;
    Ok(())
}

#[test]
fn the_number_of_bytes_is_a_record_on_stderr() -> Result {
    let bench = Bench::with_fifo();
    let send = bench.shell_start(r#"echo 12345 | "$PROGRAM" --json send p"#);
    let recv = bench.program(&["recv", "p", "--json"]);
    let send = send.wait_with_output()?;
    assert_eq!((errors(&send).as_str(), errors(&recv).as_str()), ("{\"bytes\":6}\n", "{\"bytes\":6}\n"));
    let both = bench.shell(r#"printf 12345 | "$PROGRAM" send p & "$PROGRAM" recv p -v 2>&1; wait"#);
    assert_eq!(text(&both), "12345\nreceived 5 bytes\n");
    let traced = bench.shell(r#"printf 12345 | "$PROGRAM" send p & "$PROGRAM" recv p -vv 2>&1; wait"#);
    assert!(text(&traced).contains("\n12345\nwrite("), "{}", text(&traced));
    Ok(())
}

/// No other process could take care of that then: there is nothing to take care of.
#[test]
fn recv_that_is_killed_while_it_waits_leaves_no_file() -> Result {
    for (deadly, how) in
        [(Signal::SIGKILL, "--append"), (Signal::SIGTERM, "--append"), (Signal::SIGTERM, "--keep-open")]
    {
        let bench = Bench::with_fifo();
        let recv = bench.start(&["recv", "p", "--tee", "new", how]);
        let writer = OpenOptions::new().write(true).open(bench.path("p"))?;
        signal(&recv, deadly);
        recv.wait_with_output()?;
        drop(writer);
        assert!(!bench.path("new").exists(), "{deadly} {how}");
    }
    Ok(())
}

/// And while it waits for whoever is to read another FIFO.
#[test]
fn the_wait_for_the_reader_of_an_output_ends_at_the_timeout_and_by_a_signal() -> Result {
    let bench = Bench::with_fifo();
    assert_eq!(code(&bench.program(&["make", "q"])), Some(0));
    let late = bench.program(&["recv", "p", "--tee", "q", "--timeout", "50ms"]);
    assert_eq!(errors(&late), "fifo-demo: wait for a reader of q: --timeout 50ms passed\n");
    let recv = bench.start(&["recv", "p", "--tee", "q", "--keep-open"]);
    signal(&recv, Signal::SIGTERM);
    assert_eq!(recv.wait_with_output()?.status.signal(), Some(Signal::SIGTERM as i32));
    Ok(())
}

#[test]
fn tee_can_be_another_fifo_but_not_the_same() -> Result {
    let bench = Bench::with_fifo();
    fs::write(bench.path("source"), all_bytes())?;
    assert_eq!(code(&bench.program(&["make", "q"])), Some(0));
    let (send, cat) = (bench.start(&["send", "p", "source"]), bench.shell_start("cat q > copy"));
    let recv = bench.program(&["recv", "p", "--tee", "q"]);
    assert!(cat.wait_with_output()?.status.success());
    assert!(recv.stdout == all_bytes() && fs::read(bench.path("copy"))? == all_bytes());
    assert_eq!((code(&recv), code(&send.wait_with_output()?)), (Some(0), Some(0)));
    let looped = bench.program(&["recv", "p", "--tee", "./p"]);
    assert_eq!(
        (code(&looped), errors(&looped).as_str()),
        (Some(2), "fifo-demo: --tee ./p: is the FIFO to read from\n")
    );
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
fn keep_open_that_nobody_came_to_touches_no_file() -> Result {
    let bench = Bench::with_fifo();
    fs::write(bench.path("old"), "old")?;
    let recv = bench.start(&["recv", "p", "--keep-open", "--tee", "old"]);
    // Opened: it is there, and catches signals. Held open: there is no end for it to see.
    let writer = OpenOptions::new().write(true).open(bench.path("p"))?;
    signal(&recv, Signal::SIGINT);
    assert_eq!(code(&recv.wait_with_output()?), Some(0));
    drop(writer);
    assert_eq!(fs::read(bench.path("old"))?, b"old");
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
    let silent = bench.program(&["send", "p", "input", "--timeout", "50ms"]);
    assert_eq!(code(&silent), Some(124));
    assert!(errors(&silent).ends_with("wait for bytes to send from input: --timeout 50ms passed\n"));
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
