//! Durations on the command line: `10` and `0.5` are seconds, as for timeout(1); `200ms` and `1m 30s` have units.
//!
//! Go: `time.ParseDuration`. Man: timeout(1), sleep(1).

use std::time::Duration;

/// Longer ones are as good as for ever, and would overflow the clock.
pub const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A duration, for clap's `value_parser`.
pub fn parse(text: &str) -> Result<Duration, humantime::DurationError> {
    let is_plain = text.ends_with(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let parsed =
        if is_plain { humantime::parse_duration(&format!("0{text}s")) } else { humantime::parse_duration(text) };
    parsed.map(|duration| duration.min(FOR_EVER))
}

/// A limit to a wait: `0` is none.
pub fn limit(text: &str) -> Result<Duration, humantime::DurationError> {
    parse(text).map(|limit| if limit.is_zero() { FOR_EVER } else { limit })
}

/// How long to do something: `0` would be not at all.
pub fn some(text: &str) -> Result<Duration, String> {
    match parse(text) {
        Ok(Duration::ZERO) => Err("must be longer than 0".to_owned()),
        parsed => parsed.map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_fits_into_the_clock() {
        let longest = parse("500000000000y").unwrap();
        assert!(std::time::Instant::now().checked_add(longest * 2).is_some());
        assert_eq!(limit("0").unwrap(), longest);
    }

    #[test]
    fn plain_numbers_are_seconds() {
        for (text, milliseconds) in
            [("5", 5000), ("0.5", 500), (".5", 500), ("1m 30s", 90_000), ("200ms", 200), ("0", 0)]
        {
            assert_eq!(parse(text).unwrap(), Duration::from_millis(milliseconds), "{text}");
        }
        for wrong in ["", "-1", "-1s", "1e3", "inf", "5.", "1.2.3", "5 5", "5x"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_time_is_no_limit_and_no_duration() {
        assert_eq!((limit("0s").unwrap(), limit("1").unwrap()), (FOR_EVER, Duration::from_secs(1)));
        assert!(some("0").is_err() && some("1ns").is_ok());
    }
}
