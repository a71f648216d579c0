//! A temporary folder that nothing leaves behind: not a failure, not Ctrl-C.
//!
//! Man: mkdtemp(3).

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use shared::harness::report::{self, Failure};
use shared::linux::folder::Folder;
use shared::linux::shutdown::Shutdown;
use shared::linux::signals;

use crate::make;

pub struct Scratch {
    folder: PathBuf,
    shutdown: Shutdown,
}

/// Runs a `story` in a folder of its own. A signal that came meanwhile decides the exit code.
pub fn with(story: impl FnOnce(&Scratch) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let scratch = Scratch::new()?;
    let result = story(&scratch);
    remove(&scratch.folder);
    scratch.check()?;
    result
}

/// Runs the `story` of a check, which may be killed any time with all its group: somebody outside looks after the
/// folder.
pub fn looked_after<T>(story: impl FnOnce(&Scratch) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let folder = Folder::make("fifo-demo")?;
    story(&Scratch { folder: folder.path().to_owned(), shutdown: Shutdown::default() })
}

impl Scratch {
    /// The signals are caught before there is anything to leave behind.
    fn new() -> anyhow::Result<Scratch> {
        let made = Arc::new(OnceLock::new());
        let known = Arc::clone(&made);
        let shutdown = Shutdown::on_signals(move || known.get().into_iter().for_each(remove))?;
        let template = env::temp_dir().join("fifo-demo-XXXXXX");
        let folder = nix::unistd::mkdtemp(&template)
            .map_err(std::io::Error::from)
            .with_context(|| format!("mkdtemp {}", template.display()))?;
        let folder = made.get_or_init(|| folder).clone();
        Ok(Scratch { folder, shutdown })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A new FIFO in it.
    pub fn fifo(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.path(name);
        make::mkfifo(&path, Some(0o600))?;
        Ok(path)
    }

    pub fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Fails once a signal has asked for the end.
    pub fn check(&self) -> Result<(), Failure> {
        signals::check()
    }
}

fn remove(folder: &PathBuf) {
    if let Err(error) = fs::remove_dir_all(folder) {
        report::narrate(format_args!("remove {}: {error}", folder.display()));
    }
}
