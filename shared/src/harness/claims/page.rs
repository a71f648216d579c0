//! The page docs/claims.md, or docs/zh/claims.md: every statement, with what a run saw or why no program checks it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;

use crate::harness::report::Report;

use super::guide::Guide;
use super::lang::Lang;
use super::ledger::{HEADINGS, Proof, Statement, statements};
use super::record::Record;
use super::system::{Numbers, System};
use super::verdict::{Verdict, joined};

pub(super) fn print(out: &mut Report, records: &[Record], systems: &[System], lang: Lang) -> anyhow::Result<()> {
    let guide = Guide::read(Path::new(folder(lang)))?;
    out.line(format_args!("{}", head(lang)))?;
    out.line(format_args!("\n{}", of_systems(systems, lang)))?;
    for heading in HEADINGS {
        let rows: Vec<_> = statements().iter().filter(|row| row.heading == heading).collect();
        if !rows.is_empty() {
            out.line(format_args!("\n## {heading}\n\n{}\n\n{}\n|-|-|-|-|-|-|", bar(&rows), columns(lang)))?;
        }
        rows.iter().try_for_each(|statement| out.line(format_args!("{}", row(statement, records, &guide, lang)?)))?;
    }
    Ok(())
}

fn folder(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "docs",
        Lang::Zh => "docs/zh",
    }
}

/// A colour for each statement, then the numbers.
fn bar(rows: &[&Statement]) -> String {
    let counts = Verdict::ALL.map(|verdict| (verdict, rows.iter().filter(|row| row.verdict == verdict).count()));
    let squares: String = counts.iter().map(|(verdict, count)| square(*verdict).repeat(*count)).collect();
    let counts = counts.iter().filter(|(_, count)| *count > 0).map(|(verdict, count)| format!("{verdict} {count}"));
    format!("{squares} {}", joined(counts, ", "))
}

/// Seen on GitHub, too.
fn square(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "🟩",
        Verdict::Imprecise => "🟨",
        Verdict::Refuted => "🟥",
        Verdict::Outdated => "⬜",
    }
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
            "# 笔记的说法，逐条核实\n\n\
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

fn row(statement: &Statement, records: &[Record], guide: &Guide, lang: Lang) -> anyhow::Result<String> {
    let Statement { number, words, says, verdict, proof, .. } = statement;
    let evidence = match proof {
        Proof::Command(_) => {
            let record = records.iter().find(|record| record.claim == *number);
            record.and_then(|record| record.evidence.clone()).with_context(|| format!("claim {number}: no record"))?
        }
        Proof::Unchecked(_) => statement.why_unchecked(lang).unwrap_or_default(),
    };
    let words = link(&cell(&words.join(" … ")), guide.section(*number));
    let [says, evidence] = [says.get(lang), &evidence].map(cell);
    let (square, see) = (square(*verdict), commands(statement, guide, lang));
    Ok(format!(
        "| <a id=\"claim-{number}\"></a>{number} | {words} | {says} | {square} {verdict} | {evidence} | {see} |"
    ))
}

/// The command, and Go's, with links to their files.
fn commands(statement: &Statement, guide: &Guide, lang: Lang) -> String {
    let (root, docs) = match lang {
        Lang::En => ("../", ""),
        Lang::Zh => ("../../", "../"),
    };
    let command = statement.command().map(|command| {
        let file = guide.file(command).map(|file| format!("{root}{file}"));
        link(&format!("`{command}`"), file.as_deref())
    });
    let go = statement.go.as_ref().map(|step| {
        let heading = step.split(' ').next().unwrap_or_default().replace('-', "_");
        link(&format!("`go run . {step}`"), Some(&format!("{docs}go/{heading}.go")))
    });
    joined(command.into_iter().chain(go), " · ")
}

fn link(text: &str, to: Option<&str>) -> String {
    to.map_or_else(|| text.to_owned(), |to| format!("[{text}]({to})"))
}

/// A row a system, with the reasons why something was not seen there.
fn of_systems(systems: &[System], lang: Lang) -> String {
    let head = match lang {
        Lang::En => {
            "<summary>All were asked on other systems, too, booted by <code>make kernels</code>.</summary>\n\n\
             | release | CPUs | C library | bytes a page | as recorded | skipped | otherwise | failed |"
        }
        Lang::Zh => {
            "<summary>这些说法也在其他系统上检验过，由 <code>make kernels</code> 启动。</summary>\n\n\
             | 内核 | CPU | C 库 | 页的字节数 | 与记录相符 | 跳过 | 与记录不符 | 失败 |"
        }
    };
    let rows = systems.iter().map(|system| {
        let System { release, architecture, libc, page_size, cpus, as_recorded, skipped, otherwise, failed } = system;
        let [skipped, otherwise, failed] = [skipped, otherwise, failed].map(|some| numbers(some, lang));
        let cpus = cell(&format!("{cpus} x {architecture}"));
        format!("\n| {release} | {cpus} | {libc} | {page_size} | {as_recorded} | {skipped} | {otherwise} | {failed} |")
    });
    format!("<details>\n{head}\n|-|-|-|-|-|-|-|-|{}\n\n</details>", rows.collect::<String>())
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
