//! What `claims` prints: one record a claim, and how many came to what.

use std::fmt;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::{Claim, Verdict};

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Observed {
    Holds,
    Imprecise,
    Refuted,
    Outdated,
    /// It cannot be seen here; the evidence is why.
    Skipped,
    /// The experiment broke off; the evidence is why.
    Failed,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub claim: u16,
    pub heading: String,
    pub says: String,
    pub verdict: Verdict,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Observed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    pub command: String,
}

impl Record {
    /// What is recorded, not asked.
    pub(super) fn listed(claim: &Claim, program: &str) -> Record {
        let command = match claim.command {
            "" => format!("{program} claims {}", claim.number),
            command => format!("{program} {command}"),
        };
        let (heading, says) = (claim.heading.to_owned(), claim.says.to_owned());
        Record { claim: claim.number, heading, says, verdict: claim.verdict, observed: None, evidence: None, command }
    }

    pub(super) fn new(claim: &Claim, program: &str, (observed, evidence): (Observed, String)) -> Record {
        Record { observed: Some(observed), evidence: Some(evidence), ..Record::listed(claim, program) }
    }

    /// Whether this kernel does not do as is recorded.
    fn contradicts(&self) -> bool {
        self.observed.is_some_and(|observed| observed != Observed::Skipped && observed != self.verdict.into())
    }
}

/// The records of several programs, in the note's order.
pub(super) fn parse(lines: &str) -> anyhow::Result<Vec<Record>> {
    let records = lines.lines().map(|line| serde_json::from_str(line).with_context(|| format!("record {line}")));
    let mut records: Vec<Record> = records.collect::<anyhow::Result<_>>()?;
    records.sort_by_key(|record| record.claim);
    Ok(records)
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { claim, heading, says, verdict, .. } = self;
        match self.observed {
            None => write!(f, "{claim} {verdict}")?,
            Some(observed) => write!(f, "{claim} {observed}")?,
        }
        if self.contradicts() {
            write!(f, " (recorded: {verdict})")?;
        }
        write!(f, " | {heading}: {says}")?;
        self.evidence.iter().try_for_each(|evidence| write!(f, " | {evidence}"))
    }
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Observed::Holds => "holds",
            Observed::Imprecise => "imprecise",
            Observed::Refuted => "refuted",
            Observed::Outdated => "outdated",
            Observed::Skipped => "skipped",
            Observed::Failed => "failed",
        })
    }
}

/// `holds 60, imprecise 50, refuted 38, outdated 2, skipped 2, not checkable 43`
#[derive(Debug, Default)]
pub(super) struct Summary {
    seen: Vec<Observed>,
    contradictions: usize,
    /// How many more there are that no program checks.
    unchecked: usize,
}

impl Summary {
    /// Of all programs: beside `unchecked` statements that none checks.
    pub(super) fn beside(unchecked: usize) -> Summary {
        Summary { unchecked, ..Summary::default() }
    }

    pub(super) fn count(&mut self, record: &Record) {
        self.seen.extend(record.observed);
        self.contradictions += usize::from(record.contradicts());
    }

    pub(super) fn contradicts(&self) -> bool {
        self.contradictions > 0
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Observed::{Failed, Holds, Imprecise, Outdated, Refuted, Skipped};
        let count = |wanted| self.seen.iter().filter(|&&seen| seen == wanted).count();
        for verdict in [Holds, Imprecise, Refuted, Outdated] {
            write!(f, "{verdict} {}, ", count(verdict))?;
        }
        write!(f, "skipped {}", count(Skipped))?;
        if count(Failed) > 0 {
            write!(f, ", failed {}", count(Failed))?;
        }
        if self.unchecked > 0 {
            write!(f, ", not checkable {}", self.unchecked)?;
        }
        if self.contradicts() {
            write!(f, "; otherwise than recorded {}", self.contradictions)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(verdict: Verdict, observed: Observed) -> Record {
        let claim =
            Claim {
                number: 1, heading: "管道", says: "…", verdict, command: "", check: || anyhow::bail!("not asked")
            };
        Record::new(&claim, "pipe-demo", (observed, "2 of 3".to_owned()))
    }

    fn summary(records: &[Record]) -> Summary {
        let mut summary = Summary::default();
        for record in records {
            summary.count(record);
        }
        summary
    }

    #[test]
    fn what_is_seen_as_recorded_and_what_is_skipped_contradicts_nothing() {
        let records = [record(Verdict::Refuted, Observed::Refuted), record(Verdict::Holds, Observed::Skipped)];
        assert!(!summary(&records).contradicts());
        assert_eq!(summary(&records).to_string(), "holds 0, imprecise 0, refuted 1, outdated 0, skipped 1");
        assert_eq!(records[0].to_string(), "1 refuted | 管道: … | 2 of 3");
    }

    #[test]
    fn what_is_seen_otherwise_and_what_failed_contradicts() {
        let records = [record(Verdict::Refuted, Observed::Imprecise), record(Verdict::Holds, Observed::Failed)];
        for record in &records {
            assert!(summary(std::slice::from_ref(record)).contradicts(), "{record}");
        }
        assert_eq!(records[0].to_string(), "1 imprecise (recorded: refuted) | 管道: … | 2 of 3");
        let all = "holds 0, imprecise 1, refuted 0, outdated 0, skipped 0, failed 1; otherwise than recorded 2";
        assert_eq!(summary(&records).to_string(), all);
    }

    #[test]
    fn records_are_put_in_the_notes_order() {
        let mut first = record(Verdict::Holds, Observed::Holds);
        first.claim = 99;
        let second = record(Verdict::Holds, Observed::Holds);
        let lines = [&first, &second].map(|record| serde_json::to_string(record).unwrap()).join("\n");
        assert_eq!(parse(&lines).unwrap().iter().map(|record| record.claim).collect::<Vec<_>>(), [1, 99]);
    }
}
