//! The string functions behind the operators (fluxcd/pkg, `envsubst/funcs.go`).

use super::pattern::Pattern;
use super::{ExpressionError, Meter, Operator};

/// The value of `variable` under `operator`. Missing arguments mean what they do upstream.
pub(super) fn apply(
    operator: Operator,
    variable: &str,
    value: &str,
    arguments: &[String],
    meter: &mut Meter,
) -> Result<String, ExpressionError> {
    let first = arguments.first().map_or("", String::as_str);
    let second = arguments.get(1).map_or("", String::as_str);
    let result = match operator {
        // Replacing writes as it goes.
        Operator::ReplaceFirst => return replace(value, first, second, 1, meter),
        Operator::ReplaceAll => return replace(value, first, second, usize::MAX, meter),
        Operator::Default if value.is_empty() => arguments.concat(),
        Operator::Value | Operator::Default => value.to_owned(),
        // In bytes, as upstream counts.
        Operator::Length => value.len().to_string(),
        Operator::Lower => value.chars().map(lower).collect(),
        Operator::Upper => value.chars().map(upper).collect(),
        Operator::LowerFirst => map_first(value, lower),
        Operator::UpperFirst => map_first(value, upper),
        Operator::Substring => substring(variable, value, arguments)?.to_owned(),
        // Without a replacement (`${v/#a/}`) upstream leaves the value alone.
        Operator::ReplacePrefix | Operator::ReplaceSuffix if arguments.len() < 2 => {
            value.to_owned()
        }
        Operator::ReplacePrefix => value
            .strip_prefix(first)
            .map_or_else(|| value.to_owned(), |rest| format!("{second}{rest}")),
        Operator::ReplaceSuffix => value
            .strip_suffix(first)
            .map_or_else(|| value.to_owned(), |rest| format!("{rest}{second}")),
        Operator::TrimShortestPrefix => trim_prefix(value, first, Pattern::shortest_prefix, meter)?,
        Operator::TrimLongestPrefix => trim_prefix(value, first, Pattern::longest_prefix, meter)?,
        Operator::TrimShortestSuffix => trim_suffix(value, first, Pattern::shortest_prefix, meter)?,
        Operator::TrimLongestSuffix => trim_suffix(value, first, Pattern::longest_prefix, meter)?,
    };
    meter.write(result.len())?;
    Ok(result)
}

fn map_first(value: &str, map: fn(char) -> char) -> String {
    let mut characters = value.chars();
    characters.next().map_or_else(String::new, |first| {
        format!("{}{}", map(first), characters.as_str())
    })
}

/// One character to one character, as Go maps case; Rust's own mapping may give several.
fn lower(character: char) -> char {
    match character {
        '\u{130}' => 'i',
        _ => only(character.to_lowercase(), character),
    }
}

/// See [`lower`]. The ranges are the Greek letters whose single capital is a title case letter.
fn upper(character: char) -> char {
    let offset = match character {
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => 8,
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => 9,
        _ => return only(character.to_uppercase(), character),
    };
    char::from_u32(u32::from(character) + offset).unwrap_or(character)
}

fn only(mut mapped: impl Iterator<Item = char>, unmapped: char) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(single), None) => single,
        _ => unmapped,
    }
}

/// Positions and lengths are in bytes. One that is no number leaves the value alone, as in bash.
fn substring<'v>(
    variable: &str,
    value: &'v str,
    arguments: &[String],
) -> Result<&'v str, ExpressionError> {
    let size = i64::try_from(value.len()).unwrap_or(i64::MAX);
    let Some(position) = arguments.first().and_then(|text| text.parse::<i64>().ok()) else {
        return Ok(value);
    };
    let start = if position < 0 {
        (size + position.max(-size)).max(0)
    } else {
        position
    };
    let end = match arguments.get(1).map(|text| text.parse::<i64>()) {
        None => size,
        Some(Err(_)) => return Ok(value),
        Some(Ok(length)) => start.saturating_add(length),
    };
    if end >= size && start >= size {
        return Ok("");
    }
    if end < start {
        return Err(ExpressionError::NegativeLength(variable.to_owned()));
    }
    let at = |offset: i64| {
        usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(value.len())
    };
    value
        .get(at(start)..at(end))
        .ok_or_else(|| ExpressionError::SplitCharacter(variable.to_owned()))
}

/// Replaces up to `limit` occurrences. An empty `searched` stands before every character and at the
/// end, in Go as in Rust.
fn replace(
    value: &str,
    searched: &str,
    replacement: &str,
    limit: usize,
    meter: &mut Meter,
) -> Result<String, ExpressionError> {
    let mut result = String::new();
    let mut copied = 0;
    for (start, found) in value.match_indices(searched).take(limit) {
        meter.write(replacement.len())?;
        result.push_str(&value[copied..start]);
        result.push_str(replacement);
        copied = start + found.len();
    }
    result.push_str(&value[copied..]);
    meter.write(value.len())?;
    Ok(result)
}

/// How much of a text, in characters, a pattern takes away.
type Prefix = fn(&Pattern, &[char], &mut Meter) -> Result<Option<usize>, ExpressionError>;

fn trim_prefix(
    value: &str,
    pattern: &str,
    prefix: Prefix,
    meter: &mut Meter,
) -> Result<String, ExpressionError> {
    let Some(pattern) = Pattern::parse(pattern.chars()) else {
        return Ok(value.to_owned());
    };
    let characters: Vec<char> = value.chars().collect();
    let length = prefix(&pattern, &characters, meter)?.unwrap_or(0);
    Ok(characters[length..].iter().collect())
}

/// A suffix is a prefix of the reversed text under the reversed pattern. Upstream reverses the
/// pattern as text too, so that character classes and escapes do not work in suffixes.
fn trim_suffix(
    value: &str,
    pattern: &str,
    prefix: Prefix,
    meter: &mut Meter,
) -> Result<String, ExpressionError> {
    let Some(pattern) = Pattern::parse(pattern.chars().rev()) else {
        return Ok(value.to_owned());
    };
    let characters: Vec<char> = value.chars().rev().collect();
    let length = prefix(&pattern, &characters, meter)?.unwrap_or(0);
    Ok(characters[length..].iter().rev().collect())
}
