//! Which errors answer what an experiment asks: `EPIPE` of a write says that there is no reader.
//!
//! Man: errno(3).

use std::io;

use nix::libc::{EINTR, EIO, EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSPC, ENOSYS, EPERM};

use crate::linux::readiness::Name;

/// The name of an error that answers. For want of memory or descriptors, or where a filter forbids it, any call can
/// fail: then the experiment has failed, and nothing was seen.
pub fn answer(error: &io::Error) -> io::Result<String> {
    match error.raw_os_error() {
        Some(code @ (EINTR | EIO | EMFILE | ENFILE | ENOBUFS | ENOMEM | ENOSPC | ENOSYS | EPERM)) => {
            Err(io::Error::from_raw_os_error(code))
        }
        _ => Ok(Name(error).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use nix::libc::{EAGAIN, EPIPE};

    use super::*;

    #[test]
    fn what_any_call_can_fail_for_is_no_answer() {
        for (code, name) in [(EPIPE, Some("EPIPE")), (EAGAIN, Some("EAGAIN")), (EMFILE, None), (ENOMEM, None)] {
            assert_eq!(answer(&io::Error::from_raw_os_error(code)).ok().as_deref(), name);
        }
    }
}
