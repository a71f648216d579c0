//! What /proc says of a process.
//!
//! Man: proc_pid_stat(5), proc_pid_status(5).

use std::fs;
use std::io;
use std::process;

use anyhow::{Context, bail};
use libc::pid_t;
use serde::Serialize;
use shared::harness::report::Failure;

use crate::signal::set::Set;

/// The identity and the state of a process.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Stat {
    pub pid: pid_t,
    pub ppid: pid_t,
    pub pgid: pid_t,
    pub sid: pid_t,
    pub name: String,
    #[serde(skip)]
    pub state: char,
}

/// The four masks of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Masks {
    pub blocked: Set,
    pub ignored: Set,
    pub caught: Set,
    /// Both of the process and of its main thread.
    pub pending: Set,
}

pub fn stat(pid: pid_t) -> anyhow::Result<Stat> {
    parse_stat(&read(pid, "stat")?).with_context(|| format!("/proc/{pid}/stat is not as expected"))
}

pub fn masks(pid: pid_t) -> anyhow::Result<Masks> {
    parse_masks(&read(pid, "status")?).with_context(|| format!("/proc/{pid}/status is not as expected"))
}

/// The processes there are.
pub fn pids() -> anyhow::Result<Vec<pid_t>> {
    must_be_ours()?;
    let folder = fs::read_dir("/proc").context("read /proc")?;
    let names = folder.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>().context("read /proc")?;
    Ok(names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect())
}

/// The name by which a process is known: the kernel's, which has at most 15 bytes, and if that is cut,
/// all of it as the command line has it.
pub fn name(pid: pid_t) -> anyhow::Result<String> {
    let name = stat(pid)?.name;
    if name.len() < 15 {
        return Ok(name);
    }
    let command = read(pid, "cmdline")?;
    let words = command.split('\0').map(|word| word.rsplit('/').next().unwrap_or(word));
    Ok(words.filter(|word| word.starts_with(&name)).map(str::to_owned).next().unwrap_or(name))
}

/// How little it asks for the CPU, from -20 to 19.
pub fn nice(pid: pid_t) -> anyhow::Result<i32> {
    let stat = read(pid, "stat")?;
    let nice = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(16)?.parse().ok());
    nice.with_context(|| format!("/proc/{pid}/stat is not as expected"))
}

/// A line of /proc/PID/status, without its key. Not all are there for all processes.
pub fn status(pid: pid_t, key: &str) -> anyhow::Result<Option<String>> {
    Ok(line(&read(pid, "status")?, key).map(str::to_owned))
}

/// How many lines of /proc/PID/status tell of its memory.
pub fn memory_lines(pid: pid_t) -> anyhow::Result<usize> {
    Ok(read(pid, "status")?.lines().filter(|line| line.starts_with("Vm")).count())
}

/// What is in that file of /proc/PID.
pub fn read(pid: pid_t, file: &str) -> anyhow::Result<String> {
    must_be_ours()?;
    match fs::read(format!("/proc/{pid}/{file}")) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(io::Error::from_raw_os_error(libc::ESRCH)).with_context(|| format!("process {pid}"))
        }
        Err(error) => Err(error).with_context(|| format!("read /proc/{pid}/{file}")),
    }
}

/// That of another PID namespace tells of other processes.
fn must_be_ours() -> anyhow::Result<()> {
    let shown = fs::read_link("/proc/self").ok().and_then(|pid| pid.to_str()?.parse().ok());
    if shown == Some(process::id()) {
        return Ok(());
    }
    Err(Failure::CannotShow("/proc is not that of this PID namespace".to_owned()).into())
}

/// `PID (NAME) STATE PPID PGID SID …`, and the name may hold whatever it likes, also `) R 1`.
fn parse_stat(line: &str) -> anyhow::Result<Stat> {
    let (pid, rest) = line.split_once(" (").context("no name")?;
    let (name, rest) = rest.rsplit_once(") ").context("no end of the name")?;
    let [state, parent, group, session] = rest.split(' ').take(4).collect::<Vec<_>>()[..] else { bail!("too short") };
    Ok(Stat {
        pid: pid.parse()?,
        ppid: parent.parse()?,
        pgid: group.parse()?,
        sid: session.parse()?,
        name: name.to_owned(),
        state: state.parse()?,
    })
}

fn line<'a>(status: &'a str, key: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).map(str::trim)
}

fn parse_masks(status: &str) -> anyhow::Result<Masks> {
    let set = |key: &str| {
        let bits = line(status, key).with_context(|| format!("no {key}"))?;
        anyhow::Ok(Set::from_bits(u64::from_str_radix(bits, 16).with_context(|| format!("{key} {bits}"))?))
    };
    Ok(Masks {
        blocked: set("SigBlk")?,
        ignored: set("SigIgn")?,
        caught: set("SigCgt")?,
        pending: set("SigPnd")?.union(set("ShdPnd")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_name_may_hold_whatever_it_likes(name in "[ -~]{0,15}|.{0,15}") {
            let stat = parse_stat(&format!("7 ({name}) S 1 2 3 4 5 6\n")).unwrap();
            prop_assert_eq!((stat.name, stat.state, stat.ppid, stat.pgid, stat.sid), (name, 'S', 1, 2, 3));
        }

        #[test]
        fn nonsense_is_an_error(line in ".{0,40}") {
            let _ = parse_stat(&line);
            prop_assert!(parse_masks(&line).is_err());
        }
    }

    #[test]
    fn a_name_may_look_like_the_rest_of_the_line() {
        let stat = parse_stat("7 (a) R 9 9 9 (b) S 1 2 3 4 5 6\n").unwrap();
        assert_eq!((stat.name.as_str(), stat.state, stat.ppid), ("a) R 9 9 9 (b", 'S', 1));
    }

    #[test]
    fn masks_are_read_by_their_names() {
        let status = "SigQ:\t0/1\nSigPnd:\t0000000000000001\nShdPnd:\t0000000000000002\nSigBlk:\t8000000000000000\n\
                      SigIgn:\t0000000000001000\nSigCgt:\t0000000180000000\n";
        let masks = parse_masks(status).unwrap();
        let numbers = |set: Set| set.numbers().collect::<Vec<_>>();
        assert_eq!(numbers(masks.pending), [1, 2]);
        assert_eq!(numbers(masks.blocked), [64]);
        assert_eq!(numbers(masks.ignored), [13]);
        assert_eq!(numbers(masks.caught), [32, 33]);
    }
}
