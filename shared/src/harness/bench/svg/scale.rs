//! A logarithmic scale with a tick at each power of ten, or where it has fewer than two of these, at 1, 2 and 5 of each.

pub(super) struct Scale {
    from: f64,
    to: f64,
    left: f64,
    right: f64,
}

impl Scale {
    /// From the tick below the smallest value to the tick above the largest; `None` without values.
    pub(super) fn over(ranges: impl Iterator<Item = (f64, f64)>, (left, right): (f64, f64)) -> Option<Scale> {
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
    pub(super) fn x(&self, value: f64) -> f64 {
        let part = (value.max(self.from) / self.from).ln() / (self.to / self.from).ln();
        self.left + part.min(1.0) * (self.right - self.left)
    }

    pub(super) fn ticks(&self) -> impl Iterator<Item = (f64, String)> {
        let shown: Vec<f64> = all_ticks().filter(|tick| (self.from..=self.to).contains(tick)).collect();
        let powers: Vec<f64> = shown.iter().copied().filter(|tick| tick.log10().fract().abs() < 1e-9).collect();
        let few = if powers.len() < 2 { shown } else { powers };
        few.into_iter().map(|tick| (tick, tick.to_string()))
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
        assert_eq!(labels(&scale), ["1", "10", "100"]);
        assert!((scale.x(10.0) - 100.0).abs() < 1e-9 && (scale.x(1e9) - 200.0).abs() < 1e-9);
        assert!(Scale::over([].into_iter(), (0.0, 1.0)).is_none());
    }

    #[test]
    fn a_short_scale_has_ticks_between_the_powers_of_ten() {
        assert_eq!(labels(&Scale::over([(3.0, 8.0)].into_iter(), (0.0, 1.0)).unwrap()), ["2", "5", "10"]);
    }

    fn labels(scale: &Scale) -> Vec<String> {
        scale.ticks().map(|(_, label)| label).collect()
    }
}
