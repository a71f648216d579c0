//! A signal: its number, and the names and the meaning that go with it.
//!
//! Real-time signals are numbers of our own here, since nix's `Signal` has none.
//!
//! Note: 信号. Go: `os.Signal`, `syscall.Signal`. Man: signal(7).

pub mod action;
pub mod fd;
pub mod handler;
pub mod send;
pub mod set;

use std::fmt;
use std::str::FromStr;

use clap::builder::{PossibleValue, TryMapValueParser, TypedValueParser, ValueParserFactory};
use libc::c_int;
use serde::{Serialize, Serializer};
use shared::harness::offers::Offers;

/// One of the signals that the C library lets a program use: 62 with glibc, 61 with musl.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signal(c_int);

/// Number, name and meaning, the last as Go's `String` has it.
const STANDARD: [(c_int, &str, &str); 31] = [
    (libc::SIGHUP, "HUP", "hangup"),
    (libc::SIGINT, "INT", "interrupt"),
    (libc::SIGQUIT, "QUIT", "quit"),
    (libc::SIGILL, "ILL", "illegal instruction"),
    (libc::SIGTRAP, "TRAP", "trace/breakpoint trap"),
    (libc::SIGABRT, "ABRT", "aborted"),
    (libc::SIGBUS, "BUS", "bus error"),
    (libc::SIGFPE, "FPE", "floating point exception"),
    (libc::SIGKILL, "KILL", "killed"),
    (libc::SIGUSR1, "USR1", "user defined signal 1"),
    (libc::SIGSEGV, "SEGV", "segmentation fault"),
    (libc::SIGUSR2, "USR2", "user defined signal 2"),
    (libc::SIGPIPE, "PIPE", "broken pipe"),
    (libc::SIGALRM, "ALRM", "alarm clock"),
    (libc::SIGTERM, "TERM", "terminated"),
    (libc::SIGSTKFLT, "STKFLT", "stack fault"),
    (libc::SIGCHLD, "CHLD", "child exited"),
    (libc::SIGCONT, "CONT", "continued"),
    (libc::SIGSTOP, "STOP", "stopped (signal)"),
    (libc::SIGTSTP, "TSTP", "stopped"),
    (libc::SIGTTIN, "TTIN", "stopped (tty input)"),
    (libc::SIGTTOU, "TTOU", "stopped (tty output)"),
    (libc::SIGURG, "URG", "urgent I/O condition"),
    (libc::SIGXCPU, "XCPU", "CPU time limit exceeded"),
    (libc::SIGXFSZ, "XFSZ", "file size limit exceeded"),
    (libc::SIGVTALRM, "VTALRM", "virtual timer expired"),
    (libc::SIGPROF, "PROF", "profiling timer expired"),
    (libc::SIGWINCH, "WINCH", "window changed"),
    (libc::SIGIO, "IO", "I/O possible"),
    (libc::SIGPWR, "PWR", "power failure"),
    (libc::SIGSYS, "SYS", "bad system call"),
];

const ALIASES: [(&str, c_int); 3] = [("CLD", libc::SIGCHLD), ("IOT", libc::SIGABRT), ("POLL", libc::SIGIO)];

impl Signal {
    pub const INT: Signal = Signal(libc::SIGINT);
    pub const QUIT: Signal = Signal(libc::SIGQUIT);
    pub const KILL: Signal = Signal(libc::SIGKILL);
    pub const STOP: Signal = Signal(libc::SIGSTOP);
    pub const USR1: Signal = Signal(libc::SIGUSR1);
    pub const USR2: Signal = Signal(libc::SIGUSR2);

    /// Those that bash's `kill -l` lists: 1 to 31 and 34 to 64 with glibc.
    pub fn all() -> impl Iterator<Item = Signal> {
        (1..=libc::SIGRTMAX()).filter_map(Signal::from_number)
    }

    /// `None` for what is no signal, and for those that the C library keeps to itself.
    pub fn from_number(number: c_int) -> Option<Signal> {
        let known = standard(number).is_some() || (libc::SIGRTMIN()..=libc::SIGRTMAX()).contains(&number);
        known.then_some(Signal(number))
    }

    /// The real-time signal `SIGRTMIN+offset`.
    pub fn real_time(offset: u8) -> Option<Signal> {
        Signal::from_number(libc::SIGRTMIN() + c_int::from(offset)).filter(|signal| signal.is_real_time())
    }

    pub fn number(self) -> c_int {
        self.0
    }

    pub fn is_real_time(self) -> bool {
        self.0 >= libc::SIGRTMIN()
    }

