//! What /proc says of a process.
//!
//! Man: proc_pid_stat(5), proc_pid_status(5).

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use nix::errno::Errno;
use nix::libc::{self, c_int, pid_t};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde::{Serialize, Serializer};

use crate::linux::failure::Failure;
use crate::linux::sleeper::check_proc;

/// The identity and the state of a process.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Stat {
    /// Its number.
    pub pid: pid_t,
    /// Its parent's number.
    pub ppid: pid_t,
    /// Its process group.
    pub pgid: pid_t,
    /// Its session.
    pub sid: pid_t,
    /// The kernel's name for it, of at most 15 bytes.
    #[serde(serialize_with = "displayed")]
    pub name: OsString,
    /// R, S, D, T, t, Z, X or I.
    #[serde(skip)]
    pub state: char,
}

/// The four masks of a process: bit n-1 stands for signal n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Masks {
    /// They wait.
    pub blocked: u64,
    /// They do nothing.
    pub ignored: u64,
    /// They have a handler.
    pub caught: u64,
    /// Those that wait, for the process and for its main thread.
    pub pending: u64,
}

impl Masks {
    /// Whether `signal` waits.
    pub fn has_pending(&self, signal: c_int) -> bool {
        self.pending >> (signal - 1) & 1 == 1
    }
}

/// Its identity and state now.
pub fn stat(pid: pid_t) -> anyhow::Result<Stat> {
    parse_stat(&bytes(pid, "stat")?).with_context(|| format!("/proc/{pid}/stat is not as expected"))
}

/// Its masks now.
pub fn masks(pid: pid_t) -> anyhow::Result<Masks> {
    parse_masks(&read(pid, "status")?).with_context(|| format!("/proc/{pid}/status is not as expected"))
}

/// The processes there are.
pub fn pids() -> anyhow::Result<Vec<pid_t>> {
    check_proc()?;
    let folder = fs::read_dir("/proc").context("read /proc")?;
    let names = folder.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>().context("read /proc")?;
    Ok(names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect())
}

/// The processes that can be looked at: some end before that, and /proc may hide others.
pub fn stats() -> anyhow::Result<Vec<Stat>> {
    let seen = |pid| match stat(pid) {
        Err(error) if is_gone(&error) || hides(pid).unwrap_or(false) => None,
        stat => Some(stat),
    };
    pids()?.into_iter().filter_map(seen).collect()
}

/// Whether it failed since there is no such process any more.
pub fn is_gone(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.raw_os_error() == Some(libc::ESRCH))
}

/// Whether that is a name of the process: the kernel's, which the process can change; what its command line begins
/// with, with or without the folder; or all of a name that the kernel has cut.
pub fn is_named(pid: pid_t, name: &OsStr) -> anyhow::Result<bool> {
    const LONGEST: usize = 15;
    let short = stat(pid)?.name;
    let command = bytes(pid, "cmdline")?;
    let words: Vec<&Path> = command.split(|byte| *byte == 0).map(|word| Path::new(OsStr::from_bytes(word))).collect();
    // Of another user's process it is not to be seen.
    let file = fs::read_link(format!("/proc/{pid}/exe")).ok();
    let says_so = |path: &Path| path.as_os_str() == name || path.file_name() == Some(name);
    let is_cut = short.len() >= LONGEST && name.as_bytes().starts_with(short.as_bytes());
    let whole = words.iter().copied().chain(file.as_deref()).any(|path| is_cut && says_so(path));
    Ok(short == name || says_so(words[0]) || whole)
}

