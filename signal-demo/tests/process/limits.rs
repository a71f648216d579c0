//! What becomes of process-demo where descriptors and threads are few, and calls fail.

use crate::{PROGRAM, injected, starved};

#[test]
fn no_command_hangs_or_panics_for_want_of_descriptors_or_threads() {
    let commands: [&[&str]; 9] = [
        &["demo"],
        &["fork", "--pages", "50"],
        &["orphan"],
        &["ids"],
        &["pids"],
        &["states"],
        &["memory"],
        &["syscalls"],
        &["switching"],
    ];
    starved::every_command_ends_and_says_why(PROGRAM, &commands);
}

#[test]
fn what_a_call_fails_for_that_was_not_asked_is_no_observation() -> std::io::Result<()> {
    let failures: [(&[&str], &str, &str); 7] = [
        (&["fork"], "getrusage:error=ENOSYS", "getrusage: {}"),
        (&["fork"], "prctl:error=EPERM:when=1", "PR_SET_PDEATHSIG"),
        (&["orphan"], "setsid:error=EPERM:when=1", "setsid: {}"),
        (&["states", "R"], "prctl:error=EPERM:when=1", "PR_SET_PDEATHSIG: {}"),
        (&["states", "R"], "readlink:error=EIO", "read /proc/self: {}"),
        (&["pids"], "clone,?fork:error=ENOMEM", "fork: {}"),
        (&["pids"], "kill:error=EPERM:when=1", "send SIGKILL to child"),
    ];
    for (command, failure, said) in failures {
        injected::is_an_error(PROGRAM, command, failure, said)?;
    }
    Ok(())
}

/// As a container's seccomp profile does. The other experiments go on.
#[test]
fn a_call_that_is_refused_is_what_cannot_be_shown() -> std::io::Result<()> {
    let refused = [
        ("vmsplice:error=EPERM", "a page in a pipe: cannot be shown here: vmsplice: {}\n"),
        ("vmsplice:error=ENOSYS", "a page in a pipe: cannot be shown here: vmsplice: {}\n"),
        (
            "process_vm_writev:error=EPERM",
            "writing into another process: cannot be shown here: process_vm_writev: {}\n",
        ),
    ];
    for (failure, said) in refused {
        injected::ends_with(0, PROGRAM, &["memory"], failure, said)?;
    }
    Ok(())
}
