//! Durations on the command line: `10s`, `1m 30s`, `200ms`.
//!
//! Go: `time.ParseDuration`.

use std::time::Duration;

/// Longer ones are as good as for ever, and would overflow the clock.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// For clap's `value_parser`.
pub fn parse(text: &str) -> Result<Duration, humantime::DurationError> {
    humantime::parse_duration(text).map(|duration| duration.min(CENTURY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_fits_into_the_clock() {
        let longest = parse("500000000000y").unwrap();
        assert!(std::time::Instant::now().checked_add(longest * 2).is_some());
        assert_eq!(parse("1m 30s").unwrap(), Duration::from_secs(90));
        assert!(parse("5").is_err() && parse("-1s").is_err() && parse("").is_err());
    }
}
