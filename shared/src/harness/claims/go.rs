//! Go's side of the note, docs/go: built once for all checks of a program, outside their time, and asked by each.
//!
//! A check that asks Go has the key `go` in claims.toml. Without `go` on PATH it is skipped.
//!
//! Go: `go build`. Man: none; `go help environment`.

use std::env;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use nix::sys::memfd::{MFdFlags, memfd_create};
use serde::de::DeserializeOwned;

use super::record::Observed;
use crate::linux::child::Children;
use crate::linux::failure::{Failure, in_one_line};
use crate::linux::scratch::Folder;

macro_rules! sources {
    ($($name:literal)*) => { &[$(($name, include_str!(concat!("../../../../docs/go/", $name)))),*] };
}

/// The files of docs/go.
pub const SOURCES: &[(&str, &str)] = sources! {
    "go.mod" "main.go" "record.go" "process.go"
    "first_sentences.go" "fork.go" "identity.go" "states.go" "memory.go" "system_calls.go" "scheduling.go"
    "synchronisation.go"
    "pipes.go" "pipes_cmd.go" "signals.go" "signals_programs.go"
    "socket_features.go" "tcp_ip.go" "read.go" "write.go" "close.go" "addresses.go" "deadlines.go"
};

/// For this machine, with neither the network nor another toolchain, whatever the user has set. The user's cache makes
/// the second build fast. No version control is asked: a checkout may be another user's.
pub const ENVIRONMENT: [(&str, &str); 8] = [
    ("GOTOOLCHAIN", "local"),
    ("GOPROXY", "off"),
    ("GOFLAGS", "-mod=mod -buildvcs=false"),
    ("GOWORK", "off"),
    ("CGO_ENABLED", "0"),
    ("GOENV", "off"),
    ("GOOS", ""),
    ("GOARCH", ""),
];

/// What needs a folder, where there is no usable HOME.
const CACHES: [&str; 2] = ["GOCACHE", "GOPATH"];

/// For the process of a check: where the program is, and the heading and step that it is asked for.
const PROGRAM: &str = "GO_SIDE";
const STEP: &str = "GO_SIDE_STEP";

/// Not beside go.mod: go takes no module that lies in TMPDIR itself.
const TEMPORARY: &str = "tmp";

/// The first build on a machine compiles the standard library too.
const PATIENCE: Duration = Duration::from_secs(300);

/// What Go tells of the step that the row of this check names: one record.
pub fn record<T: DeserializeOwned>() -> anyhow::Result<T> {
    let mut records = records()?;
    match (records.pop(), records.is_empty()) {
        (Some(record), true) => Ok(record),
        _ => bail!("go: not one record"),
    }
}

/// The same of a step with several records.
pub fn records<T: DeserializeOwned>() -> anyhow::Result<Vec<T>> {
    let [program, step] = [PROGRAM, STEP].map(|name| env::var(name).with_context(|| format!("${name}")));
    let (program, step) = (program?, step?);
    let mut command = Command::new(&program);
    command.arg("-json").args(step.split(' ')).envs(ENVIRONMENT);
    // What it is making when it is killed goes with the folder.
    command.env("TMPDIR", Path::new(&program).with_file_name(TEMPORARY));
    let (status, lines, said) = run(&mut command, &Children::helpers())?;
    match status.code() {
        Some(0) => {}
        Some(77) => return Err(Failure::CannotShow(first_line(&said)).into()),
        _ => bail!("go run . {step}: {status}: {}", first_line(&said)),
    }
    lines.lines().map(|line| serde_json::from_str(line).with_context(|| format!("Go's record {line}"))).collect()
}

/// The program, once it is asked for, or what becomes of the checks without it.
#[derive(Default)]
pub(super) struct Go(Option<Result<Built, (Observed, String)>>);

struct Built {
    folder: Folder,
    /// Where the user's is of no use.
    cache: Option<PathBuf>,
    /// As in `go1.19.8`.
    version: String,
}

impl Go {
    /// Has the process of a check ask for `step`, and tells Go's version.
    pub(super) fn offer(
        &mut self,
        step: &str,
        check: &mut Command,
        children: &Children,
    ) -> Result<String, (Observed, String)> {
        let built = self.0.get_or_insert_with(|| {
            build(children).map_err(|error| match error.downcast_ref() {
                Some(Failure::CannotShow(why)) => (Observed::Skipped, why.clone()),
                _ => (Observed::Failed, in_one_line(&error)),
            })
        });
        let Built { folder, cache, version } = built.as_ref().map_err(Clone::clone)?;
        check.env(PROGRAM, folder.path().join("note")).env(STEP, step);
        check.envs(cache.iter().flat_map(|cache| CACHES.map(|name| (name, cache))));
        Ok(version.clone())
    }
}

fn build(children: &Children) -> anyhow::Result<Built> {
    if !is_on_path() {
        return Err(Failure::CannotShow("go is not on PATH".to_owned()).into());
    }
    let folder = Folder::make("go")?;
    for (name, text) in SOURCES {
        fs::write(folder.path().join(name), text).with_context(|| format!("write {name}"))?;
    }
    let temporary = folder.path().join(TEMPORARY);
    fs::create_dir(&temporary).context("make a folder")?;
    let go = |arguments: &[&str], cache: Option<&PathBuf>| {
        let mut command = Command::new("go");
        command.args(arguments).current_dir(folder.path()).envs(ENVIRONMENT).env("GOTMPDIR", &temporary);
        command.envs(cache.into_iter().flat_map(|cache| CACHES.map(|name| (name, cache))));
        let (status, answer, said) = run(&mut command, children)?;
        ensure!(status.success(), "go {}: {}", arguments[0], first_line(&said));
        Ok(first_line(&answer))
    };
    let build = ["build", "-o", "note", "."];
    let mut cache = None;
    if go(&build, None).is_err() {
        cache = Some(folder.path().join("cache"));
        go(&build, cache.as_ref())?;
    }
    ensure!(folder.path().join("note").exists(), "go build: it has built nothing");
    let version = go(&["env", "GOVERSION"], cache.as_ref())?;
    Ok(Built { folder, cache, version })
}

/// How the command ends, and what it writes to stdout and stderr. What it leaves goes with `children`.
///
/// It is forked: what posix_spawn(3) starts ignores signals 32 and 33.
fn run(command: &mut Command, children: &Children) -> anyhow::Result<(ExitStatus, String, String)> {
    let file = || anyhow::Ok(File::from(memfd_create("output", MFdFlags::MFD_CLOEXEC).context("memfd_create")?));
    let text = |mut file: File| {
        let mut bytes = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut bytes)).context("read what go says")?;
        anyhow::Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let (stdout, stderr) = (file()?, file()?);
    command.stdin(Stdio::null()).stdout(stdout.try_clone()?).stderr(stderr.try_clone()?);
    let mut child = children.spawn(command)?;
    ensure!(child.ends_by(Instant::now() + PATIENCE)?, "go is not done after {PATIENCE:?}");
    let status = child.wait().context("wait for go")?;
    Ok((status, text(stdout)?, text(stderr)?))
}

fn is_on_path() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join("go")).any(|file| file.is_file())
}

/// The first that is no heading: go puts the package's name above what is wrong with it.
fn first_line(said: &str) -> String {
    said.lines().find(|line| !line.starts_with('#')).unwrap_or_default().to_owned()
}
