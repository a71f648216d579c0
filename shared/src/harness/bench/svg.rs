//! The records as one picture: a row for each mechanism, a mark for each placement, on log scales.

mod machine;
mod scale;

use std::fmt::{self, Write};

use super::placement::Pin;
use super::record::Record;
use scale::Scale;

const NAMES: f64 = 170.0;
const PANEL: f64 = 330.0;
const GAP: f64 = 52.0;
const TOP: f64 = 148.0;
const ROW: f64 = 36.0;

/// What a panel shows of a record, if anything: the two ends of a line, with a mark at the first.
type Shown = fn(&Record) -> Option<(f64, f64)>;

const PANELS: [(&str, &str, Shown); 3] = [
    ("there and back, 64 bytes or less", "← less is better, µs", |record| {
        (record.size <= 64).then_some((record.p50_us, record.p99_us))
    }),
    ("there and back, 64 KiB", "← less is better, µs", |record| {
        (record.size > 64).then_some((record.p50_us, record.p99_us))
    }),
    ("one way, messages of 64 KiB", "more is better, MB/s →", |record| {
        let rate = record.mb_per_s.filter(|_| record.size > 64)?;
        Some((rate, rate))
    }),
];

/// Each with its class in style.css, and its shape as a path around a point.
const PINS: [(Pin, &str, &str, &str); 3] = [
    (Pin::Same, "same", "m-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z", "both sides on one CPU"),
    (Pin::Cross, "cross", "m-4 -4h8v8h-8z", "each side on a CPU of its own"),
    (Pin::None, "none", "m0 -5l5 9h-10z", "where the scheduler puts them"),
];

pub(super) fn draw(records: &[Record]) -> String {
    let mut svg = String::new();
    // Writing to a String does not fail.
    let _ = write_picture(&mut svg, records, &groups(records));
    svg
}

