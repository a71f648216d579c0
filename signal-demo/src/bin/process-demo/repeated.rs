//! An experiment that whatever else runs on the machine may disturb.

/// Repeats an experiment until nothing has disturbed it, at most `tries` times.
pub fn repeated<T>(
    tries: usize,
    experiment: impl Fn() -> anyhow::Result<T>,
    is_undisturbed: impl Fn(&T) -> bool,
) -> anyhow::Result<T> {
    let mut seen = experiment()?;
    for _ in 1..tries {
        if !is_undisturbed(&seen) {
            seen = experiment()?;
        }
    }
    Ok(seen)
}
