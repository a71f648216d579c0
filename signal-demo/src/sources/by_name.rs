//! Whom the note's chain of `ps`, `grep` and `awk` finds: every process with that name on its command line, be it the
//! program, the `go run` that started it, or an editor that has its source open (claim 211).
//!
//! Note: 信号 (`ps aux | grep "mysignal"`). Go: `os.FindProcess` takes the PID. Man: ps(1), grep(1), proc_pid_cmdline(5).

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{self, Command, Stdio};

use anyhow::Context;
use serde::Serialize;
use shared::linux::child::{Child, Children};
use shared::linux::failure::Failure;

/// The processes with the name on their command lines, and those that the chain found, without and with
/// `grep -v "go run"`.
#[derive(Debug, Serialize)]
pub struct Search {
    pub program_pid: i32,
    pub go_run_pid: i32,
    pub editor_pid: i32,
    pub found_pids: Vec<i32>,
    pub found_without_go_run_pids: Vec<i32>,
}

pub fn search() -> anyhow::Result<Search> {
    let header = output("ps aux 2>&1 | head -n 1")?;
    if header.split_whitespace().nth(1) != Some("PID") {
        return Err(Failure::CannotShow(format!("ps aux has no PID in its second column: {}", header.trim())).into());
    }
    // Nobody else's.
    let name = format!("mysignal{}", process::id());
    let children = Children::helpers();
    let program = asleep(&children, &format!("/tmp/{name}"), "")?;
    let go_run = asleep(&children, "go", &format!("go run {name}.go"))?;
    let editor = asleep(&children, "vi", &format!("{name}.go"))?;
    let chain = |filter: &str| pids(&format!("ps aux | grep '{name}' | grep -v grep {filter} | awk '{{print $2}}'"));
    Ok(Search {
        program_pid: program.id(),
        go_run_pid: go_run.id(),
        editor_pid: editor.id(),
        found_pids: chain("")?,
        found_without_go_run_pids: chain("| grep -v 'go run'")?,
    })
}

/// A process that does nothing, under this name and with this argument.
fn asleep(children: &Children, name: &str, argument: &str) -> anyhow::Result<Child> {
    let mut command = Command::new("sh");
    children.spawn(command.arg0(name).args(["-c", "read end", argument]).stdin(Stdio::piped()))
}

fn pids(script: &str) -> anyhow::Result<Vec<i32>> {
    let found = output(script)?;
    found.split_whitespace().map(|pid| pid.parse().with_context(|| format!("{script}: {found}"))).collect()
}

fn output(script: &str) -> anyhow::Result<String> {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdout(Stdio::piped()).stderr(Stdio::null());
    let children = Children::helpers();
    let mut sh = children.spawn(&mut command)?;
    let mut text = String::new();
    sh.stdout.take().context("sh has no stdout")?.read_to_string(&mut text).context("read what sh prints")?;
    sh.wait().context("wait for sh")?;
    Ok(text)
}
