//! Experiments that need what a machine may refuse: a PID namespace, a tracer, a /proc that hides nothing.

use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::failure::{Failure, in_one_line};
use shared::linux::stdio::narrate;

/// Prints the records of a command; what cannot be shown here is said on stderr, and the others go on.
pub struct Showing<'a> {
    out: &'a mut Report,
    any: bool,
}

impl<'a> Showing<'a> {
    pub fn new(out: &'a mut Report) -> Showing<'a> {
        Showing { out, any: false }
    }

    /// One experiment and what it came to. `None` where it cannot be shown.
    pub fn record<T: Serialize>(&mut self, experiment: &str, result: anyhow::Result<T>) -> anyhow::Result<Option<T>> {
        match possible(result)? {
            Ok(record) => {
                self.out.pairs(&record)?;
                self.any = true;
                Ok(Some(record))
            }
            Err(why) => {
                narrate(format_args!("{experiment}: cannot be shown here: {why}"));
                Ok(None)
            }
        }
    }

    /// An error when there was nothing to show.
    pub fn finish(self) -> anyhow::Result<()> {
        if self.any { Ok(()) } else { Err(Failure::CannotShow("none of the experiments is possible".into()).into()) }
    }
}

/// What an experiment came to, or why it is not possible here.
pub fn possible<T>(result: anyhow::Result<T>) -> anyhow::Result<Result<T, String>> {
    match result {
        Ok(shown) => Ok(Ok(shown)),
        Err(error) => match error.downcast::<Failure>()? {
            Failure::CannotShow(why) => Ok(Err(why)),
            failure => Err(failure.into()),
        },
    }
}

/// For want of `what`, whatever the error is.
pub fn cannot_show(what: &str, error: &anyhow::Error) -> Failure {
    Failure::CannotShow(match error.downcast_ref() {
        Some(Failure::CannotShow(why)) => format!("{what}: {why}"),
        _ => format!("{what}: {}", in_one_line(error)),
    })
}
