//! Plain data as JSON, byte for byte as Go's encoding/json writes it.

use std::fmt::Write;

use crate::error::Error;
use crate::number;
use crate::value::Value;

/// Writes a value as encoding/json does: keys sorted, `<`, `>`, `&` and the Unicode line separators escaped.
pub(crate) fn write_value(value: &Value, to: &mut String) -> Result<(), Error> {
    match value {
        Value::Null => to.push_str("null"),
        Value::Bool(true) => to.push_str("true"),
        Value::Bool(false) => to.push_str("false"),
        Value::Int(value) => to.push_str(&value.to_string()),
        Value::Uint(value) => to.push_str(&value.to_string()),
        Value::Float(value) => to.push_str(&format_float(*value)?),
        Value::String(text) => write_string(text, to),
        Value::Sequence(items) => {
            to.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    to.push(',');
                }
                write_value(item, to)?;
            }
            to.push(']');
        }
        Value::Map(map) => {
            to.push('{');
            for (at, (key, value)) in map.iter().enumerate() {
                if at > 0 {
                    to.push(',');
                }
                write_string(key, to);
                to.push(':');
                write_value(value, to)?;
            }
            to.push('}');
        }
        Value::AnyMap(_) => return Err(Error::UnsupportedType("map[interface {}]interface {}")),
    }
    Ok(())
}

/// The JSON form of a number.
pub(crate) fn format_float(value: f64) -> Result<String, Error> {
    if value.is_nan() {
        Err(Error::UnsupportedValue("NaN"))
    } else if value == f64::INFINITY {
        Err(Error::UnsupportedValue("+Inf"))
    } else if value == f64::NEG_INFINITY {
        Err(Error::UnsupportedValue("-Inf"))
    } else {
        Ok(number::format_json_float(value))
    }
}

fn write_string(text: &str, to: &mut String) {
    to.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(needs_look) {
        to.push_str(&rest[..at]);
        let c = rest[at..].chars().next().unwrap_or_default();
        match c {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\x08' => to.push_str("\\b"),
            '\x0C' => to.push_str("\\f"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            '\0'..='\x1F' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(to, "\\u{:04x}", u32::from(c));
            }
            _ => to.push(c),
        }
        rest = &rest[at + c.len_utf8()..];
    }
    to.push_str(rest);
    to.push('"');
}

/// Bytes that are escaped, or start a character that may be.
fn needs_look(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&' | 0..=0x1F | 0xE2)
}
