//! What a check has seen, and what that makes of a sentence of the note.
//!
//! Go: `testing.T`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::harness::report::Pairs;

/// Whether a sentence of the note is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is.
    Holds,
    /// It is, with exceptions.
    Imprecise,
    /// It is not.
    Refuted,
    /// It was, on older kernels.
    Outdated,
}

impl Verdict {
    pub(super) const ALL: [Verdict; 4] = [Verdict::Holds, Verdict::Imprecise, Verdict::Refuted, Verdict::Outdated];
}

/// The number of a statement in shared/claims.toml, and what asks the kernel whether it holds.
pub type Check = (u16, fn() -> anyhow::Result<Seen>);

/// What an experiment saw, in this run, on this kernel.
#[derive(Debug, Serialize, Deserialize)]
pub struct Seen {
    pub(super) verdict: Verdict,
    pub(super) evidence: String,
}

impl Seen {
    /// Holds if everything was `as_noted`.
    pub fn holds(as_noted: bool, evidence: impl fmt::Display) -> Seen {
        Seen::new(if as_noted { Verdict::Holds } else { Verdict::Refuted }, evidence)
    }

    /// Imprecise if it was `as_noted` in the case that the note has in mind, and there was an `exception`.
    pub fn imprecise(as_noted: bool, exception: bool, evidence: impl fmt::Display) -> Seen {
        let verdict = match (as_noted, exception) {
            (true, true) => Verdict::Imprecise,
            (true, false) => Verdict::Holds,
            (false, _) => Verdict::Refuted,
        };
        Seen::new(verdict, evidence)
    }

    /// Refuted if there was a `counterexample`.
    pub fn refuted(counterexample: bool, evidence: impl fmt::Display) -> Seen {
        Seen::new(if counterexample { Verdict::Refuted } else { Verdict::Holds }, evidence)
    }

    /// Outdated if it is `otherwise` on this kernel than on older ones.
    pub fn outdated(otherwise: bool, evidence: impl fmt::Display) -> Seen {
        Seen::new(if otherwise { Verdict::Outdated } else { Verdict::Holds }, evidence)
    }

    fn new(verdict: Verdict, evidence: impl fmt::Display) -> Seen {
        Seen { verdict, evidence: evidence.to_string() }
    }
}

/// A record of an experiment as evidence: what it saw, without what the note says of it.
pub fn seen(record: &impl Serialize) -> String {
    let mut record = serde_json::to_value(record).unwrap_or_default();
    if let Some(record) = record.as_object_mut() {
        record.retain(|key, _| !["note", "claim"].contains(&key.as_str()));
    }
    Pairs(record).to_string()
}

/// Joins `items` into evidence, with `between` them.
pub fn joined(items: impl IntoIterator<Item: fmt::Display>, between: &str) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(between)
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Holds => "holds",
            Verdict::Imprecise => "imprecise",
            Verdict::Refuted => "refuted",
            Verdict::Outdated => "outdated",
        })
    }
}
