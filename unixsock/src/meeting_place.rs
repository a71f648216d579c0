//! Where the programs of one user meet without an address: in a folder where nobody else can put a socket.
//!
//! Note: Socket的基本特征 (地址形式: 路径名称). Man: XDG Base Directory Specification, file-hierarchy(7), mkdir(2), lstat(2).

use std::env;
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use nix::unistd::Uid;

const NAME: &str = "unixsock.sock";

/// The folder is made if need be.
pub fn to_listen() -> anyhow::Result<PathBuf> {
    in_runtime_folder().map_or_else(|| in_temporary_folder(make), Ok)
}

pub fn to_dial() -> anyhow::Result<PathBuf> {
    in_runtime_folder().map_or_else(|| in_temporary_folder(|_| Ok(())), Ok)
}

/// A relative one is ignored, as the specification says. Without the variable, as in a cron job or a fresh `su`, it
/// is where systemd makes it.
fn in_runtime_folder() -> Option<PathBuf> {
    let named = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let usual = || {
        Some(PathBuf::from(format!("/run/user/{}", Uid::effective())))
            .filter(|folder| check(folder).is_ok_and(|there| there))
    };
    Some(named.or_else(usual)?.join(NAME))
}

/// Anybody could have made the folder before us, for its name can be guessed.
fn in_temporary_folder(make: impl FnOnce(&Path) -> io::Result<()>) -> anyhow::Result<PathBuf> {
    let temporary = Some(env::temp_dir()).filter(|folder| folder.is_absolute()).unwrap_or("/tmp".into());
    let folder = temporary.join(format!("unixsock-{}", Uid::effective()));
    make(&folder).with_context(|| format!("mkdir {}", folder.display()))?;
    check(&folder)?;
    Ok(folder.join(NAME))
}

fn make(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Whether it is there; and if so, whether it is ours alone.
fn check(folder: &Path) -> anyhow::Result<bool> {
    let found = match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        found => found.with_context(|| format!("stat {}", folder.display()))?,
    };
    let (owner, mode) = (found.uid(), found.mode() & 0o777);
    let ours = found.is_dir() && owner == Uid::effective().as_raw() && mode | 0o700 == 0o700;
    ensure!(ours, "{}: not a folder of ours alone (UID {owner}, mode {mode:04o}); say --address", folder.display());
    Ok(true)
}
