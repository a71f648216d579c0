//! Request bytes to answer bytes; pure.
//!
//! A request is a decimal int32, the answer `The cube root of 27 is 3.000000.`; both end in a TAB.
//!
//! Over 250 lines: a third of them are tests.
//!
//! Go: `strconv.Atoi`, `math.Cbrt`, `fmt.Sprintf("%f")` of tcpsock.go.

use crate::cube_roots::framing::{DELIMITER, LONGEST};

const BEFORE: &[u8; 17] = b"The cube root of ";
const BETWEEN: &[u8; 4] = b" is ";

/// The longest answer to a number: BEFORE, -2147483648, BETWEEN, -1290.159155, `.` and TAB.
const LONGEST_ANSWER: usize = BEFORE.len() + 11 + BETWEEN.len() + 12 + 2;

/// Appends the answer to `request` (which comes without its TAB).
pub fn answer(request: &[u8], answers: &mut Vec<u8>) {
    match parse(request) {
        Ok(number) => push_cube_root(number, answers),
        Err(NotANumber::NotInteger) => push_error(request, b"' is not integer!", answers),
        Err(NotANumber::Not32Bit) => push_error(request, b"' is not 32-bit integer!", answers),
    }
}

/// Appends the answer to a message without a TAB that outgrew the cap.
pub fn answer_too_long(answers: &mut Vec<u8>) {
    answers.extend_from_slice(format!("request longer than {LONGEST} bytes!").as_bytes());
    answers.push(DELIMITER);
}

/// Appends the answer to what the peer left without a TAB before it closed its side.
pub fn answer_unterminated(tail: &[u8], answers: &mut Vec<u8>) {
    push_error(tail, b"' is not a request: no TAB ends it!", answers);
}

/// Whether an answer (without its TAB) gives a cube root, and no error.
pub fn is_root(answer: &[u8]) -> bool {
    answer.starts_with(BEFORE)
}

fn push_error(request: &[u8], what: &[u8], answers: &mut Vec<u8>) {
    answers.push(b'\'');
    answers.extend_from_slice(request);
    answers.extend_from_slice(what);
    answers.push(DELIMITER);
}

#[derive(Debug, PartialEq, Eq)]
enum NotANumber {
    NotInteger,
    Not32Bit,
}

/// Up to nine digits fit without a check for each; anything else is for std's own parser.
fn parse(request: &[u8]) -> Result<i32, NotANumber> {
    let (negative, digits) = match request {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return parse_any(request);
    }
    let number = digits.iter().fold(0, |number, digit| number * 10 + i32::from(digit - b'0'));
    Ok(if negative { -number } else { number })
}

/// Atoi's 64 bits decide whether it is an integer, and then its range whether it is a 32-bit one.
fn parse_any(request: &[u8]) -> Result<i32, NotANumber> {
    let text = str::from_utf8(request).map_err(|_| NotANumber::NotInteger)?;
    let number: i64 = text.parse().map_err(|_| NotANumber::NotInteger)?;
    i32::try_from(number).map_err(|_| NotANumber::Not32Bit)
}

/// The digits are cut off an exact integer instead of by `{:.6}`, which takes three times as long.
fn push_cube_root(number: i32, answers: &mut Vec<u8>) {
    let millionths = in_millionths(f64::from(number).cbrt().abs());
    let (whole, fraction) = (millionths / 1_000_000, millionths % 1_000_000);
    let mut text = FromTheEnd::default();
    text.push(b".\t");
    text.push(pair(fraction % 100));
    text.push(pair(fraction / 100 % 100));
    text.push(pair(fraction / 10_000));
    text.push(b".");
    text.push_number(whole, number < 0);
    text.push(BETWEEN);
    text.push_number(number.unsigned_abs(), number < 0);
    text.push(BEFORE);
    text.append_to(answers);
}

/// `root` in millionths, rounded as printf(3) rounds it: the exact binary value to the nearest,
/// a tie to the even one.
///
/// `root` is the cube root of an int32, so 0 or between 1 and 1291, and its exponent is from 0 to 10:
/// with a mantissa of 53 bits the product has at most 73, and the shift is from 42 to 52.
#[allow(clippy::cast_possible_truncation, reason = "1291 millions fit")]
fn in_millionths(root: f64) -> u32 {
    const FRACTION_BITS: u64 = 52;
    const EXPONENT_BIAS: u64 = 1023;
    let bits = root.to_bits();
    if bits == 0 {
        return 0;
    }
    let mantissa = bits & ((1 << FRACTION_BITS) - 1) | 1 << FRACTION_BITS;
    let shift = EXPONENT_BIAS + FRACTION_BITS - (bits >> FRACTION_BITS);
    let exact = u128::from(mantissa) * 1_000_000;
    let (half, odd) = (1 << (shift - 1), exact >> shift & 1);
    ((exact + half - 1 + odd) >> shift) as u32
}

/// A short text written from its end to its beginning, as digits come.
struct FromTheEnd {
    bytes: [u8; 2 * LONGEST_ANSWER],
    start: usize,
}

impl Default for FromTheEnd {
    fn default() -> Self {
        FromTheEnd { bytes: [0; 2 * LONGEST_ANSWER], start: LONGEST_ANSWER }
    }
}

impl FromTheEnd {
    fn push<const LENGTH: usize>(&mut self, piece: &[u8; LENGTH]) {
        let end = self.start;
        self.start -= LENGTH;
        self.bytes[self.start..end].copy_from_slice(piece);
    }

