//! shared/claims.toml, read: every statement of the note, in the note's order.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use anyhow::bail;
use clap::builder::PossibleValue;
use serde::Deserialize;

use super::lang::Lang;
use super::verdict::{Check, Verdict};

/// The note's title, under which its first sentences stand, and its headings in order.
pub const HEADINGS: [&str; 20] = [
    "Golang笔记-多进程编程理论",
    "进程",
    "进程的定义",
    "进程的衍生",
    "进程的标识",
    "进程的状态",
    "进程的空间",
    "系统调用",
    "进程的切换和调度",
    "关于同步",
    "管道",
    "信号",
    "Socket",
    "Socket的基本特征",
    "基于TCP/IP协议栈的Socket通讯",
    "Read方法",
    "Write方法",
    "Close方法",
    "LocalAddr和RemoteAddr方法",
    "SetDeadline、SetReadDeadline、SetWriteDeadline方法",
];

/// The text of the ledger.
pub const TOML: &str = include_str!("../../../claims.toml");

/// A row of the ledger; the head of claims.toml explains each field.
#[derive(Debug, Deserialize)]
#[allow(missing_docs, reason = "claims.toml has the meanings")]
pub struct Statement {
    pub number: u16,
    pub heading: String,
    pub words: Vec<String>,
    pub says: Text,
    pub verdict: Verdict,
    #[serde(flatten)]
    pub proof: Proof,
    pub go: Option<String>,
}

/// What shows whether a statement holds.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// A program and its command.
    Command(String),
    /// Nothing, for this reason.
    Unchecked(Text),
}

/// The same in both languages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the names are the languages' codes")]
pub struct Text {
    pub en: String,
    pub zh: String,
}

#[derive(Deserialize)]
struct Ledger {
    claim: Vec<Statement>,
}

/// All statements.
pub fn statements() -> &'static [Statement] {
    static LEDGER: LazyLock<Ledger> = LazyLock::new(|| toml::from_str(TOML).expect("the embedded claims.toml"));
    &LEDGER.claim
}

/// The place of statement `number` in the note's order.
pub(super) fn place(number: u16) -> Option<usize> {
    statements().iter().position(|statement| statement.number == number)
}

/// The statement of that number.
pub(super) fn statement(number: u16) -> Option<&'static Statement> {
    statements().get(place(number)?)
}

/// Why no program checks statement `number`, if none does.
pub(super) fn why_unchecked(number: u16, lang: Lang) -> Option<String> {
    statement(number)?.why_unchecked(lang)
}

/// The statements of `program`, held against its checks.
pub(super) fn of(program: &str, checks: &[&[Check]]) -> anyhow::Result<Vec<&'static Statement>> {
    let rows: Vec<_> = statements().iter().filter(|row| row.program() == Some(program)).collect();
    compare(program, rows.iter().map(|row| row.number), checks.iter().copied().flatten().map(|check| check.0))?;
    Ok(rows)
}

/// The statements with these checks, as completions offer them.
pub(super) fn offered(checks: &[&[Check]]) -> Vec<PossibleValue> {
    let is_checked = |row: &&Statement| checks.iter().copied().flatten().any(|check| check.0 == row.number);
    let offer = |row: &Statement| PossibleValue::new(row.number.to_string()).help(&row.says.en);
    statements().iter().filter(is_checked).map(offer).collect()
}

/// Each row has one check, and each check a row.
fn compare(program: &str, rows: impl Iterator<Item = u16>, checks: impl Iterator<Item = u16>) -> anyhow::Result<()> {
    let rows: BTreeSet<u16> = rows.collect();
    let mut checked = BTreeSet::new();
    for number in checks {
        if !rows.contains(&number) {
            bail!("claim {number}: {program} has a check, but claims.toml has no row for it");
        }
        if !checked.insert(number) {
            bail!("claim {number}: {program} has two checks");
        }
    }
    match rows.difference(&checked).next() {
        Some(number) => bail!("claim {number}: claims.toml has a row, but {program} has no check for it"),
        None => Ok(()),
    }
}

impl Statement {
    /// The command that shows whether it holds.
    pub fn command(&self) -> Option<&str> {
        match &self.proof {
            Proof::Command(command) => Some(command),
            Proof::Unchecked(_) => None,
        }
    }

    /// The program that checks it.
    pub fn program(&self) -> Option<&str> {
        self.command()?.split(' ').next()
    }

    /// Why no program checks it.
    pub fn why_unchecked(&self, lang: Lang) -> Option<String> {
        match (&self.proof, lang) {
            (Proof::Command(_), _) => None,
            (Proof::Unchecked(why), Lang::En) => Some(format!("not checked, {}", why.en)),
            (Proof::Unchecked(why), Lang::Zh) => Some(format!("未检验，{}", why.zh)),
        }
    }
}

impl Text {
    /// The text in one language.
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::Zh => &self.zh,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(rows: &[u16], checks: &[u16]) -> Option<String> {
        compare("pipe-demo", rows.iter().copied(), checks.iter().copied()).err().map(|error| error.to_string())
    }

    #[test]
    fn rows_and_checks_need_no_common_order() {
        assert_eq!(mistake(&[72, 80, 78], &[78, 80, 72]), None);
    }

    #[test]
    fn a_check_without_a_row_is_a_mistake() {
        let said = "claim 94: pipe-demo has a check, but claims.toml has no row for it";
        assert_eq!(mistake(&[72], &[72, 94]).as_deref(), Some(said));
    }

    #[test]
    fn a_row_without_a_check_is_a_mistake() {
        let said = "claim 94: claims.toml has a row, but pipe-demo has no check for it";
        assert_eq!(mistake(&[72, 94], &[72]).as_deref(), Some(said));
    }

    #[test]
    fn two_checks_of_one_row_are_a_mistake() {
        assert_eq!(mistake(&[94], &[94, 94]).as_deref(), Some("claim 94: pipe-demo has two checks"));
    }
}
