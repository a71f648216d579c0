//! The program run by somebody without privileges, whoever runs the tests.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::Uid;

#[path = "../harness/mod.rs"]
mod harness;

const NOBODY: u32 = 65534;

/// A copy of `program` in `folder`, since the build may lie where nobody may not look; run as nobody if we are root.
/// None, and the reason on stderr, where root's privileges outlive setuid(2).
pub fn command(program: &str, folder: &Path) -> Option<Command> {
    let copy = folder.join(Path::new(program).file_name().unwrap());
    // By a process of its own: what this one has open for writing, a neighbour's child may keep open too.
    assert!(Command::new("cp").arg(program).arg(&copy).status().unwrap().success());
    fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(copy);
    if !Uid::effective().is_root() {
        return Some(command);
    }
    let status = Command::new("cat").arg("/proc/self/status").uid(NOBODY).gid(NOBODY).output();
    let status = status.map_err(|error| error.to_string()).map(|output| String::from_utf8(output.stdout).unwrap());
    if status.as_ref().is_ok_and(|status| status.contains("CapEff:\t0000000000000000\n")) {
        command.uid(NOBODY).gid(NOBODY);
        return Some(command);
    }
    harness::say(format_args!("skipped: uid {NOBODY} is not without privileges here: {status:?}"));
    None
}
