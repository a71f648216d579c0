//! Experiments that need what a machine may refuse: a PID namespace, a tracer, a /proc that hides nothing.

use shared::linux::failure::Failure;

/// What it came to, or why it is not possible here.
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
