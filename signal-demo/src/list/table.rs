//! The note's listing of signals, of which each is one that this kernel takes, by the name that this C library gives it.
//!
//! Note: 信号 ("kill -l"). Man: signal(7), rt_sigaction(2).

use std::fmt;

use anyhow::Context;
use libc::c_int;
use serde::Serialize;
use shared::harness::report::Report;

use super::kernel::is_accepted;
use crate::signal::Signal;

/// How many stand side by side.
const COLUMNS: usize = 5;

#[derive(Serialize)]
struct Row {
    row: Vec<Cell>,
}

#[derive(Serialize)]
struct Cell {
    number: c_int,
    name: Signal,
}

pub fn run(out: &mut Report) -> anyhow::Result<()> {
    let mut cells = Vec::new();
    for name in Signal::all() {
        let number = name.number();
        if is_accepted(number).with_context(|| format!("rt_sigaction {number}"))? {
            cells.push(Cell { number, name });
        }
    }
    while !cells.is_empty() {
        let rest = cells.split_off(COLUMNS.min(cells.len()));
        out.record(&Row { row: cells })?;
        cells = rest;
    }
    Ok(())
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = self.row.iter().map(|Cell { number, name }| format!("{number:2}) {name}"));
        f.write_str(&cells.collect::<Vec<_>>().join("\t"))
    }
}
