//! What a scalar means: `12` is a number, `true` a boolean, `on` depends on the version of go-yaml.

mod timestamp;

use std::borrow::Cow;

use crate::error::Error;
use crate::node::Tag;
use crate::number;
use crate::scanner::Dialect;

/// A scalar's value. Text is not copied into it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    /// A point in time, in RFC 3339 as Go's JSON has it.
    Timestamp(String),
    /// The text itself.
    Text,
}

impl Scalar {
    /// The tag of the type.
    pub(crate) fn tag(&self) -> Tag {
        match self {
            Self::Null => Tag::NULL,
            Self::Bool(_) => Tag::BOOL,
            Self::Int(_) | Self::Uint(_) => Tag::INT,
            Self::Float(_) => Tag::FLOAT,
            Self::Timestamp(_) => Tag::TIMESTAMP,
            Self::Text => Tag::STR,
        }
    }
}

/// The value of an untagged plain scalar.
pub(crate) fn resolve_plain(dialect: Dialect, text: &str) -> Scalar {
    resolve_untyped(dialect, text, true)
}

/// The value of a scalar with a tag in its short form, or with none (resolve.go, `resolve`).
pub(crate) fn resolve(dialect: Dialect, tag: &str, text: &str) -> Result<Scalar, Error> {
    let with_timestamps = match tag {
        "" | "!!timestamp" => true,
        "!!bool" | "!!int" | "!!float" | "!!null" => false,
        // Texts, and every tag that is not known.
        _ => return Ok(Scalar::Text),
    };
    let scalar = resolve_untyped(dialect, text, with_timestamps);
    let found = scalar.tag();
    match scalar {
        _ if tag.is_empty() || found == *tag => Ok(scalar),
        #[expect(clippy::cast_precision_loss, reason = "what Go's conversion does")]
        Scalar::Int(value) if tag == "!!float" => Ok(Scalar::Float(value as f64)),
        _ => Err(Error::problem(format!(
            "cannot decode {found} `{text}` as a {tag}"
        ))),
    }
}

fn resolve_untyped(dialect: Dialect, text: &str, with_timestamps: bool) -> Scalar {
    let Some(&first) = text.as_bytes().first() else {
        return Scalar::Null;
    };
    match first {
        b'0'..=b'9' | b'+' | b'-' => resolve_number(dialect, text, with_timestamps),
        b'.' => match text {
            ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
            ".inf" | ".Inf" | ".INF" => Scalar::Float(f64::INFINITY),
            _ => number::parse_dotted_float(text).map_or(Scalar::Text, Scalar::Float),
        },
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => match text {
            "true" | "True" | "TRUE" => Scalar::Bool(true),
            "false" | "False" | "FALSE" => Scalar::Bool(false),
            "~" | "null" | "Null" | "NULL" => Scalar::Null,
            "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" if dialect == Dialect::V2 => {
                Scalar::Bool(true)
            }
            "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" if dialect == Dialect::V2 => {
                Scalar::Bool(false)
            }
            _ => Scalar::Text,
        },
        // go-yaml 3.0.4 does not look `<<` up: its first character is in no table.
        _ => Scalar::Text,
    }
}

fn resolve_number(dialect: Dialect, text: &str, with_timestamps: bool) -> Scalar {
    match text {
        "+.inf" | "+.Inf" | "+.INF" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if with_timestamps && let Some(time) = timestamp::parse(text) {
        return Scalar::Timestamp(time);
    }
    let plain = if text.contains('_') {
        Cow::Owned(text.replace('_', ""))
    } else {
        Cow::Borrowed(text)
    };
    if let Some(value) = number::parse_int(&plain) {
        return Scalar::Int(value);
    }
    if let Some(value) = number::parse_uint(&plain) {
        return Scalar::Uint(value);
    }
    if let Some(value) = number::parse_float(&plain) {
        return Scalar::Float(value);
    }
    resolve_prefixed(dialect, &plain).unwrap_or(Scalar::Text)
}

/// Numbers with a prefix whose rest has a sign of its own: `0b-1`.
fn resolve_prefixed(dialect: Dialect, plain: &str) -> Option<Scalar> {
    let (negative, unsigned) = match plain.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, plain),
    };
    let (digits, radix) = match unsigned.strip_prefix("0b") {
        Some(digits) => (digits, 2),
        None if dialect == Dialect::V3 => (unsigned.strip_prefix("0o")?, 8),
        None => return None,
    };
    if negative {
        return number::parse_int_radix(&format!("-{digits}"), radix).map(Scalar::Int);
    }
    let signed = number::parse_int_radix(digits, radix).map(Scalar::Int);
    signed.or_else(|| number::parse_uint_radix(digits, radix).map(Scalar::Uint))
}
