//! What `recv` writes to: stdout and the files of `--tee`, which nobody touches before somebody comes.

#![allow(
    clippy::unwrap_used,
    clippy::zombie_processes,
    reason = "a test that fails early ends with its children: all end by themselves"
)]

#[path = "../../shared/tests/clogged/mod.rs"]
mod clogged;
mod common;

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;

use clogged::Clogged;
use common::{Bench, Result, all_bytes, code, errors, signal, text};
use nix::sys::signal::Signal;

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
    assert_eq!(text(&both), "waiting fifo p\n12345\nreceived 5 bytes\n");
    let traced = bench.shell(r#"printf 12345 | "$PROGRAM" send p & "$PROGRAM" recv p -vv 2>&1; wait"#);
    assert!(text(&traced).contains("\n12345\nwrite("), "{}", text(&traced));
    Ok(())
}

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
fn a_stdout_that_does_not_block_loses_nothing() -> Result {
    let (bench, out) = (Bench::with_fifo(), Clogged::new()?);
    fs::write(bench.path("source"), all_bytes())?;
    let send = bench.start(&["send", "p", "source"]);
    let mut recv = bench.command(common::PROGRAM, &["recv", "p"]).stdout(out.end()?).spawn()?;
    assert!(out.read_from(&mut recv)? == all_bytes());
    assert_eq!((recv.wait()?.code(), code(&send.wait_with_output()?)), (Some(0), Some(0)));
    Ok(())
}
