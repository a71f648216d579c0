//! The files of the repository.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::duplicate_mod, reason = "modules of one test file may include this file")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::fs;
use std::path::{Path, PathBuf};

const PACKAGES: [&str; 6] = ["shared", "pipe-demo", "fifo-demo", "signal-demo", "tcpsock", "unixsock"];

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The Rust of all packages, without their tests.
pub fn sources() -> Vec<PathBuf> {
    PACKAGES.iter().flat_map(|package| files(&root().join(package).join("src"), ".rs")).collect()
}

/// The files of a folder and of those below it, whose names end so.
pub fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.append(&mut files(&path, end));
        } else if path.to_str().unwrap().ends_with(end) {
            found.push(path);
        }
    }
    found
}
