//! What a child tells of its work, as JSON in a pipe or a file: what it saw, or why it saw nothing.

use serde::{Deserialize, Serialize};

use crate::linux::failure::{Failure, in_one_line};

/// The result of a child's work.
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