fn write_picture(svg: &mut String, records: &[Record], groups: &[Vec<&str>]) -> fmt::Result {
    let names = groups.concat();
    let (width, bottom) = (NAMES + 3.0 * (PANEL + GAP), TOP + ROW * names.len() as f64);
    let height = bottom + 62.0;
    let size = format!("viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\"");
    writeln!(svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" {size} role=\"img\">")?;
    writeln!(svg, "<title>Latency and throughput of {} ways to communicate</title>", names.len())?;
    writeln!(svg, "<style>\n{}</style>", include_str!("svg/style.css"))?;
    writeln!(svg, r#"<rect class="paper" width="{width}" height="{height}"/>"#)?;
    text(svg, (20.0, 32.0), "title", "The same work by every mechanism")?;
    let how = "Mark: the median; line: up to the 99th percentile. Log scales. The fastest there and back is on top, beside its kin.";
    text(svg, (20.0, 54.0), "dim", how)?;
    legend(svg, records)?;
    rows(svg, groups, width)?;
    for (nth, panel) in PANELS.iter().enumerate() {
        write_panel(svg, records, &names, (NAMES + nth as f64 * (PANEL + GAP), bottom), panel)?;
    }
    text(svg, (20.0, height - 16.0), "dim", &format!("Drawn on {}", machine::and_day()))?;
    writeln!(svg, "</svg>")
}

/// The fastest first, by the first figure that each has; what differs behind the comma stands together.
fn groups(records: &[Record]) -> Vec<Vec<&str>> {
    let mut groups: Vec<Vec<&str>> = Vec::new();
    for name in Record::sorted(records).into_iter().map(|record| record.mechanism.as_str()) {
        let kin = |other: &str| other.split(',').next() == name.split(',').next();
        match groups.iter_mut().find(|group| kin(group[0])) {
            Some(group) if !group.contains(&name) => group.push(name),
            Some(_) => (),
            None => groups.push(vec![name]),
        }
    }
    groups
}

fn legend(svg: &mut String, records: &[Record]) -> fmt::Result {
    let mut x = 26.0;
    for (_, class, shape, meaning) in PINS.iter().filter(|(pin, ..)| records.iter().any(|record| record.pin == *pin)) {
        writeln!(svg, r#"<path class="{class}" d="M{x} 76{shape}"/>"#)?;
        text(svg, (x + 11.0, 80.5), "", meaning)?;
        x += 240.0;
    }
    Ok(())
}

/// Every other group has a ground of its own.
fn rows(svg: &mut String, groups: &[Vec<&str>], width: f64) -> fmt::Result {
    let mut y = TOP;
    for (nth, group) in groups.iter().enumerate() {
        if nth % 2 == 0 {
            let height = ROW * group.len() as f64;
            writeln!(svg, r#"<rect class="group" y="{y}" width="{width}" height="{height}"/>"#)?;
        }
        for name in group {
            text(svg, (20.0, y + ROW / 2.0 + 4.5), "", name)?;
            y += ROW;
        }
    }
    Ok(())
}

fn write_panel(
    svg: &mut String,
    records: &[Record],
    names: &[&str],
    (left, bottom): (f64, f64),
    (title, better, shown): &(&str, &str, Shown),
) -> fmt::Result {
    let Some(scale) = Scale::over(records.iter().filter_map(shown), (left, left + PANEL)) else { return Ok(()) };
    text(svg, (left, TOP - 42.0), "head", title)?;
    text(svg, (left, TOP - 25.0), "dim", better)?;
    for (value, label) in scale.ticks() {
        let x = scale.x(value);
        writeln!(svg, r#"<path class="tick" style="stroke-width: 1" d="M{x:.1} {TOP}V{bottom}"/>"#)?;
        for y in [TOP - 8.0, bottom + 18.0] {
            text(svg, (x, y), "dim mid", &label)?;
        }
    }
    for record in records {
        let row = names.iter().position(|name| *name == record.mechanism);
        if let (Some(line), Some(row)) = (shown(record), row) {
            write_mark(svg, record.pin, TOP + ROW * row as f64, (scale.x(line.0), scale.x(line.1)))?;
        }
    }
    Ok(())
}

fn write_mark(svg: &mut String, pin: Pin, top: f64, (x, end): (f64, f64)) -> fmt::Result {
    let nth = PINS.iter().position(|(one, ..)| *one == pin).unwrap_or_default();
    let (_, class, shape, _) = PINS[nth];
    let y = top + ROW / 2.0 + (nth as f64 - 1.0) * 10.0;
    writeln!(svg, r#"<path class="{class}" d="M{x:.1} {y}H{end:.1}M{x:.1} {y}{shape}"/>"#)
}

fn text(svg: &mut String, (x, y): (f64, f64), class: &str, text: &str) -> fmt::Result {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    writeln!(svg, r#"<text class="{class}" x="{x:.1}" y="{y:.1}">{text}</text>"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(mechanism: &str, p50_us: f64) -> Record {
        let figures = r#""size":64,"pin":"same","round_trips":1,"p99_us":1,"p999_us":1,"context_switches":0"#;
        serde_json::from_str(&format!(r#"{{"mechanism":"{mechanism}","p50_us":{p50_us},{figures}}}"#)).unwrap()
    }

    #[test]
    fn kin_stand_together_where_the_fastest_of_them_would() {
        let records = [record("tcp", 3.0), record("pipe, mio", 4.0), record("pipe", 2.0)];
        assert_eq!(groups(&records), [vec!["pipe", "pipe, mio"], vec!["tcp"]]);
    }

    #[test]
    fn the_picture_has_a_title_shapes_dark_colours_and_the_machine() {
        let picture = draw(&[record("pipe", 2.0)]);
        for part in ["<title>", "prefers-color-scheme: dark", "less is better", "a4.5 4.5", "Drawn on Linux "] {
            assert!(picture.contains(part), "{part}");
        }
    }
}
