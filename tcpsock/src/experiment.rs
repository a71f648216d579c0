//! What the experiments have in common: a limit of time, and what the note says beside what was seen.
//!
//! Note: 基于TCP/IP协议栈的Socket通讯. Go: `context.WithTimeout`. Man: socket(7).

use std::time::Duration;

use serde::Serialize;
use shared::harness::program::Options;
use shared::harness::report::Report;
use shared::harness::story;
use shared::linux::child::Children;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub timeout: Timeout,
}

#[derive(Clone, Copy, clap::Args)]
pub struct Timeout {
    /// Give up after this time (0: never)
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = shared::harness::duration::limit)]
    timeout: Duration,
}

impl Timeout {
    /// Runs `experiment`, but not for longer: what it blocks in then ends with the process.
    pub fn limit(
        self,
        options: Options,
        experiment: impl FnOnce(&mut Report) -> anyhow::Result<()> + Send + 'static,
    ) -> anyhow::Result<()> {
        story::tell(self.timeout, &Children::helpers(), move |_| experiment(&mut options.records()))
    }
}

/// The options of experiments in which somebody waits in vain.
#[derive(clap::Args)]
pub struct DeadlineArgs {
    #[command(flatten)]
    pub timeout: Timeout,
    /// How far ahead the deadlines of the experiment are, from 20ms to 1min
    #[arg(long, value_name = "DURATION", default_value = "50ms", value_parser = ahead)]
    pub deadline: Duration,
}

/// A few ticks of the kernel's clock at least.
fn ahead(text: &str) -> Result<Duration, String> {
    let duration = shared::harness::duration::parse(text).map_err(|error| error.to_string())?;
    let range = Duration::from_millis(20)..=Duration::from_secs(60);
    if range.contains(&duration) { Ok(duration) } else { Err("not from 20ms to 1min".to_owned()) }
}

/// A record whose fields are the same in text and JSON, and can be read by claims: `step` is its name.
macro_rules! record {
    ($step:tt, $name:ident { $($(#[$attribute:meta])* $field:ident: $kind:ty),* $(,)? }) => {
        #[derive(serde::Serialize)]
        #[serde(tag = "step", rename = $step)]
        pub struct $name {
            $($(#[$attribute])* pub $field: $kind,)*
        }
    };
}
pub(crate) use record;

/// What was seen, and beside it what the note says otherwise.
#[derive(Serialize)]
pub struct Noted<T> {
    #[serde(flatten)]
    seen: T,
    note: &'static str,
    /// The statement's number in the ledger.
    claim: u16,
}

pub fn noted<T>(seen: T, note: &'static str, claim: u16) -> Noted<T> {
    Noted { seen, note, claim }
}

/// A duration as records have it.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
