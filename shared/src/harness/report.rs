//! The result on stdout (text or JSON lines), narration and errors on stderr, and the exit code.
//!
//! A reader of stdout that has gone (`| head -1`) is no failure.
//! What a signal breaks off ends by that signal, so that shells see 128+N.

use std::fmt;
use std::io::{self, BufWriter, ErrorKind, Stdout, Write};
use std::process::ExitCode;
use std::time::Instant;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::linux::failure::{Failure, call_failed};
use crate::linux::signals;
use crate::linux::stdio::{Patient, complain, detail, narrate, stdout_is_open};

/// Reports a failure in one line on stderr and returns the exit code; or ends the program by the signal that came.
pub fn exit(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    let failure = error.downcast_ref::<Failure>();
    if let Some(Failure::Interrupted(signal)) = failure {
        signals::end_by(*signal);
    }
    if !failure.is_some_and(|failure| failure.to_string().is_empty()) {
        complain(&error);
    }
    ExitCode::from(failure.map_or(1, Failure::code))
}

/// One line on stdout, in one write(2), for threads that print side by side. A thread that holds the lock of stdout
/// holds up the others.
pub fn print(line: fmt::Arguments<'_>) -> anyhow::Result<()> {
    stdout_is_open()?;
    written(Patient::new(io::stdout().lock()).write_all(format!("{line}\n").as_bytes()))
}

/// Bytes of payload for each write(2).
const BUFFER: usize = 64 << 10;

/// Writes the result of a command to stdout.
#[derive(Debug)]
pub struct Report {
    out: BufWriter<Patient<Stdout>>,
    json: bool,
}

impl Report {
    /// `json` turns records into JSON lines.
    pub fn new(json: bool) -> Report {
        Report { out: BufWriter::with_capacity(BUFFER, Patient::new(io::stdout())), json }
    }

    /// Whether records are JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// For a command whose result cannot be JSON: then asking for it is wrong usage.
    pub fn refuse_json(&self) -> Result<(), Failure> {
        if self.json { Err(Failure::Usage("this command has no records to print as JSON".into())) } else { Ok(()) }
    }

    /// Another that prints in the same way, for a thread of its own.
    #[must_use]
    pub fn for_thread(&self) -> Report {
        Report::new(self.json)
    }

    /// A record as `name=value` pairs, or as JSON.
    pub fn pairs(&mut self, record: &impl Serialize) -> anyhow::Result<()> {
        if self.json {
            self.print_json(record)
        } else {
            self.line(format_args!("{}", Pairs(serde_json::to_value(record)?)))
        }
    }

    /// A record in its own words, or as JSON.
    pub fn record(&mut self, record: &(impl Serialize + fmt::Display)) -> anyhow::Result<()> {
        if self.json { self.print_json(record) } else { self.line(format_args!("{record}")) }
    }

    /// A record beside a payload that has stdout for itself: on stderr, as JSON, or in its own words with `-v`.
    pub fn beside(&self, record: &(impl Serialize + fmt::Display)) -> anyhow::Result<()> {
        if self.json {
            narrate(format_args!("{}", json(record)?));
        } else {
            detail(format_args!("{record}"));
        }
        Ok(())
    }

    /// A line of text above records, which JSON has no need of.
    pub fn heading(&mut self, line: fmt::Arguments<'_>) -> anyhow::Result<()> {
        if self.json { Ok(()) } else { self.line(line) }
    }

    fn print_json(&mut self, record: &impl Serialize) -> anyhow::Result<()> {
        self.line(format_args!("{}", json(record)?))
    }

    /// A line of text, at once.
    pub fn line(&mut self, line: fmt::Arguments<'_>) -> anyhow::Result<()> {
        stdout_is_open()?;
        written(writeln!(self.out, "{line}"))?;
        self.flush()
    }

    /// The deadline for all writes: a reader that takes nothing by then is a timeout.
    pub fn set_deadline(&mut self, deadline: Instant) {
        self.out.get_mut().set_deadline(deadline);
    }

    /// Buffers bytes as they are; [`Report::flush`] writes the last of them.
    pub fn payload(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        stdout_is_open()?;
        written(self.out.write_all(bytes))
    }

    /// Writes what is buffered.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        written(self.out.flush())
    }
}

/// The result of a write to stdout; a reader that has gone is no failure of ours.
pub fn written(result: io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::ReaderGone.into()),
        Err(error) => Err(call_failed("write stdout", error)),
        Ok(()) => Ok(()),
    }
}

fn json(record: &impl Serialize) -> anyhow::Result<Value> {
    Ok(Value::Object(flat(serde_json::to_value(record)?)))
}

/// A record's keys and values, as JSON has them: what is absent has no key, and what is inside a value has a longer
/// one, `read_error`.
fn flat(record: Value) -> Map<String, Value> {
    let mut pairs = Map::new();
    let Value::Object(members) = record else { return pairs };
    for (key, value) in members {
        match value {
            Value::Null => (),
            Value::Object(_) => {
                pairs.extend(flat(value).into_iter().map(|(name, value)| (format!("{key}_{name}"), value)));
            }
            value => drop(pairs.insert(key, value)),
        }
    }
    pairs
}

/// `bytes=65536 how="all at once"`: a value is quoted where it would not stay one word.
pub(crate) struct Pairs(pub(crate) Value);

impl fmt::Display for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = "";
        for (name, value) in flat(self.0.clone()) {
            let name = name.strip_suffix("_error").unwrap_or(&name);
            match &value {
                Value::String(word) if is_word(word) => write!(f, "{before}{name}={word}")?,
                _ => write!(f, "{before}{name}={value}")?,
            }
            before = " ";
        }
        Ok(())
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '=')
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::*;
    use crate::linux::answer::Outcome;

    #[derive(Serialize)]
    struct Sample {
        bytes: usize,
        how: &'static str,
        what: Option<&'static str>,
        read: Outcome,
        write: Outcome,
        word: &'static str,
    }

    const SAMPLE: Sample = Sample {
        bytes: 65536,
        how: "all at once",
        what: None,
        read: Outcome::Done(0),
        write: Outcome::Failed(Errno::EPIPE),
        word: "SIGINT",
    };

    #[test]
    fn pairs_keep_their_order_and_quote_what_is_not_one_word() {
        let value = serde_json::to_value(SAMPLE).unwrap();
        assert_eq!(Pairs(value).to_string(), r#"bytes=65536 how="all at once" read=0 write=EPIPE word=SIGINT"#);
    }

    #[test]
    fn in_json_an_error_has_a_key_of_its_own_and_what_is_absent_has_none() {
        let json = Value::Object(flat(serde_json::to_value(SAMPLE).unwrap())).to_string();
        let as_expected = r#"{"bytes":65536,"how":"all at once","read":0,"write_error":"EPIPE","word":"SIGINT"}"#;
        assert_eq!(json, as_expected);
    }

    #[test]
    fn a_failure_keeps_its_code_under_context() {
        let error = anyhow::Error::new(Failure::Deadline("too late".into()));
        assert_eq!(format!("{:?}", exit(Err(error.context("read")))), format!("{:?}", ExitCode::from(124)));
    }
}
