//! The result on stdout (text or JSON lines), narration and errors on stderr, and the exit code.
//!
//! | exit code | when |
//! |---|---|
//! | 0 | done; also when the reader of stdout has gone (`| head -1`) |
//! | 1 | failed |
//! | 2 | wrong usage |
//! | 77 | cannot be shown on this machine |
//! | 124 | a deadline passed |
//! | 130 | a signal asked for the end before it was done |
//! | other | the exit code of a child, 128+N if signal N ended it |

use std::fmt;
use std::io::{self, BufWriter, ErrorKind, Stdout, Write};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::Value;

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
    /// 130: whoever sent the signal knows.
    Interrupted,
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
            Failure::Interrupted => 130,
            Failure::Child(code) => *code,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::ReaderGone | Failure::AlreadySaid | Failure::Interrupted | Failure::Child(_) => Ok(()),
            Failure::CannotShow(why) => write!(f, "cannot be shown here: {why}"),
            Failure::Usage(what) | Failure::Deadline(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Failure {}

/// Says on stderr why a program failed, in one line, and gives the code to exit with.
pub fn exit(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    let failure = error.downcast_ref::<Failure>();
    if !failure.is_some_and(|failure| failure.to_string().is_empty()) {
        narrate(format_args!("error: {error:#}"));
    }
    ExitCode::from(failure.map_or(1, Failure::code))
}

/// One line on stderr. There is nobody to tell when stderr fails.
pub fn narrate(line: fmt::Arguments<'_>) {
    let _ = io::stderr().lock().write_fmt(format_args!("{line}\n"));
}

/// What somebody else wrote, safe to show in one line: control characters, invisible ones and invalid bytes
/// are escaped, and the backslash with them; Chinese stays Chinese.
#[must_use]
pub fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if matches!(c, '\'' | '"') { text.push(c) } else { text.extend(c.escape_debug()) }
        }
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

/// Writes the result of a command to stdout.
#[derive(Debug)]
pub struct Report {
    out: BufWriter<Stdout>,
    json: bool,
}

impl Report {
    /// `json` turns records into JSON lines.
    pub fn new(json: bool) -> Report {
        Report { out: BufWriter::new(io::stdout()), json }
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
        written(writeln!(self.out, "{line}"))?;
        self.flush()
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

/// What a write to stdout came to: that its reader has gone is no failure of ours.
pub fn written(result: io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::ReaderGone.into()),
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
    fn what_somebody_else_wrote_is_one_line_that_tells_all_apart() {
        let sent = "立方根 'é'\n\u{1b}[31m\\n\u{85}\u{202e}\0".as_bytes();
        let shown = r"立方根 'é'\n\u{1b}[31m\\n\u{85}\u{202e}\0";
        assert_eq!(escaped(sent), shown);
        assert_eq!(escaped(b"a\xff\xe7\xab\tb"), r"a\xff\xe7\xab\tb");
    }

    #[test]
    fn a_failure_keeps_its_code_under_context() {
        let error = anyhow::Error::new(Failure::Deadline("too late".into()));
        assert_eq!(format!("{:?}", exit(Err(error.context("read")))), format!("{:?}", ExitCode::from(124)));
    }
}
