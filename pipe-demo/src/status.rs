//! How a child ended, as the shell counts it.
//!
//! Note: 管道. Go: `exec.ExitError`. Man: wait(2), bash(1) at pipefail.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use shared::linux::failure::Failure;

/// 0 is done, everything else the exit code of this program too.
pub fn check(code: u8) -> anyhow::Result<()> {
    if code == 0 { Ok(()) } else { Err(Failure::Child(code).into()) }
}

/// The exit code, or 128+N of a child that signal N ended.
pub fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// The code of the last command that failed, as with `set -o pipefail`.
pub fn pipefail(statuses: &[ExitStatus]) -> u8 {
    statuses.iter().map(|&status| code(status)).rfind(|&code| code != 0).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_failure_decides() {
        let statuses = |raw: &[i32]| raw.iter().map(|&raw| ExitStatus::from_raw(raw)).collect::<Vec<_>>();
        assert_eq!(pipefail(&statuses(&[])), 0);
        assert_eq!(pipefail(&statuses(&[3 << 8, 0])), 3);
        assert_eq!(pipefail(&statuses(&[3 << 8, 4 << 8, 0])), 4);
        assert_eq!(pipefail(&statuses(&[libc::SIGPIPE, 0])), 141);
    }
}
