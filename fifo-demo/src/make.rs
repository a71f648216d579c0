//! A FIFO is a file: it has a name, a mode and an owner, and no contents.
//!
//! Note: 管道 (命名管道). Go: `syscall.Mkfifo`. Man: mkfifo(3), umask(2).

use std::path::{Path, PathBuf};

use anyhow::Context;
use nix::sys::stat::{Mode, umask};
use nix::unistd;
use shared::harness::report::Report;
use shared::linux::child::Children;
use shared::linux::scratch;

#[derive(clap::Args)]
pub struct Args {
    /// Where; nothing may be there yet
    path: PathBuf,
    /// Permissions in octal, whatever the umask [default: 666 less the umask]
    #[arg(short, long, value_name = "MODE", value_parser = permissions)]
    mode: Option<u32>,
}

pub fn run(args: &Args, _: &mut Report) -> anyhow::Result<()> {
    mkfifo(&args.path, args.mode)
}

// ANCHOR: mkfifo
/// mkfifo(3). The file is born with the `mode` asked for, so that nobody meets it with
/// another one.
pub fn mkfifo(path: &Path, mode: Option<u32>) -> anyhow::Result<()> {
    let before = mode.map(|_| umask(Mode::empty()));
    let result = unistd::mkfifo(path, Mode::from_bits_truncate(mode.unwrap_or(0o666)));
    before.map(umask);
    result.with_context(|| format!("mkfifo {}", path.display()))
}
// ANCHOR_END: mkfifo

/// Does `work` with a FIFO that nobody else knows, and leaves nothing of it.
pub fn with_fifo<T>(work: impl FnOnce(&Path, &Children) -> anyhow::Result<T>) -> anyhow::Result<T> {
    scratch::with("fifo-demo", |folder, children| {
        let path = folder.join("fifo");
        mkfifo(&path, Some(0o600))?;
        work(&path, children)
    })
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
