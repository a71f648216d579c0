//! A system call that fails for no reason of the experiment's is an error, and not what was seen.

use std::io;

#[path = "../harness/mod.rs"]
mod harness;

/// Runs the program with a failure injected (`strace --inject`); what it prints must stop before the failure.
pub fn is_an_error(program: &str, arguments: &[&str], failure: &str, said: &str) -> io::Result<()> {
    ends_with(1, program, arguments, failure, said)
}

/// Runs the program with a failure injected, which must end it with `code`, after it has `said` why.
pub fn ends_with(code: i32, program: &str, arguments: &[&str], failure: &str, said: &str) -> io::Result<()> {
    let Some(strace) = harness::find_tool("strace") else { return Ok(()) };
    let mut strace = harness::command(strace, &["--follow-forks", "--output=/dev/null", "--inject", failure, program]);
    let output = harness::output(strace.args(arguments))?;
    let (shown, errors) = (harness::text(&output.stdout), harness::text(&output.stderr));
    if errors.contains("ptrace") {
        harness::say(format_args!("skipped: {errors}"));
        return Ok(());
    }
    assert_eq!(output.status.code(), Some(code), "{failure} {arguments:?}: {shown}{errors}");
    assert!(errors.contains(said), "{failure} {arguments:?}: {errors}");
    Ok(())
}