    fn push_number(&mut self, mut number: u32, negative: bool) {
        while number >= 100 {
            self.push(pair(number % 100));
            number /= 100;
        }
        let [tens, ones] = *pair(number);
        self.push(&[ones]);
        if number >= 10 {
            self.push(&[tens]);
        }
        if negative {
            self.push(b"-");
        }
    }

    /// A copy of always the same length is a few moves, one of a varying length a call; so what stands
    /// behind the text goes along, and is cut off.
    fn append_to(&self, answers: &mut Vec<u8>) {
        let end = answers.len() + LONGEST_ANSWER - self.start;
        answers.extend_from_slice(&self.bytes[self.start..self.start + LONGEST_ANSWER]);
        answers.truncate(end);
    }
}

/// The two digits of a number below 100.
fn pair(number: u32) -> &'static [u8; 2] {
    &PAIRS[number as usize]
}

/// `00` to `99`.
#[allow(clippy::cast_possible_truncation, reason = "a digit fits")]
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answered(request: &[u8]) -> Vec<u8> {
        let mut answers = Vec::new();
        answer(request, &mut answers);
        answers
    }

    /// The answer as C's printf makes it.
    fn printed(number: i32, text: &mut [u8; 80]) -> &[u8] {
        let root = f64::from(number).cbrt();
        let format = c"The cube root of %d is %f.\t";
        // SAFETY: the buffer is as long as said, and the arguments fit the format.
        #[allow(unsafe_code, reason = "printf(3) is what the answers are compared with")]
        let length = unsafe { libc::snprintf(text.as_mut_ptr().cast(), text.len(), format.as_ptr(), number, root) };
        &text[..usize::try_from(length).unwrap()]
    }

    fn assert_as_printed(number: i32, answers: &mut Vec<u8>) {
        answers.clear();
        push_cube_root(number, answers);
        let mut text = [0; 80];
        assert!(answers == printed(number, &mut text), "{number}: {}", answers.escape_ascii());
    }

    #[test]
    fn numbers_as_go_reads_them() {
        assert_eq!(answered(b"27"), b"The cube root of 27 is 3.000000.\t");
        assert_eq!(answered(b"-8"), b"The cube root of -8 is -2.000000.\t");
        assert_eq!(answered(b"+5"), b"The cube root of 5 is 1.709976.\t");
        assert_eq!(answered(b"1298498081"), b"The cube root of 1298498081 is 1090.972418.\t");
        assert_eq!(answered(b"-2147483648"), b"The cube root of -2147483648 is -1290.159155.\t");
    }

    #[test]
    fn what_is_no_int32_is_named() {
        for text in ["abc", "", " 5", "5 ", "0x10", "1_000", "1.5", "-", "+", "+-5", "\u{0665}"] {
            assert_eq!(answered(text.as_bytes()), format!("'{text}' is not integer!\t").into_bytes());
        }
        // Atoi reads all of it, and into 64 bits, before anybody asks for the range.
        for text in ["3000000000x", "9223372036854775808", "-9223372036854775809", "99999999999999999999"] {
            assert_eq!(answered(text.as_bytes()), format!("'{text}' is not integer!\t").into_bytes());
        }
        for text in ["2147483648", "-2147483649", "+3000000000", "9223372036854775807", "-9223372036854775808"] {
            assert_eq!(answered(text.as_bytes()), format!("'{text}' is not 32-bit integer!\t").into_bytes());
        }
        assert_eq!(answered(b"\xff\0"), b"'\xff\0' is not integer!\t");
    }

    #[test]
    fn the_digits_are_those_of_printf_near_every_edge_and_on_a_grid() {
        let mut answers = Vec::new();
        let cubes = (-1290i32..=1290).map(|root| root.pow(3));
        for number in cubes.flat_map(|cube| cube - 2..=cube + 2).chain([i32::MIN, i32::MAX]) {
            assert_as_printed(number, &mut answers);
        }
        for number in (i32::MIN..=i32::MAX).step_by(40_009) {
            assert_as_printed(number, &mut answers);
        }
    }

    /// `cargo test --release -p shared -- --ignored every_int32` takes a quarter of an hour on two cores.
    #[test]
    #[ignore = "all 4,294,967,296 requests: run once for each change of the digits"]
    fn the_digits_are_those_of_printf_for_every_int32() {
        let workers = i64::try_from(std::thread::available_parallelism().unwrap().get()).unwrap();
        std::thread::scope(|scope| {
            for worker in 0..workers {
                scope.spawn(move || {
                    let mut answers = Vec::new();
                    let mut number = i64::from(i32::MIN) + worker;
                    while let Ok(request) = i32::try_from(number) {
                        assert_as_printed(request, &mut answers);
                        number += workers;
                    }
                });
            }
        });
    }

    proptest! {
        /// i64's own parser decides, for digits and for any text; then the range.
        #[test]
        fn parses_as_atoi_does(text in prop_oneof!["[+-]?[0-9]{1,21}x?", "\\PC{0,12}"]) {
            let expected = match text.parse::<i64>() {
                Ok(number) => i32::try_from(number).map_err(|_| NotANumber::Not32Bit),
                Err(_) => Err(NotANumber::NotInteger),
            };
            prop_assert_eq!(parse(text.as_bytes()), expected);
        }

        #[test]
        fn an_answer_is_one_message(request in prop::collection::vec(any::<u8>().prop_filter("TAB", |&b| b != DELIMITER), 0..50)) {
            let answers = answered(&request);
            prop_assert_eq!(answers.iter().position(|&byte| byte == DELIMITER), Some(answers.len() - 1));
        }
    }
}
