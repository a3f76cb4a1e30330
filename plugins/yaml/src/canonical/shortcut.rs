//! Which trees and data come out of the detour over text unchanged, or changed in a way that is easily foreseen.
//!
//! Every doubt is answered with no: then the real way is gone, which also finds the right words for errors.

use std::collections::btree_map::Entry;

use crate::error::MAX_DEPTH;
use crate::json;
use crate::node::{Kind, Node, Style, Tag};
use crate::resolve::{Scalar, resolve, resolve_plain};
use crate::scanner::Dialect;
use crate::value::{Map, Value};

/// A longer key is not recognised as one when JSON is read as YAML; counted before escaping.
const MAX_KEY: usize = 150;

/// The data of a block mapping at the end of the way, if it can be told.
pub(super) fn to_value(root: &Node) -> Option<Value> {
    if !root.is_mapping() {
        return None;
    }
    let mut seen = Seen::default();
    let value = from_node(root, false, 0, &mut seen)?;
    // yaml.v3 writes an empty line after some comments, and an open-ended text takes it for its own.
    (!seen.comments || !seen.open_end).then_some(value)
}

/// What a tree has in it.
#[derive(Default)]
struct Seen {
    comments: bool,
    /// A literal text to which all empty lines after it belong.
    open_end: bool,
}

/// Whether the data is the same after it was written as JSON and read as YAML.
pub(super) fn survives_json(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Uint(_) => true,
        Value::Float(value) => reread_float(*value) == Some(Value::Float(*value)),
        Value::String(text) => is_safe(text),
        Value::Sequence(items) => items.iter().all(survives_json),
        Value::Map(map) => map
            .iter()
            .all(|(key, value)| is_safe_key(key) && survives_json(value)),
        Value::AnyMap(_) => false,
    }
}

fn from_node(node: &Node, in_flow: bool, depth: usize, seen: &mut Seen) -> Option<Value> {
    seen.comments |= node.comments.is_some();
    if depth > MAX_DEPTH
        || node.tagged
        || node.anchor.is_some()
        || !has_safe_comments(node, in_flow)
    {
        return None;
    }
    match &node.kind {
        Kind::Alias(_) => None,
        Kind::Scalar(text) => {
            seen.open_end |= text.ends_with("\n\n") || text == "\n";
            from_scalar(node, text, in_flow)
        }
        Kind::Sequence(items) => {
            if !node.tag.is_empty() && node.tag != Tag::SEQ {
                return None;
            }
            let in_flow = in_flow || node.style == Style::Flow;
            if in_flow && node.comments.is_some() {
                return None;
            }
            items
                .iter()
                .map(|item| from_node(item, in_flow, depth + 1, seen))
                .collect::<Option<_>>()
                .map(Value::Sequence)
        }
        Kind::Mapping(entries) => {
            if !node.tag.is_empty() && node.tag != Tag::MAP {
                return None;
            }
            let in_flow = in_flow || node.style == Style::Flow;
            if in_flow && node.comments.is_some() {
                return None;
            }
            let mut map = Map::new();
            for (key, value) in entries {
                seen.comments |= key.comments.is_some();
                let name = key_text(key, in_flow)?;
                let value = from_node(value, in_flow, depth + 1, seen)?;
                match map.entry(name) {
                    Entry::Vacant(entry) => entry.insert(value),
                    Entry::Occupied(_) => return None,
                };
            }
            Some(Value::Map(map))
        }
    }
}

/// Comments are dropped on the way, but between brackets their text may end up in the wrong place.
fn has_safe_comments(node: &Node, in_flow: bool) -> bool {
    let Some(comments) = node.comments.as_deref() else {
        return true;
    };
    let is_safe_comment = |text: &str| {
        text.bytes()
            .all(|b| b == b'\n' || b == b'\t' || b >= b' ' && b != 0x7F)
    };
    !in_flow
        && !comments.line.contains('\n')
        && [&comments.head, &comments.line, &comments.foot]
            .into_iter()
            .all(|text| is_safe_comment(text))
}

