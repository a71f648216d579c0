//! Experiments that need what a machine may refuse: a PID namespace, a tracer, a /proc that hides nothing.

use serde::Serialize;
use shared::harness::report::Report;
use shared::linux::failure::Failure;
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

    /// An experiment, and its record.
    pub fn record<T: Serialize>(&mut self, experiment: &str, result: anyhow::Result<T>) -> anyhow::Result<()> {
        self.records(experiment, result.map(|record| [record]))
    }

    /// An experiment of several records.
    pub fn records<T: Serialize, const N: usize>(
        &mut self,
        experiment: &str,
        result: anyhow::Result<[T; N]>,
    ) -> anyhow::Result<()> {
        match possible(result)? {
            Ok(records) => {
                self.any = true;
                records.iter().try_for_each(|record| self.out.pairs(record))
            }
            Err(why) => {
                narrate(format_args!("{experiment}: cannot be shown here: {why}"));
                Ok(())
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
        _ => format!("{what}: {error:#}"),
    })
}
