//! A FIFO is a file: it has a name, a mode and an owner, and no contents.
//!
//! Note: 管道 (命名管道). Go: `syscall.Mkfifo`. Man: mkfifo(3), umask(2).

use std::fs;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, umask};
use nix::unistd;
use shared::harness::claims::{Check, Seen};

use crate::fifo::open_at_once;
use crate::scratch::{self, Scratch};

#[derive(clap::Args)]
pub struct Args {
    /// Where; nothing may be there yet
    path: PathBuf,
    /// Permissions in octal, whatever the umask [default: 666 less the umask]
    #[arg(short, long, value_name = "MODE", value_parser = permissions)]
    mode: Option<u32>,
}

pub const CHECKS: &[Check] = &[(87, a_file_for_everybody)];

pub fn run(args: &Args) -> anyhow::Result<()> {
    mkfifo(&args.path, args.mode)
}

/// mkfifo(3). The file is born with the `mode` asked for, so that nobody meets it with another one.
pub fn mkfifo(path: &Path, mode: Option<u32>) -> anyhow::Result<()> {
    let before = mode.map(|_| umask(Mode::empty()));
    let result = unistd::mkfifo(path, Mode::from_bits_truncate(mode.unwrap_or(0o666)));
    before.map(umask);
    // An errno as an io::Error speaks like every other error here.
    result.map_err(std::io::Error::from).with_context(|| format!("mkfifo {}", path.display()))
}

struct Exchanged {
    is_fifo: bool,
    mode: String,
    size_with_bytes_in_it: u64,
    read: String,
}

/// A process that knows nothing but the name writes.
fn exchange(scratch: &Scratch) -> anyhow::Result<Exchanged> {
    let path = scratch.path("fifo");
    mkfifo(&path, Some(0o644))?;
    let mut reader = open_at_once(&path, OFlag::O_RDONLY)?;
    let mut stranger = Command::new("sh");
    stranger.args(["-c", "echo 12345 > \"$0\""]).arg(&path).stdin(Stdio::null()).stdout(Stdio::null());
    scratch.start(&mut stranger, "sh")?.finish()?;
    let file = fs::metadata(&path).context("stat the FIFO")?;
    let mut read = String::new();
    reader.read_to_string(&mut read).context("read the FIFO")?;
    Ok(Exchanged {
        is_fifo: file.file_type().is_fifo(),
        mode: format!("{:o}", file.permissions().mode() & 0o7777),
        size_with_bytes_in_it: file.len(),
        read: read.trim_end().to_owned(),
    })
}

fn a_file_for_everybody() -> anyhow::Result<Seen> {
    let exchanged = scratch::looked_after(exchange)?;
    let Exchanged { is_fifo, mode, size_with_bytes_in_it, read } = &exchanged;
    let as_noted = *is_fifo && mode == "644" && *size_with_bytes_in_it == 0 && read == "12345";
    let kind = if *is_fifo { "a FIFO" } else { "no FIFO" };
    let evidence =
        format!("{kind} of mode {mode}, of {size_with_bytes_in_it} bytes when another process had written {read}");
    Ok(Seen::holds(as_noted, evidence))
}

fn permissions(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 && !text.starts_with('+') => Ok(mode),
        _ => Err("an octal number from 0 to 777 is needed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_octal_and_holds_only_permissions() {
        assert_eq!(permissions("644"), Ok(0o644));
        assert_eq!(permissions("0600"), Ok(0o600));
        for wrong in ["", "8", "1777", "+644", "-1", "u=rw", "77777777777777777777"] {
            assert!(permissions(wrong).is_err(), "{wrong}");
        }
    }
}
