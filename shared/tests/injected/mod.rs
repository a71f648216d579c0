//! A system call that fails for no reason of the experiment's is an error, and not what was seen.

use std::io;

use nix::errno::Errno;

#[path = "../harness/mod.rs"]
mod harness;

/// Runs the program with a failure injected (`strace --inject`); what it prints must stop before the failure.
pub fn is_an_error(program: &str, arguments: &[&str], failure: &str, said: &str) -> io::Result<()> {
    ends_with(1, program, arguments, failure, said)
}

/// Runs the program with a failure injected, which must end it with `code`, after it has `said` why: `{}` stands for the
/// error in the words of the C library.
pub fn ends_with(code: i32, program: &str, arguments: &[&str], failure: &str, said: &str) -> io::Result<()> {
    let Some(strace) = harness::find_tool("strace") else { return Ok(()) };
    let mut strace = harness::command(strace, &["--follow-forks", "--output=/dev/null", "--inject", failure, program]);
    let output = harness::output(strace.args(arguments))?;
    let (shown, errors) = (harness::text(&output.stdout), harness::text(&output.stderr));
    // What is not tried here makes no call that could fail.
    let is_tried = output.status.code() == Some(code) || !errors.contains(": cannot be shown here: ");
    if errors.contains("ptrace") || !is_tried {
        harness::say(format_args!("skipped: {errors}"));
        return Ok(());
    }
    assert_eq!(output.status.code(), Some(code), "{failure} {arguments:?}: {shown}{errors}");
    let said = said.replace("{}", &in_words(failure));
    assert!(errors.contains(&said), "{failure} {arguments:?}: {errors}");
    Ok(())
}

/// Of `read:error=EIO:when=2` the EIO.
fn in_words(failure: &str) -> String {
    let name = failure.split(':').find_map(|part| part.strip_prefix("error="));
    let errno = (1..=133).map(Errno::from_raw).find(|errno| name == Some(&*format!("{errno:?}")));
    errno.map(|errno| io::Error::from(errno).to_string()).unwrap_or_default()
}
