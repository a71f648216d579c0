//! Go's side of the note, docs/go: built once for all checks of a program, outside their time, and asked by each.
//!
//! A check that asks Go has the key `go` in claims.toml. Without `go` on PATH it is skipped.
//!
//! Go: `go build`. Man: none; `go help environment`.

use std::env;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, anyhow, bail};
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
    "go.mod" "main.go" "record.go" "process.go" "golang.go"
    "first_sentences.go" "fork.go" "identity.go" "states.go" "synchronisation.go"
    "pipes.go" "pipes_cmd.go" "listings.go"
    "signals.go" "signals_fates.go" "signals_source.go" "signals_go_run.go"
    "tcp_ip.go" "read.go" "write.go" "close.go" "addresses.go" "deadlines.go"
};

/// Neither the network nor another toolchain, whatever the user has set; his cache makes the second build fast.
const ENVIRONMENT: [(&str, &str); 5] =
    [("GOTOOLCHAIN", "local"), ("GOPROXY", "off"), ("GOFLAGS", "-mod=mod"), ("GOWORK", "off"), ("CGO_ENABLED", "0")];

/// For the process of a check: where the program is, and the heading and step that it is asked for.
const PROGRAM: &str = "GO_SIDE";
const STEP: &str = "GO_SIDE_STEP";

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
    let mut command = Command::new(program);
    command.arg("-json").args(step.split(' ')).envs(ENVIRONMENT);
    let output = command.output().context("run Go's program")?;
    let said = first_line(&String::from_utf8_lossy(&output.stderr));
    match output.status.code() {
        Some(0) => {}
        Some(77) => return Err(Failure::CannotShow(said).into()),
        _ => bail!("go run . {step}: {}: {said}", output.status),
    }
    let lines = String::from_utf8(output.stdout).context("Go's records")?;
    lines.lines().map(|line| serde_json::from_str(line).with_context(|| format!("Go's record {line}"))).collect()
}

/// The program, once it is asked for, or what becomes of the checks without it.
#[derive(Default)]
pub(super) struct Go(Option<Result<Built, (Observed, String)>>);

struct Built {
    folder: Folder,
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
        let Built { folder, version } = built.as_ref().map_err(Clone::clone)?;
        check.env(PROGRAM, folder.path().join("go")).env(STEP, step);
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
    let run = |arguments: &[&str]| -> anyhow::Result<String> {
        let says = folder.path().join("said");
        let file = File::create(&says).context("create a file")?;
        let mut command = Command::new("go");
        command.args(arguments).current_dir(folder.path()).envs(ENVIRONMENT);
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let status = children.spawn(&mut command)?.wait().context("wait for go")?;
        let said = first_line(&fs::read_to_string(&says).context("read what go says")?);
        if status.success() { Ok(said) } else { Err(anyhow!("go {}: {said}", arguments[0])) }
    };
    run(&["build", "-o", "go", "."])?;
    let version = run(&["env", "GOVERSION"])?;
    Ok(Built { folder, version })
}

fn is_on_path() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder: PathBuf| folder.join("go")).any(|file| file.is_file())
}

/// The first that is no heading: go puts the package's name above what is wrong with it.
fn first_line(said: &str) -> String {
    said.lines().find(|line| !line.starts_with('#')).unwrap_or_default().to_owned()
}
