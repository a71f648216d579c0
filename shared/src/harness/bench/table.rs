//! The records as tables, the fastest on top: one table for each size of message and each placement.

use super::placement::Pin;
use super::record::Record;
use crate::harness::report::Report;

pub(super) fn print(records: &[Record], out: &mut Report) -> anyhow::Result<()> {
    for (nth, rows) in Record::sorted(records).chunk_by(|a, b| a.part() == b.part()).enumerate() {
        if nth > 0 {
            out.line(format_args!(""))?;
        }
        let first = rows[0];
        out.line(format_args!(
            "{:<28}{:>9} {:>9} {:>10} {:>10} {:>8} {:>9}",
            format!("{}, {}", size(first.size), place(first)),
            "p50 µs",
            "p99 µs",
            "p99.9 µs",
            "MB/s",
            "r+w",
            "switches"
        ))?;
        for row in rows {
            out.line(format_args!(
                "  {:<26}{:>9.2} {:>9.2} {:>10.2} {:>10} {:>8} {:>9.2}",
                row.mechanism,
                row.p50_us,
                row.p99_us,
                row.p999_us,
                row.mb_per_s.map(|rate| format!("{rate:.1}")).unwrap_or_default(),
                row.reads_writes.map(|calls| format!("{calls:.2}")).unwrap_or_default(),
                row.context_switches,
            ))?;
        }
    }
    Ok(())
}

fn size(bytes: usize) -> String {
    if bytes > 64 { format!("{} KiB", bytes >> 10) } else { "64 B".to_owned() }
}

fn place(record: &Record) -> String {
    match (record.pin, record.pinned_to) {
        (Pin::Same, Some((cpu, _))) => format!("both on CPU {cpu}"),
        (Pin::Cross, Some((one, other))) => format!("CPUs {one} and {other}"),
        _ => "not pinned".to_owned(),
    }
}
