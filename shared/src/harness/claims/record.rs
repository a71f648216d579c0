//! What `claims` prints: a record for each claim, and the number of each outcome.

use std::fmt;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::lang::Lang;
use super::ledger::{Statement, place};
use super::verdict::Verdict;

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Observed {
    /// It cannot be seen here; the evidence is why.
    Skipped,
    /// The experiment broke off; the evidence is why.
    Failed,
    #[serde(untagged)]
    Seen(Verdict),
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
    /// The recorded verdict, with nothing checked.
    pub(super) fn listed(statement: &Statement, lang: Lang) -> Record {
        Record {
            claim: statement.number,
            heading: statement.heading.clone(),
            says: statement.says.get(lang).to_owned(),
            verdict: statement.verdict,
            observed: None,
            evidence: None,
            command: statement.command().unwrap_or_default().to_owned(),
        }
    }

    pub(super) fn with(self, (observed, evidence): (Observed, String)) -> Record {
        Record { observed: Some(observed), evidence: Some(evidence), ..self }
    }

    pub(super) fn is_as_recorded(&self) -> bool {
        self.observed == Some(Observed::Seen(self.verdict))
    }

    /// Whether another verdict was seen than the recorded one.
    pub(super) fn is_otherwise(&self) -> bool {
        matches!(self.observed, Some(Observed::Seen(_))) && !self.is_as_recorded()
    }

    fn verdict_in(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { claim, verdict, .. } = self;
        match self.observed {
            None => write!(f, "{claim} {verdict}")?,
            Some(observed) => write!(f, "{claim} {observed}")?,
        }
        if self.is_otherwise() || self.observed == Some(Observed::Failed) {
            write!(f, " (recorded: {verdict})")
        } else {
            Ok(())
        }
    }

    fn evidence_in(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.evidence.iter().try_for_each(|evidence| write!(f, " | {evidence}"))
    }
}

/// The records of several programs, in the note's order.
pub(super) fn parse(lines: &str) -> anyhow::Result<Vec<Record>> {
    let records = lines.lines().map(|line| serde_json::from_str(line).with_context(|| format!("record {line}")));
    let mut records: Vec<Record> = records.collect::<anyhow::Result<_>>()?;
    records.sort_by_key(|record| place(record.claim));
    Ok(records)
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.verdict_in(f)?;
        write!(f, " | {}: {}", self.heading, self.says)?;
        self.evidence_in(f)
    }
}

/// A record without what the note says.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Brief<'a>(pub &'a Record);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.verdict_in(f)?;
        self.0.evidence_in(f)
    }
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Observed::Skipped => f.write_str("skipped"),
            Observed::Failed => f.write_str("failed"),
            Observed::Seen(verdict) => verdict.fmt(f),
        }
    }
}

/// `holds 60, imprecise 50, refuted 38, outdated 2, skipped 2, not checkable 43`
#[derive(Debug)]
pub(super) struct Summary {
    lang: Lang,
    seen: Vec<Observed>,
    /// Number of records with another verdict than the recorded one.
    otherwise: usize,
    /// Number of statements that no program checks.
    unchecked: usize,
}

impl Summary {
    /// For records to come, beside `unchecked` statements that no program checks.
    pub(super) fn new(lang: Lang, unchecked: usize) -> Summary {
        Summary { lang, seen: Vec::new(), otherwise: 0, unchecked }
    }

    pub(super) fn count(&mut self, record: &Record) {
        self.seen.extend(record.observed);
        self.otherwise += usize::from(record.is_otherwise());
    }

    pub(super) fn is_as_recorded(&self) -> bool {
        self.otherwise == 0 && self.times(Observed::Failed) == 0
    }

    fn times(&self, wanted: Observed) -> usize {
        self.seen.iter().filter(|&&seen| seen == wanted).count()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Observed::{Failed, Skipped};
        let (comma, semicolon, not_checkable, otherwise) = match self.lang {
            Lang::En => (", ", "; ", "not checkable", "otherwise than recorded"),
            Lang::Zh => ("，", "；", "无法检验", "与记录不符"),
        };
        for verdict in Verdict::ALL {
            write!(f, "{verdict} {}{comma}", self.times(Observed::Seen(verdict)))?;
        }
        write!(f, "{Skipped} {}", self.times(Skipped))?;
        if self.times(Failed) > 0 {
            write!(f, "{comma}{Failed} {}", self.times(Failed))?;
        }
        if self.unchecked > 0 {
            write!(f, "{comma}{not_checkable} {}", self.unchecked)?;
        }
        if self.otherwise > 0 {
            write!(f, "{semicolon}{otherwise} {}", self.otherwise)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(verdict: Verdict, observed: Observed) -> Record {
        let (heading, says, command) = ("管道".to_owned(), "…".to_owned(), "pipe-demo os-pipe".to_owned());
        let listed = Record { claim: 1, heading, says, verdict, observed: None, evidence: None, command };
        listed.with((observed, "2 of 3".to_owned()))
    }

    fn summary(lang: Lang, records: &[Record]) -> Summary {
        let mut summary = Summary::new(lang, 0);
        for record in records {
            summary.count(record);
        }
        summary
    }

    #[test]
    fn what_is_seen_as_recorded_and_what_is_skipped_is_as_recorded() {
        let records =
            [record(Verdict::Refuted, Observed::Seen(Verdict::Refuted)), record(Verdict::Holds, Observed::Skipped)];
        let summary = summary(Lang::En, &records);
        assert!(summary.is_as_recorded());
        assert_eq!(summary.to_string(), "holds 0, imprecise 0, refuted 1, outdated 0, skipped 1");
        assert_eq!(records[0].to_string(), "1 refuted | 管道: … | 2 of 3");
        assert_eq!(Brief(&records[0]).to_string(), "1 refuted | 2 of 3");
    }

    #[test]
    fn what_failed_is_counted_apart_from_what_is_otherwise_and_neither_is_as_recorded() {
        let records =
            [record(Verdict::Refuted, Observed::Seen(Verdict::Imprecise)), record(Verdict::Holds, Observed::Failed)];
        for record in &records {
            assert!(!summary(Lang::En, std::slice::from_ref(record)).is_as_recorded(), "{record}");
        }
        assert_eq!(records[0].to_string(), "1 imprecise (recorded: refuted) | 管道: … | 2 of 3");
        let all = "holds 0, imprecise 1, refuted 0, outdated 0, skipped 0, failed 1; otherwise than recorded 1";
        assert_eq!(summary(Lang::En, &records).to_string(), all);
    }

    #[test]
    fn the_summary_in_chinese_keeps_numbers_and_verdicts() {
        let records =
            [record(Verdict::Refuted, Observed::Seen(Verdict::Imprecise)), record(Verdict::Holds, Observed::Failed)];
        let all = "holds 0，imprecise 1，refuted 0，outdated 0，skipped 0，failed 1；与记录不符 1";
        assert_eq!(summary(Lang::Zh, &records).to_string(), all);
    }

    /// Its sentences are not in the order of their numbers: 61 stands between 59 and 60.
    #[test]
    fn records_are_put_in_the_notes_order() {
        let lines = [72, 60, 59, 61].map(|claim| {
            let record = Record { claim, ..record(Verdict::Holds, Observed::Seen(Verdict::Holds)) };
            serde_json::to_string(&record).unwrap()
        });
        let records = parse(&lines.join("\n")).unwrap();
        assert_eq!(records.iter().map(|record| record.claim).collect::<Vec<_>>(), [59, 61, 60, 72]);
    }
}