    /// In the words of Go's `String`.
    pub fn meaning(self) -> String {
        standard(self.0).map_or_else(|| format!("signal {}", self.0), |(_, _, meaning)| (*meaning).to_owned())
    }
}

fn standard(number: c_int) -> Option<&'static (c_int, &'static str, &'static str)> {
    STANDARD.iter().find(|(known, ..)| *known == number)
}

/// The name that bash's `kill -l` gives it: above the middle, real-time signals count down from SIGRTMAX.
impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((_, name, _)) = standard(self.0) {
            return write!(f, "SIG{name}");
        }
        let (above, below) = (self.0 - libc::SIGRTMIN(), libc::SIGRTMAX() - self.0);
        match (above, below) {
            (0, _) => f.write_str("SIGRTMIN"),
            (_, 0) => f.write_str("SIGRTMAX"),
            _ if above <= below => write!(f, "SIGRTMIN+{above}"),
            _ => write!(f, "SIGRTMAX-{below}"),
        }
    }
}

/// The name of whatever number the kernel reports, also of the two that the C library hides.
pub fn name(number: c_int) -> String {
    Signal::from_number(number).map_or_else(|| number.to_string(), |signal| signal.to_string())
}

impl Serialize for Signal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// `SIGINT`, `INT`, `int` and `2`; `SIGRTMIN+1`, `rtmax-29` and `35`.
impl FromStr for Signal {
    type Err = String;

    fn from_str(text: &str) -> Result<Signal, String> {
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        let number = (decimal(text).map(c_int::from)).or_else(|| named(name)).or_else(|| counted(name));
        match number {
            Some(number @ 32..=64) if Signal::from_number(number).is_none() => {
                Err(format!("the C library keeps signal {number} to itself"))
            }
            _ => number.and_then(Signal::from_number).ok_or_else(|| "no such signal".to_owned()),
        }
    }
}

/// As a value on the command line: completions offer both names of each.
impl ValueParserFactory for Signal {
    type Parser = TryMapValueParser<Offers, fn(String) -> Result<Signal, String>>;

    fn value_parser() -> Self::Parser {
        Offers(offered).try_map(|text| text.parse())
    }
}

/// `SIGINT` and `INT`, for every signal.
pub fn offered() -> Vec<PossibleValue> {
    let names = Signal::all().map(|signal| signal.to_string());
    names.flat_map(|name| [name[3..].to_owned(), name]).map(PossibleValue::new).collect()
}

fn named(name: &str) -> Option<c_int> {
    let standard = STANDARD.iter().find(|(_, known, _)| *known == name).map(|(number, ..)| *number);
    standard.or_else(|| ALIASES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number))
}

/// A real-time signal, counted from either end. It cannot be counted past the other.
fn counted(name: &str) -> Option<c_int> {
    let (min, max) = (libc::SIGRTMIN(), libc::SIGRTMAX());
    let number = match (name.strip_prefix("RTMIN"), name.strip_prefix("RTMAX")) {
        (Some(""), _) => min,
        (_, Some("")) => max,
        (Some(above), _) => min + c_int::from(decimal(above.strip_prefix('+')?)?),
        (_, Some(below)) => max - c_int::from(decimal(below.strip_prefix('-')?)?),
        _ => return None,
    };
    (min..=max).contains(&number).then_some(number)
}

fn decimal(digits: &str) -> Option<u8> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_is_found_by_its_name_in_any_spelling_and_by_its_number() {
        for signal in Signal::all() {
            let name = signal.to_string();
            for spelling in [&name, &name[3..], &name.to_lowercase(), &signal.number().to_string()] {
                assert_eq!(spelling.parse(), Ok(signal), "{spelling}");
            }
        }
    }

    #[test]
    fn real_time_signals_are_counted_from_both_ends() {
        let (min, max) = (libc::SIGRTMIN(), libc::SIGRTMAX());
        let last = max - min;
        assert_eq!(format!("RTMIN+{last}").parse(), Ok(Signal(max)));
        assert_eq!(format!("SIGRTMAX-{last}").parse(), Ok(Signal(min)));
        assert!(format!("RTMIN+{}", last + 1).parse::<Signal>().is_err());
        assert_eq!("rtmin+0".parse(), Ok(Signal(min)));
    }

    #[test]
    fn what_is_no_signal_is_refused() {
        for text in ["", "SIG", "0", "65", "-1", "+2", "256", "INTS", "RTMIN+31", "RTMAX-31", "RTMIN-1", "RTMIN+", "２"]
        {
            assert!(text.parse::<Signal>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_signals_of_the_c_library_are_refused_by_name() {
        let error = (libc::SIGRTMIN() - 1).to_string().parse::<Signal>().unwrap_err();
        assert!(error.contains("C library"), "{error}");
    }
}
