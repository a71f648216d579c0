//! The records as one picture: a row for each mechanism, a mark for each placement, on log scales.

use std::fmt::{self, Write};

use super::placement::Pin;
use super::record::Record;

const NAMES: f64 = 170.0;
const PANEL: f64 = 330.0;
const GAP: f64 = 52.0;
const TOP: f64 = 132.0;
const ROW: f64 = 36.0;

/// What a panel shows of a record, if anything: the two ends of a line, with a dot at the first.
type Shown = fn(&Record) -> Option<(f64, f64)>;

const PANELS: [(&str, Shown); 3] = [
    ("there and back, 64 bytes or less: µs", |record| (record.size <= 64).then_some((record.p50_us, record.p99_us))),
    ("there and back, 64 KiB: µs", |record| (record.size > 64).then_some((record.p50_us, record.p99_us))),
    ("one way, messages of 64 KiB: MB/s", |record| {
        let rate = record.mb_per_s.filter(|_| record.size > 64)?;
        Some((rate, rate))
    }),
];

const PINS: [(Pin, &str, &str); 3] = [
    (Pin::Same, "#0072b2", "both sides on one CPU"),
    (Pin::Cross, "#d55e00", "each side on a CPU of its own"),
    (Pin::None, "#999999", "where the scheduler puts them"),
];

pub(super) fn draw(records: &[Record]) -> String {
    let names = names(records);
    let (width, bottom) = (NAMES + 3.0 * (PANEL + GAP), TOP + ROW * names.len() as f64);
    let mut svg = String::new();
    // Writing to a String does not fail.
    let _ = write_picture(&mut svg, records, &names, width, bottom);
    svg
}

