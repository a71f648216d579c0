//! A command that shows several things, some of which a machine may refuse: a second CPU, a PID namespace, a tracer.

use serde::Serialize;

use super::report::Report;
use crate::linux::failure::{Failure, possible};
use crate::linux::stdio::narrate;

/// Prints the records of a command; what cannot be shown here is said on stderr, and the others go on.
pub struct Showing<'a> {
    out: &'a mut Report,
    any: bool,
}

impl<'a> Showing<'a> {
    /// Prints to `out`.
    pub fn new(out: &'a mut Report) -> Showing<'a> {
        Showing { out, any: false }
    }

    /// What one experiment came to.
    pub fn record<T: Serialize>(&mut self, experiment: &str, result: anyhow::Result<T>) -> anyhow::Result<()> {
        self.records(experiment, result.map(|record| [record]))
    }

    /// What an experiment with several records came to.
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

    /// 77 when there was nothing to show.
    pub fn finish(self) -> anyhow::Result<()> {
        if self.any { Ok(()) } else { Err(Failure::CannotShow("none of the experiments is possible".into()).into()) }
    }
}
