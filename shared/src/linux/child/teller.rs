//! A child that looks at something and tells what it saw.
//!
//! Note: 进程的衍生. Go: none, its programs cannot fork. Man: fork(2), pipe(7).

use std::io::{self, PipeReader, Read};
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};

use anyhow::{Context, anyhow};
use nix::unistd::Pid;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::linux::child::{Children, wait_for};
use crate::linux::failure::{Failure, in_one_line};

/// A child that has yet to be heard.
#[derive(Debug)]
pub struct Teller<T> {
    /// Its PID.
    pub pid: Pid,
    told: PipeReader,
    what: PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned> Teller<T> {
    /// Forks a child that does `look`.
    pub fn fork(children: &Children, look: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<Teller<T>> {
        let (told, tell) = io::pipe().context("pipe")?;
        let pid = children.fork(|| u8::from(serde_json::to_writer(&tell, &Told::from(look())).is_err()))?;
        Ok(Teller { pid, told, what: PhantomData })
    }

    /// What it saw; it has ended then.
    pub fn hear(mut self) -> anyhow::Result<T> {
        let (child, mut told) = (self.pid, Vec::new());
        self.told.read_to_end(&mut told).with_context(|| format!("read what child {child} tells"))?;
        wait_for(child)?;
        match serde_json::from_slice(&told).with_context(|| format!("what child {child} tells"))? {
            Told::Seen(seen) => Ok(seen),
            Told::Skipped(why) => Err(Failure::CannotShow(why).into()),
            Told::Failed(error) => Err(anyhow!("child {child}: {error}")),
        }
    }
}

/// Readable when it has told, or has ended.
impl<T> AsFd for Teller<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.told.as_fd()
    }
}

/// What a child sees while this process waits for it.
pub fn seen_by_child<T: Serialize + DeserializeOwned>(look: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    Teller::fork(&Children::helpers(), look)?.hear()
}

/// What came of a child's work, as JSON in a pipe or a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Told<T> {
    /// What it saw.
    Seen(T),
    /// Why it cannot be seen here.
    Skipped(String),
    /// Why the work failed.
    Failed(String),
}

impl<T> From<anyhow::Result<T>> for Told<T> {
    fn from(result: anyhow::Result<T>) -> Told<T> {
        result.map_or_else(
            |error| match error.downcast_ref() {
                Some(Failure::CannotShow(why) | Failure::NoMoreProcesses(why)) => Told::Skipped(why.clone()),
                _ => Told::Failed(in_one_line(&error)),
            },
            Told::Seen,
        )
    }
}