fn write_picture(svg: &mut String, records: &[Record], names: &[&str], width: f64, bottom: f64) -> fmt::Result {
    let height = bottom + 40.0;
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="sans-serif" font-size="13">"#
    )?;
    writeln!(svg, r#"<rect width="{width}" height="{height}" fill="white"/>"#)?;
    text(svg, (20.0, 32.0), r#"font-size="20" font-weight="bold""#, "The same work by every mechanism")?;
    let how = "Dot: the median; line: up to the 99th percentile. Log scales; every byte sent is checked. The fastest there and back is on top.";
    text(svg, (20.0, 54.0), r##"fill="#555""##, how)?;
    legend(svg, records)?;
    for (row, name) in names.iter().enumerate() {
        let y = TOP + ROW * row as f64;
        if row % 2 == 0 {
            writeln!(svg, r##"<rect y="{y}" width="{width}" height="{ROW}" fill="#f4f4f4"/>"##)?;
        }
        text(svg, (20.0, y + ROW / 2.0 + 4.5), "", name)?;
    }
    for (nth, (title, shown)) in PANELS.into_iter().enumerate() {
        let left = NAMES + nth as f64 * (PANEL + GAP);
        panel(svg, records, names, (left, bottom), (title, shown))?;
    }
    writeln!(svg, "</svg>")
}

/// The fastest first, by the first figure that each has.
fn names(records: &[Record]) -> Vec<&str> {
    let mut names = Vec::new();
    for record in Record::sorted(records) {
        if !names.contains(&record.mechanism.as_str()) {
            names.push(&record.mechanism);
        }
    }
    names
}

fn legend(svg: &mut String, records: &[Record]) -> fmt::Result {
    let mut x = 26.0;
    for (_, colour, meaning) in PINS.iter().filter(|(pin, ..)| records.iter().any(|record| record.pin == *pin)) {
        writeln!(svg, r#"<circle cx="{x}" cy="76" r="5" fill="{colour}"/>"#)?;
        text(svg, (x + 11.0, 80.5), "", meaning)?;
        x += 240.0;
    }
    Ok(())
}

fn panel(
    svg: &mut String,
    records: &[Record],
    names: &[&str],
    (left, bottom): (f64, f64),
    (title, shown): (&str, Shown),
) -> fmt::Result {
    let Some(scale) = Scale::over(records.iter().filter_map(shown), (left, left + PANEL)) else { return Ok(()) };
    text(svg, (left, TOP - 26.0), r#"font-weight="bold""#, title)?;
    for (value, label) in scale.ticks() {
        let x = scale.x(value);
        writeln!(svg, r##"<line x1="{x:.1}" y1="{TOP}" x2="{x:.1}" y2="{bottom}" stroke="#ccc"/>"##)?;
        for y in [TOP - 8.0, bottom + 18.0] {
            text(svg, (x, y), r##"text-anchor="middle" font-size="11" fill="#555""##, &label)?;
        }
    }
    for record in records {
        let (Some((dot, end)), Some(row)) = (shown(record), names.iter().position(|name| *name == record.mechanism))
        else {
            continue;
        };
        let nth = PINS.iter().position(|(pin, ..)| *pin == record.pin).unwrap_or_default();
        let colour = PINS[nth].1;
        let y = TOP + ROW * row as f64 + ROW / 2.0 + (nth as f64 - 1.0) * 10.0;
        let (x, end) = (scale.x(dot), scale.x(end));
        writeln!(
            svg,
            r#"<line x1="{x:.1}" y1="{y}" x2="{end:.1}" y2="{y}" stroke="{colour}" stroke-width="2"/><circle cx="{x:.1}" cy="{y}" r="4.5" fill="{colour}"/>"#
        )?;
    }
    Ok(())
}

fn text(svg: &mut String, (x, y): (f64, f64), style: &str, text: &str) -> fmt::Result {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    writeln!(svg, r#"<text x="{x:.1}" y="{y:.1}" {style}>{text}</text>"#)
}

/// A logarithmic scale with ticks at 1, 2 and 5 of each power of ten.
struct Scale {
    from: f64,
    to: f64,
    left: f64,
    right: f64,
}

impl Scale {
    /// From the tick below the smallest value to the tick above the largest; `None` without values.
    fn over(ranges: impl Iterator<Item = (f64, f64)>, (left, right): (f64, f64)) -> Option<Scale> {
        let values = ranges.flat_map(|(from, to)| [from, to]).filter(|value| value.is_finite() && *value > 0.0);
        let (least, most) =
            values.fold((f64::INFINITY, 0.0_f64), |(least, most), value| (least.min(value), most.max(value)));
        if most == 0.0 {
            return None;
        }
        let from = all_ticks().take_while(|tick| *tick <= least).last()?;
        let to = all_ticks().find(|tick| *tick > most)?;
        Some(Scale { from, to, left, right })
    }

    /// Where a value stands; one off the scale stands at its edge.
    fn x(&self, value: f64) -> f64 {
        let part = (value.max(self.from) / self.from).ln() / (self.to / self.from).ln();
        self.left + part.min(1.0) * (self.right - self.left)
    }

    fn ticks(&self) -> impl Iterator<Item = (f64, String)> {
        let shown = all_ticks().filter(|tick| (self.from..=self.to).contains(tick));
        shown.map(|tick| (tick, tick.to_string()))
    }
}

fn all_ticks() -> impl Iterator<Item = f64> {
    (-3..9).flat_map(|power| {
        [1.0, 2.0, 5.0].map(|tick| if power < 0 { tick / 10_f64.powi(-power) } else { tick * 10_f64.powi(power) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decade_is_as_wide_as_any_other() {
        let scale = Scale::over([(1.5, 70.0)].into_iter(), (0.0, 200.0)).unwrap();
        assert_eq!(scale.ticks().map(|(_, label)| label).collect::<Vec<_>>(), ["1", "2", "5", "10", "20", "50", "100"]);
        assert!((scale.x(10.0) - 100.0).abs() < 1e-9 && (scale.x(1e9) - 200.0).abs() < 1e-9);
        assert!(Scale::over([].into_iter(), (0.0, 1.0)).is_none());
    }
}