/// The threads of a process have numbers of the same kind, and folders in /proc.
pub fn must_be_a_process(pid: pid_t) -> anyhow::Result<()> {
    let leader = status(pid, "Tgid")?.context("no Tgid in /proc/PID/status")?;
    ensure!(leader == pid.to_string(), "{pid} is a thread of process {leader}");
    Ok(())
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

/// What is in that file of /proc/PID, names apart.
pub fn read(pid: pid_t, file: &str) -> anyhow::Result<String> {
    Ok(String::from_utf8_lossy(&bytes(pid, file)?).into_owned())
}

fn bytes(pid: pid_t, file: &str) -> anyhow::Result<Vec<u8>> {
    check_proc()?;
    match fs::read(format!("/proc/{pid}/{file}")) {
        Ok(bytes) => Ok(bytes),
        Err(_) if hides(pid)? => Err(Failure::CannotShow(format!("/proc hides process {pid} (hidepid)")).into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(io::Error::from_raw_os_error(libc::ESRCH)).with_context(|| format!("process {pid}"))
        }
        Err(error) => Err(error).with_context(|| format!("read /proc/{pid}/{file}")),
    }
}

/// Whether there is such a process and /proc, mounted with hidepid, does not let this user look at it.
pub fn hides(pid: pid_t) -> anyhow::Result<bool> {
    check_proc()?;
    let is_there = kill(Pid::from_raw(pid), None) != Err(Errno::ESRCH);
    Ok(is_there && File::open(format!("/proc/{pid}/stat")).is_err())
}

/// `PID (NAME) STATE PPID PGID SID …`, and the name may hold whatever it likes, also `) R 1`.
fn parse_stat(line: &[u8]) -> anyhow::Result<Stat> {
    let start = line.iter().position(|&byte| byte == b'(').context("no name")?;
    let end = line.iter().rposition(|&byte| byte == b')').context("no end of the name")?;
    let name = line.get(start + 1..end).context("no name")?;
    let (pid, rest) = (str::from_utf8(&line[..start])?, str::from_utf8(&line[end + 1..])?);
    let [state, parent, group, session] = rest.split_whitespace().take(4).collect::<Vec<_>>()[..] else {
        bail!("too short")
    };
    Ok(Stat {
        pid: pid.trim_end().parse()?,
        ppid: parent.parse()?,
        pgid: group.parse()?,
        sid: session.parse()?,
        name: OsStr::from_bytes(name).to_owned(),
        state: state.parse()?,
    })
}

fn displayed<S: Serializer>(name: &OsStr, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&name.display())
}

fn line<'a>(status: &'a str, key: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).map(str::trim)
}

fn parse_masks(status: &str) -> anyhow::Result<Masks> {
    let set = |key: &str| {
        let bits = line(status, key).with_context(|| format!("no {key}"))?;
        u64::from_str_radix(bits, 16).with_context(|| format!("{key} {bits}"))
    };
    Ok(Masks {
        blocked: set("SigBlk")?,
        ignored: set("SigIgn")?,
        caught: set("SigCgt")?,
        pending: set("SigPnd")? | set("ShdPnd")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_name_may_hold_whatever_it_likes(name in proptest::collection::vec(any::<u8>(), 0..16)) {
            let stat = parse_stat(&[b"7 (", &name[..], b") S 1 2 3 4 5 6\n"].concat()).unwrap();
            let name = OsStr::from_bytes(&name).to_owned();
            prop_assert_eq!((stat.name, stat.state, stat.ppid, stat.pgid, stat.sid), (name, 'S', 1, 2, 3));
        }

        #[test]
        fn nonsense_is_an_error(line in ".{0,40}") {
            let _ = parse_stat(line.as_bytes());
            prop_assert!(parse_masks(&line).is_err());
        }
    }

    #[test]
    fn a_name_may_look_like_the_rest_of_the_line() {
        let stat = parse_stat(b"7 (a) R 9 9 9 (b) S 1 2 3 4 5 6\n").unwrap();
        assert_eq!((stat.name.to_str(), stat.state, stat.ppid), (Some("a) R 9 9 9 (b"), 'S', 1));
    }

    #[test]
    fn masks_are_read_by_their_names() {
        let status = "SigQ:\t0/1\nSigPnd:\t0000000000000001\nShdPnd:\t0000000000000002\nSigBlk:\t8000000000000000\n\
                      SigIgn:\t0000000000001000\nSigCgt:\t0000000180000000\n";
        let masks = parse_masks(status).unwrap();
        assert_eq!((masks.pending, masks.blocked), (0b11, 1 << 63));
        assert_eq!((masks.ignored, masks.caught), (1 << 12, 0b11 << 31));
        assert!(masks.has_pending(2) && !masks.has_pending(3));
    }
}
