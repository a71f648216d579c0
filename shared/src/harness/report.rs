//! The result on stdout (text or JSON lines), narration and errors on stderr, and the exit code.
//!
//! | exit code | when |
//! |---|---|
//! | 0 | done; also when the reader of stdout has gone (`| head -1`) |
//! | 1 | failed |
//! | 2 | wrong usage |
//! | 77 | cannot be shown on this machine |
//! | 124 | a deadline passed |
//! | other | the exit code of a child, 128+N if signal N ended it |
//!
//! What a signal breaks off ends by that signal, so that shells see 128+N.

use std::fmt;
use std::io::{self, BufWriter, ErrorKind, Stdout, Write};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Instant;

use nix::sys::signal::Signal;
use serde::Serialize;
use serde_json::Value;

use crate::harness::stdio::{Patient, stdout_is_open};
use crate::linux::readiness::is_timeout;
use crate::linux::signals;

/// An error that decides the exit code. Every other error is 1.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// 0: whoever read stdout has gone.
    ReaderGone,
    /// 1: and everything about it has been said.
    AlreadySaid,
    /// 2.
    Usage(String),
    /// 77.
    CannotShow(String),
    /// 124.
    Deadline(String),
    /// No code: the program ends by the signal that broke it off, whose sender knows.
    Interrupted(Signal),
    /// The exit code of a child; it spoke for itself.
    Child(u8),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Failure::ReaderGone => 0,
            Failure::AlreadySaid => 1,
            Failure::Usage(_) => 2,
            Failure::CannotShow(_) => 77,
            Failure::Deadline(_) => 124,
            Failure::Interrupted(signal) => 128 + *signal as u8,
            Failure::Child(code) => *code,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::ReaderGone | Failure::AlreadySaid | Failure::Interrupted(_) | Failure::Child(_) => Ok(()),
            Failure::CannotShow(why) => write!(f, "cannot be shown here: {why}"),
            Failure::Usage(what) | Failure::Deadline(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Failure {}

/// Says on stderr why a program failed, in one line, and gives the code to exit with; or ends it by a signal.
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

/// The program's name, before which no error is told.
static PROGRAM: OnceLock<String> = OnceLock::new();

/// Errors begin with `program` from now on.
pub fn name(program: &str) {
    PROGRAM.get_or_init(|| program.to_owned());
}

/// An error, in one line on stderr.
pub fn complain(error: &anyhow::Error) {
    narrate(format_args!("{}: {error:#}", PROGRAM.get().map_or("error", String::as_str)));
}

/// One line on stderr, in one write(2). There is nobody to tell when stderr fails.
pub fn narrate(line: fmt::Arguments<'_>) {
    let _ = Patient::new(io::stderr().lock()).write_all(format!("{line}\n").as_bytes());
}

/// One line on stdout, in one write(2): for threads that print beside each other. Whoever holds the lock of stdout
/// holds them up.
pub fn print(line: fmt::Arguments<'_>) -> anyhow::Result<()> {
    stdout_is_open()?;
    written(Patient::new(io::stdout().lock()).write_all(format!("{line}\n").as_bytes()))
}

/// How much payload one write(2) takes.
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

    fn print_json(&mut self, record: &impl Serialize) -> anyhow::Result<()> {
        let json = serde_json::to_string(record)?;
        self.line(format_args!("{json}"))
    }

    /// A line of text, at once.
    pub fn line(&mut self, line: fmt::Arguments<'_>) -> anyhow::Result<()> {
        stdout_is_open()?;
        written(writeln!(self.out, "{line}"))?;
        self.flush()
    }

    /// By when all must have been written: a reader that takes nothing is then a timeout.
    pub fn set_deadline(&mut self, deadline: Instant) {
        self.out.get_mut().set_deadline(deadline);
    }

    /// Bytes as they are, not before [`Report::flush`].
    pub fn payload(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        written(self.out.write_all(bytes))
    }

    /// Whoever waits for what was written so far gets it.
    pub fn flush(&mut self) -> anyhow::Result<()> {
        written(self.out.flush())
    }
}

/// What a peer sent, for logs and terminals: in one line, and with nothing in it that a terminal would obey.
pub fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            let turns_the_line_around = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if c.is_control() || turns_the_line_around { text.extend(c.escape_default()) } else { text.push(c) }
        }
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

/// What a write to stdout came to: that its reader has gone is no failure of ours.
pub fn written(result: io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::ReaderGone.into()),
        Err(error) if is_timeout(&error) => Err(Failure::Deadline("write stdout: i/o timeout".into()).into()),
        Err(error) => Err(anyhow::Error::new(error).context("write stdout")),
        Ok(()) => Ok(()),
    }
}

/// `bytes=65536 how="all at once"`: a value is quoted where it would not stay one word.
pub(crate) struct Pairs(pub(crate) Value);

impl fmt::Display for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = "";
        for (name, value) in self.0.as_object().into_iter().flatten() {
            match value {
                Value::Null => continue,
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
    use super::*;

    #[derive(Serialize)]
    struct Sample {
        bytes: usize,
        how: &'static str,
        what: Option<&'static str>,
        word: &'static str,
    }

    #[test]
    fn pairs_keep_their_order_and_quote_what_is_not_one_word() {
        let sample = Sample { bytes: 65536, how: "all at once", what: None, word: "SIGINT" };
        let value = serde_json::to_value(sample).unwrap();
        assert_eq!(Pairs(value).to_string(), r#"bytes=65536 how="all at once" word=SIGINT"#);
    }

    #[test]
    fn what_a_peer_sent_stays_one_line_and_chinese_stays_readable() {
        assert_eq!(escaped("三次方根\n\u{1b}[2J\t".as_bytes()), r"三次方根\n\u{1b}[2J\t");
        assert_eq!(escaped(b"a\xff\xe4\xb8b"), r"a\xff\xe4\xb8b");
        assert_eq!(escaped("\u{202e}evil\\".as_bytes()), r"\u{202e}evil\");
    }

    #[test]
    fn a_failure_keeps_its_code_under_context() {
        let error = anyhow::Error::new(Failure::Deadline("too late".into()));
        assert_eq!(format!("{:?}", exit(Err(error.context("read")))), format!("{:?}", ExitCode::from(124)));
    }
}
