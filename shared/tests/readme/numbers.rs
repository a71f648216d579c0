//! What a run prints is compared without its numbers: they are others each time.

/// `-1.5` and `127.0.0.1` are one number each.
pub fn without_numbers(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        text.push_str(rest[..start].strip_suffix('-').unwrap_or(&rest[..start]));
        text.push('0');
        let end = rest[start..].find(|c: char| !c.is_ascii_digit() && c != '.').map_or(rest.len(), |end| start + end);
        let number = rest[start..end].trim_end_matches('.');
        rest = &rest[start + number.len()..];
    }
    text + rest
}
