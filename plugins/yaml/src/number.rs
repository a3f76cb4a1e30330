//! Numbers as Go's strconv reads and writes them.

use std::fmt::Write;

/// `strconv.ParseInt(text, 0, 64)` for text without underscores.
pub(crate) fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = split_sign(text);
    to_signed(negative, parse_with_prefix(digits)?)
}

/// `strconv.ParseUint(text, 0, 64)` for text without underscores.
pub(crate) fn parse_uint(text: &str) -> Option<u64> {
    if text.starts_with(['+', '-']) {
        None
    } else {
        parse_with_prefix(text)
    }
}

/// `strconv.ParseInt(text, radix, 64)`.
pub(crate) fn parse_int_radix(text: &str, radix: u32) -> Option<i64> {
    let (negative, digits) = split_sign(text);
    to_signed(negative, parse_digits(digits, radix)?)
}

/// `strconv.ParseUint(text, radix, 64)`.
pub(crate) fn parse_uint_radix(text: &str, radix: u32) -> Option<u64> {
    parse_digits(text, radix)
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

fn to_signed(negative: bool, magnitude: u64) -> Option<i64> {
    if negative {
        0i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    }
}

fn parse_with_prefix(digits: &str) -> Option<u64> {
    match digits.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => parse_digits(&digits[2..], 16),
        [b'0', b'o' | b'O', _, ..] => parse_digits(&digits[2..], 8),
        [b'0', b'b' | b'B', _, ..] => parse_digits(&digits[2..], 2),
        [b'0', _, ..] => parse_digits(&digits[1..], 8),
        _ => parse_digits(digits, 10),
    }
}

fn parse_digits(digits: &str, radix: u32) -> Option<u64> {
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// A decimal float as YAML writes it, or nothing if it is none or too large:
/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let bytes = split_sign(text).1.as_bytes();
    let whole = count_digits(bytes);
    let mut at = whole;
    if bytes.get(at) == Some(&b'.') {
        let fraction = count_digits(&bytes[at + 1..]);
        if whole == 0 && fraction == 0 {
            return None;
        }
        at += 1 + fraction;
    } else if whole == 0 {
        return None;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(bytes.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        let exponent = count_digits(&bytes[at..]);
        if exponent == 0 {
            return None;
        }
        at += exponent;
    }
    if at != bytes.len() {
        return None;
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// `strconv.ParseFloat` for text that starts with a dot: underscores may stand between digits.
pub(crate) fn parse_dotted_float(text: &str) -> Option<f64> {
    if !text.contains('_') {
        return parse_float(text);
    }
    let bytes = text.as_bytes();
    let between_digits = |at: usize| {
        at > 0
            && bytes[at - 1].is_ascii_digit()
            && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
    };
    let are_valid = (0..bytes.len()).all(|at| bytes[at] != b'_' || between_digits(at));
    if are_valid {
        parse_float(&text.replace('_', ""))
    } else {
        None
    }
}

fn count_digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| b.is_ascii_digit()).count()
}

/// `strconv.FormatFloat(value, 'g', -1, 32)`, with YAML's names for what is not a number.
pub(crate) fn format_float32(value: f32) -> String {
    if !value.is_finite() {
        return format_float(f64::from(value));
    }
    format_shortest(value.is_sign_negative(), &format!("{:e}", value.abs()))
}

/// The digits of Rust's `{:e}`, which are the shortest, and the power of ten of the first one.
fn split_scientific(text: &str) -> (String, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

/// `strconv.FormatFloat(value, 'g', -1, 64)`, with YAML's names for what is not a number.
pub(crate) fn format_float(value: f64) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    format_shortest(value.is_sign_negative(), &format!("{:e}", value.abs()))
}

fn format_shortest(negative: bool, scientific: &str) -> String {
    let (digits, exponent) = split_scientific(scientific);
    let mut text = String::new();
    if negative {
        text.push('-');
    }
    // For the shortest form Go decides as if six digits were asked for.
    if (-4..6).contains(&exponent) {
        push_decimal(&mut text, &digits, exponent);
    } else {
        push_exponent(&mut text, &digits, exponent);
    }
    text
}

/// The number as Go's encoding/json writes it. The value must be finite.
pub(crate) fn format_json_float(value: f64) -> String {
    let mut text = String::new();
    if value.is_sign_negative() {
        text.push('-');
    }
    let (digits, exponent) = split_scientific(&format!("{:e}", value.abs()));
    if value != 0.0 && !(1e-6..1e21).contains(&value.abs()) {
        // encoding/json turns e-09 into e-9, but leaves e+09.
        push_exponent(&mut text, &digits, exponent);
        if let Some(at) = text.rfind("e-0") {
            text.remove(at + 2);
        }
    } else {
        push_decimal(&mut text, &digits, exponent);
    }
    text
}

fn push_exponent(text: &mut String, digits: &str, exponent: i32) {
    text.push_str(&digits[..1]);
    if digits.len() > 1 {
        text.push('.');
        text.push_str(&digits[1..]);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    // Writing to a string cannot fail.
    let _ = write!(text, "e{sign}{:02}", exponent.abs());
}

fn push_decimal(text: &mut String, digits: &str, exponent: i32) {
    match usize::try_from(exponent) {
        Err(_) => {
            text.push_str("0.");
            let zeros = usize::try_from(-exponent - 1).unwrap_or(0);
            text.extend(std::iter::repeat_n('0', zeros));
            text.push_str(digits);
        }
        Ok(whole) if whole + 1 >= digits.len() => {
            text.push_str(digits);
            text.extend(std::iter::repeat_n('0', whole + 1 - digits.len()));
        }
        Ok(whole) => {
            text.push_str(&digits[..=whole]);
            text.push('.');
            text.push_str(&digits[whole + 1..]);
        }
    }
}
