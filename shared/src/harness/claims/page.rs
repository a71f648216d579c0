//! The page docs/claims.md, or docs/zh/claims.md: every statement, with what a run saw or why no program checks it.

use std::collections::BTreeMap;

use anyhow::Context;

use crate::harness::report::Report;

use super::lang::Lang;
use super::ledger::{HEADINGS, Proof, Statement, statements};
use super::record::Record;
use super::system::{Numbers, System};
use super::verdict::{Verdict, joined};

pub(super) fn print(out: &mut Report, records: &[Record], systems: &[System], lang: Lang) -> anyhow::Result<()> {
    out.line(format_args!("{}", head(lang)))?;
    out.line(format_args!("\n{}", of_systems(systems, lang)))?;
    for heading in HEADINGS {
        let mut rows = statements().iter().filter(|row| row.heading == heading).peekable();
        if rows.peek().is_some() {
            out.line(format_args!("\n## {heading}\n\n{}\n|-|-|-|-|-|-|", columns(lang)))?;
        }
        rows.try_for_each(|statement| out.line(format_args!("{}", row(statement, records, lang)?)))?;
    }
    Ok(())
}

fn head(lang: Lang) -> String {
    let all = statements().len();
    let checked = statements().iter().filter(|row| row.program().is_some()).count();
    let count = |verdict| statements().iter().filter(|row| row.verdict == verdict).count();
    let [holds, imprecise, refuted, outdated] = Verdict::ALL.map(count);
    match lang {
        Lang::En => format!(
            "# What the note says, checked\n\n\
             {all} statements of the note, {checked} of them checked by programs on the reader's kernel: `make claims` \
             asks all, `PROGRAM claims ID` one. The evidence is that of one run of `make docs`, which writes this page.\
             \n\n\
             In all: holds {holds}, imprecise {imprecise}, refuted {refuted}, outdated {outdated}."
        ),
        Lang::Zh => format!(
            "# 笔记的说法，逐条检验\n\n\
             笔记有 {all} 条说法，其中 {checked} 条由程序在读者自己的内核上检验：`make claims` 检验全部，\
             `PROGRAM claims ID` 检验一条。证据来自 `make docs` 的一次运行，本页也由它写出。\n\n\
             合计：holds（成立）{holds}，imprecise（不尽准确）{imprecise}，refuted（不成立）{refuted}，\
             outdated（已过时）{outdated}。"
        ),
    }
}

fn columns(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "| | in the note | it says | verdict | evidence | see it |",
        Lang::Zh => "| | 原文 | 说的是 | 结论 | 证据 | 命令 |",
    }
}

fn row(statement: &Statement, records: &[Record], lang: Lang) -> anyhow::Result<String> {
    let Statement { number, words, says, verdict, proof, go, .. } = statement;
    let go = go.as_ref().map(|step| format!(" · `go run . {step}`")).unwrap_or_default();
    let (evidence, command) = match proof {
        Proof::Command(command) => {
            let record = records.iter().find(|record| record.claim == *number);
            let evidence = record.and_then(|record| record.evidence.clone());
            (evidence.with_context(|| format!("claim {number}: no record"))?, format!("`{command}`{go}"))
        }
        Proof::Unchecked(_) => (statement.why_unchecked(lang).unwrap_or_default(), String::new()),
    };
    let cells = [&*words.join(" … "), says.get(lang)].map(cell).join(" | ");
    Ok(format!("| <a id=\"claim-{number}\"></a>{number} | {cells} | {verdict} | {} | {command} |", cell(&evidence)))
}

/// A row a system, with the reasons why something was not seen there.
fn of_systems(systems: &[System], lang: Lang) -> String {
    let head = match lang {
        Lang::En => {
            "All were asked on these systems, too, booted by `make kernels`:\n\n\
             | release | CPUs | C library | bytes a page | as recorded | skipped | otherwise | failed |"
        }
        Lang::Zh => {
            "这些说法也在以下系统上检验过，由 `make kernels` 启动：\n\n\
             | 内核 | CPU | C 库 | 页的字节数 | 与记录相符 | 跳过 | 与记录不符 | 失败 |"
        }
    };
    let rows = systems.iter().map(|system| {
        let System { release, architecture, libc, page_size, cpus, as_recorded, skipped, otherwise, failed } = system;
        let [skipped, otherwise, failed] = [skipped, otherwise, failed].map(|some| numbers(some, lang));
        let cpus = cell(&format!("{cpus} x {architecture}"));
        format!("\n| {release} | {cpus} | {libc} | {page_size} | {as_recorded} | {skipped} | {otherwise} | {failed} |")
    });
    format!("{head}\n|-|-|-|-|-|-|-|-|{}", rows.collect::<String>())
}

/// As `63, 64: there is only one CPU`, for each reason; as `44 claims: go is not on PATH`, where there are many.
fn numbers(numbers: &Numbers, lang: Lang) -> String {
    const MANY: usize = 10;
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (number, why) in numbers {
        reasons.entry(why).or_default().push(format!("[{number}](#claim-{number})"));
    }
    let which = |numbers: &[String]| match (numbers.len(), lang) {
        (..MANY, _) => numbers.join(", "),
        (count, Lang::En) => format!("{count} claims"),
        (count, Lang::Zh) => format!("{count} 条"),
    };
    joined(reasons.iter().map(|(why, numbers)| format!("{}: {}", which(numbers), cell(why))), "; ")
}

/// Escapes what would end the cell or be read as markup.
fn cell(text: &str) -> String {
    text.replace('\n', " ")
        .replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace('<', "&lt;")
        .replace('*', "\\*")
        .replace('_', "\\_")
}
