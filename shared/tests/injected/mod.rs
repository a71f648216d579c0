//! A system call that fails for no reason of the experiment's is an error, and not what was seen.

use std::io::{self, Write};
use std::process::Command;

/// Runs the program with a failure injected (`strace --inject`); what it prints must stop before the failure.
pub fn is_an_error(program: &str, arguments: &[&str], failure: &str, said: &str) -> io::Result<()> {
    let mut strace = Command::new("strace");
    strace.args(["--follow-forks", "--output=/dev/null", "--inject", failure, program]).args(arguments);
    let output = match strace.output() {
        Err(error) => return writeln!(io::stderr(), "skipped: strace: {error}"),
        Ok(output) => output,
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("ptrace") {
        return writeln!(io::stderr(), "skipped: {errors}");
    }
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{failure} {arguments:?}: {shown}{errors}");
    assert!(errors.contains(said), "{failure} {arguments:?}: {errors}");
    Ok(())
}
