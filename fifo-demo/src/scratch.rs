//! A temporary folder, and children that work in it: nothing is left of them, whatever ends the story.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use shared::linux::child::{Child, Children};
use shared::linux::failure::Failure;
use shared::linux::scratch::Folder;
use shared::linux::shutdown::Shutdown;
use shared::linux::signals;

use crate::make;

pub struct Scratch {
    folder: Folder,
    children: Children,
    shutdown: Shutdown,
}

/// Runs a `story` in a folder of its own. A signal that came meanwhile decides how the program ends.
pub fn with(story: impl FnOnce(&Scratch) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let children = Children::helpers();
    let last_act = children.clone();
    run(story, children, Shutdown::on_signals(move || last_act.kill())?)
}

/// Runs the `story` of a check, which is to end at once by a signal.
pub fn looked_after<T>(story: impl FnOnce(&Scratch) -> anyhow::Result<T>) -> anyhow::Result<T> {
    run(story, Children::helpers(), Shutdown::default())
}

fn run<T>(
    story: impl FnOnce(&Scratch) -> anyhow::Result<T>,
    children: Children,
    shutdown: Shutdown,
) -> anyhow::Result<T> {
    let scratch = Scratch { folder: Folder::make("fifo-demo")?, children, shutdown };
    let result = story(&scratch);
    scratch.children.end();
    let removed = scratch.folder.remove();
    match signals::came().or_else(|| scratch.children.broken_off()) {
        Some(signal) => Err(Failure::Interrupted(signal).into()),
        None => result.and_then(|told| removed.map(|()| told)),
    }
}

impl Scratch {
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// A new FIFO in it.
    pub fn fifo(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.path(name);
        make::mkfifo(&path, Some(0o600))?;
        Ok(path)
    }

    /// Starts a child, which is named `name` when it fails.
    pub fn start(&self, command: &mut Command, name: &str) -> anyhow::Result<Process> {
        Ok(Process { child: self.children.spawn(command)?, name: name.to_owned() })
    }

    pub fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Fails once a signal has asked for the end.
    pub fn check(&self) -> Result<(), Failure> {
        if self.shutdown.is_requested() { signals::check() } else { Ok(()) }
    }
}

/// A child that works in the folder.
pub struct Process {
    pub child: Child,
    name: String,
}

impl Process {
    /// Waits for its end, which must be a success.
    pub fn finish(mut self) -> anyhow::Result<()> {
        let status = self.child.wait().with_context(|| format!("wait for {}", self.name))?;
        ensure!(status.success(), "{}: {status}", self.name);
        Ok(())
    }
}
