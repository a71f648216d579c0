//! The note's listing of signals, of which each is one that this kernel takes, by the name that this C library gives it.
//!
//! Note: 信号 ("kill -l"). Man: signal(7), rt_sigaction(2).

use std::fmt;

use libc::c_int;
use serde::Serialize;
use shared::harness::report::Report;

use super::kernel::accepted_of;
use crate::signal::Signal;

/// How many stand side by side.
const COLUMNS: usize = 5;

#[derive(Serialize)]
struct Row<'a> {
    row: &'a [Cell],
}

#[derive(Serialize)]
struct Cell {
    number: c_int,
    name: Signal,
}

pub fn run(out: &mut Report) -> anyhow::Result<()> {
    let accepted = accepted_of(Signal::all().map(Signal::number))?.into_iter().filter_map(Signal::from_number);
    let cells: Vec<Cell> = accepted.map(|name| Cell { number: name.number(), name }).collect();
    cells.chunks(COLUMNS).try_for_each(|row| out.record(&Row { row }))
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = self.row.iter().map(|Cell { number, name }| format!("{number:2}) {name}"));
        f.write_str(&cells.collect::<Vec<_>>().join("\t"))
    }
}