fn key_text(key: &Node, in_flow: bool) -> Option<String> {
    let text = key.scalar()?;
    if key.tagged
        || key.anchor.is_some()
        || !is_text_key(key, text)
        || !has_safe_comments(key, in_flow)
        || !is_safe_key(text)
    {
        return None;
    }
    Some(text.to_owned())
}

/// Whether a key is text: one that was made by hand has no tag, and its text decides.
fn is_text_key(key: &Node, text: &str) -> bool {
    key.tag == Tag::STR
        || key.tag.is_empty()
            && (key.style.is_quoting() || matches!(resolve_plain(Dialect::V3, text), Scalar::Text))
}

fn from_scalar(node: &Node, text: &str, in_flow: bool) -> Option<Value> {
    if node.tag == Tag::STR || node.style.is_quoting() {
        let stays_text = node.tag == Tag::STR
            || node.tag.is_empty()
            || resolve_plain(Dialect::V3, text).tag() == node.tag;
        return (stays_text && is_safe(text) && is_safe_in_style(text, node.style))
            .then(|| Value::String(text.to_owned()));
    }
    let scalar = resolve_plain(Dialect::V3, text);
    if !node.tag.is_empty() && scalar.tag() != node.tag {
        return None;
    }
    if in_flow {
        if text.is_empty() {
            // `{a: }` is written as `{a: ''}`.
            return Some(Value::String(String::new()));
        }
        if !text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-' | b'_' | b'~'))
        {
            return None;
        }
    }
    match scalar {
        Scalar::Null => Some(Value::Null),
        Scalar::Bool(value) => Some(Value::Bool(value)),
        Scalar::Int(value) => Some(Value::Int(value)),
        Scalar::Uint(value) => Some(Value::Uint(value)),
        Scalar::Float(value) => reread_float(value),
        Scalar::Timestamp(_) => None,
        Scalar::Text => (is_safe(text) && is_safe_in_style(text, node.style))
            .then(|| Value::String(text.to_owned())),
    }
}

/// What a float is after JSON.
fn reread_float(value: f64) -> Option<Value> {
    let text = json::format_float(value).ok()?;
    match resolve(Dialect::V2, "", &text).ok()? {
        Scalar::Int(value) => Some(Value::Int(value)),
        Scalar::Uint(value) => Some(Value::Uint(value)),
        Scalar::Float(value) => Some(Value::Float(value)),
        _ => None,
    }
}

/// Whether every character survives JSON read as YAML: no control characters, no line breaks but line feeds.
fn is_safe(text: &str) -> bool {
    if text.is_ascii() {
        return text
            .bytes()
            .all(|b| matches!(b, b' '..=b'~' | b'\n' | b'\t'));
    }
    text.chars().all(|c| {
        matches!(c, ' '..='~' | '\n' | '\t' | '\u{A0}'..)
            && !matches!(
                c,
                '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}'
            )
    })
}

fn is_safe_key(text: &str) -> bool {
    text.len() <= MAX_KEY && !text.contains('\n') && is_safe(text)
}

/// Whether a text of several lines comes back from yaml.v3's own output.
fn is_safe_in_style(text: &str, style: Style) -> bool {
    if !text.contains('\n') {
        return style != Style::Folded || !text.starts_with([' ', '\t']);
    }
    match style {
        // A tab at the start of a literal is taken for wrong indentation.
        Style::Plain | Style::Flow | Style::Literal => !text.starts_with('\t'),
        Style::DoubleQuoted => true,
        Style::SingleQuoted => false,
        Style::Folded => {
            let bytes = text.as_bytes();
            !bytes.starts_with(b" ")
                && !bytes.starts_with(b"\t")
                && !bytes.starts_with(b"\n")
                && bytes
                    .windows(2)
                    .all(|pair| pair[0] != b'\n' || !matches!(pair[1], b' ' | b'\t' | b'\n'))
        }
    }
}
