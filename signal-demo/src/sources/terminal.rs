//! A pseudo-terminal: what is written to its master is as good as typed.
//!
//! Note: 信号 ("键盘输入"). Man: pty(7), setsid(2).

use std::fs::File;
use std::io::{self, Write};

use anyhow::Context;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::unistd;
use shared::linux::failure::Failure;

/// The master, and the name of the terminal.
pub fn terminal() -> anyhow::Result<(impl Write, String)> {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).map_err(no_terminal)?;
    grantpt(&master).context("grantpt")?;
    unlockpt(&master).context("unlockpt")?;
    let name = ptsname_r(&master).context("ptsname")?;
    Ok((master, name))
}

/// A container may have none, and every machine has a limit.
fn no_terminal(errno: Errno) -> anyhow::Error {
    match errno {
        Errno::ENOENT | Errno::ENXIO | Errno::ENODEV | Errno::EACCES | Errno::EPERM | Errno::ENOSPC => {
            Failure::CannotShow(format!("no pseudo-terminal: {}", io::Error::from(errno))).into()
        }
        _ => anyhow::Error::new(errno).context("open /dev/ptmx"),
    }
}

/// Without a terminal, the leader of a new session gets the first that it opens.
pub fn lead_session_at(terminal: &str) -> anyhow::Result<File> {
    unistd::setsid().context("setsid")?;
    File::options().read(true).write(true).open(terminal).with_context(|| format!("open {terminal}"))
}
