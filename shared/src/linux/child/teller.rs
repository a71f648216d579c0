//! A child that looks at something and tells what it saw.
//!
//! Note: 进程的衍生. Go: none, its programs cannot fork. Man: fork(2), pipe(7).

use std::io::{self, PipeReader};
use std::marker::PhantomData;

use anyhow::{Context, anyhow};
use nix::unistd::Pid;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Children, wait_for};
use crate::linux::failure::Failure;

/// A child that has yet to be heard.
#[derive(Debug)]
pub struct Teller<T> {
    /// Its PID.
    pub pid: Pid,
    told: PipeReader,
    what: PhantomData<T>,
}

/// Why it saw nothing.
#[derive(Serialize, Deserialize)]
enum Why {
    CannotShow(String),
    Failed(String),
}

impl<T: Serialize + DeserializeOwned> Teller<T> {
    /// Forks a child that does `look`.
    pub fn fork(children: &Children, look: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<Teller<T>> {
        let (told, tell) = io::pipe().context("pipe")?;
        let pid = children.fork(|| {
            let seen = look().map_err(|error| match error.downcast_ref() {
                Some(Failure::CannotShow(why)) => Why::CannotShow(why.clone()),
                _ => Why::Failed(format!("{error:#}")),
            });
            u8::from(serde_json::to_writer(&tell, &seen).is_err())
        })?;
        Ok(Teller { pid, told, what: PhantomData })
    }

    /// What it saw; it has ended then.
    pub fn hear(self) -> anyhow::Result<T> {
        let told = io::read_to_string(self.told).context("read what a child tells")?;
        wait_for(self.pid)?;
        match serde_json::from_str(&told).context("what a child tells")? {
            Ok(seen) => Ok(seen),
            Err(Why::CannotShow(why)) => Err(Failure::CannotShow(why).into()),
            Err(Why::Failed(why)) => Err(anyhow!("child {}: {why}", self.pid)),
        }
    }
}

/// What a child sees while this process waits for it.
pub fn seen_by_child<T: Serialize + DeserializeOwned>(
    children: &Children,
    look: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    Teller::fork(children, look)?.hear()
}
