//! Experiments that need what a machine may refuse: a PID namespace, a tracer, a /proc that hides nothing.

use std::io::{self, ErrorKind};

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

    pub fn record<T: Serialize>(&mut self, experiment: &str, result: anyhow::Result<T>) -> anyhow::Result<()> {
        self.records(experiment, result.map(|record| [record]))
    }

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
            Failure::CannotShow(why) | Failure::NoMoreProcesses(why) => Ok(Err(why)),
            failure => Err(failure.into()),
        },
    }
}

/// Repeats an experiment until nothing has disturbed it, at most `tries` times.
pub fn repeated<T>(
    tries: usize,
    experiment: impl Fn() -> anyhow::Result<T>,
    is_undisturbed: impl Fn(&T) -> bool,
) -> anyhow::Result<T> {
    let mut seen = experiment()?;
    for _ in 1..tries {
        if !is_undisturbed(&seen) {
            seen = experiment()?;
        }
    }
    Ok(seen)
}

/// What is missing here, or not allowed, cannot be shown. Every other error is one.
pub fn accessible<T>(what: &str, result: Result<T, impl Into<io::Error>>) -> anyhow::Result<T> {
    result.map_err(Into::into).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::Unsupported => {
            Failure::CannotShow(format!("{what}: {error}")).into()
        }
        _ => anyhow::Error::new(error).context(what.to_owned()),
    })
}

/// For want of `what`, whatever the error is.
pub fn cannot_show(what: &str, error: &anyhow::Error) -> Failure {
    Failure::CannotShow(match error.downcast_ref() {
        Some(Failure::CannotShow(why)) => format!("{what}: {why}"),
        _ => format!("{what}: {}", in_one_line(error)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_be_opened_cannot_be_shown_and_what_cannot_be_is_an_error() {
        let opened = |errno| possible(accessible("open it", Err::<(), _>(io::Error::from_raw_os_error(errno))));
        for errno in [libc::ENOENT, libc::EACCES, libc::EPERM, libc::EROFS, libc::ENOSYS] {
            assert!(opened(errno).is_ok_and(|why| why.is_err()), "{errno}");
        }
        for errno in [libc::EMFILE, libc::EIO, libc::ENOMEM] {
            assert!(opened(errno).is_err(), "{errno}");
        }
    }
}
