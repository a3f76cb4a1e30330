//! Plain data as yaml.v2 prints it, which is what sigs.k8s.io/yaml and thus kustomize print
//! (encode.go and emitterc.go of go.yaml.in/yaml/v2).

use super::analysis::Analysis;
use super::order::sorted_entries;
use super::writer::{Flavor, Writer};
use crate::number;
use crate::resolve::{Scalar, resolve_plain};
use crate::scanner::Dialect;
use crate::value::Value;

/// Columns of one level.
const INDENT: i64 = 2;
/// A longer key is written after a `?`.
const MAX_SIMPLE_KEY: usize = 128;

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Item,
    Value,
    SimpleKey,
    ComplexKey,
}

/// How a scalar wants to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Plain,
    DoubleQuoted,
    Literal,
}

/// Writes a document.
pub(crate) fn emit(value: &Value) -> String {
    let mut writer = Writer::new(Flavor::V2);
    writer.write_node(value, Place::Root);
    writer.write_indent();
    writer.out
}

impl Writer {
    fn write_node(&mut self, value: &Value, place: Place) {
        match value {
            Value::Null => self.write_scalar("null", Wish::Plain, place),
            Value::Bool(true) => self.write_scalar("true", Wish::Plain, place),
            Value::Bool(false) => self.write_scalar("false", Wish::Plain, place),
            Value::Int(value) => self.write_scalar(&value.to_string(), Wish::Plain, place),
            Value::Uint(value) => self.write_scalar(&value.to_string(), Wish::Plain, place),
            Value::Float(value) => {
                self.write_scalar(&number::format_float(*value), Wish::Plain, place);
            }
            Value::String(text) => self.write_scalar(text, to_wish(text), place),
            Value::Sequence(items) if items.is_empty() => self.write_empty("[", "]"),
            Value::Sequence(items) => {
                // A sequence stands in the column of its key.
                let is_indentless = place == Place::Value && !self.indention;
                let outer = self.increase_indent(is_indentless);
                for item in items {
                    self.write_indent();
                    self.write_indicator("-", true, false, true);
                    self.write_node(item, Place::Item);
                }
                self.indent = outer;
            }
            Value::Map(map) if map.is_empty() => self.write_empty("{", "}"),
            Value::Map(map) => {
                let outer = self.increase_indent(false);
                for (key, value) in sorted_entries(map) {
                    self.write_text_key(key);
                    self.write_node(value, Place::Value);
                }
                self.indent = outer;
            }
            Value::AnyMap(entries) if entries.is_empty() => self.write_empty("{", "}"),
            Value::AnyMap(entries) => {
                let outer = self.increase_indent(false);
                for (key, value) in entries {
                    self.write_any_key(key);
                    self.write_node(value, Place::Value);
                }
                self.indent = outer;
            }
        }
    }

    fn write_text_key(&mut self, key: &str) {
        self.write_indent();
        let is_simple = key.len() <= MAX_SIMPLE_KEY && !crate::characters::has_break(key);
        if is_simple {
            self.write_scalar(key, to_wish(key), Place::SimpleKey);
            self.write_indicator(":", false, false, false);
        } else {
            self.write_indicator("?", true, false, true);
            self.write_scalar(key, to_wish(key), Place::ComplexKey);
            self.write_indent();
            self.write_indicator(":", true, false, true);
        }
    }

    fn write_any_key(&mut self, key: &Value) {
        if let Value::String(text) = key {
            return self.write_text_key(text);
        }
        self.write_indent();
        if matches!(key, Value::Sequence(_) | Value::Map(_) | Value::AnyMap(_)) {
            self.write_indicator("?", true, false, true);
            self.write_node(key, Place::ComplexKey);
            self.write_indent();
            self.write_indicator(":", true, false, true);
        } else {
            self.write_node(key, Place::SimpleKey);
            self.write_indicator(":", false, false, false);
        }
    }

    fn write_empty(&mut self, open: &str, close: &str) {
        self.write_indicator(open, true, true, false);
        self.write_indicator(close, false, false, false);
    }

    /// Goes one level deeper and gives back the level before.
    fn increase_indent(&mut self, is_indentless: bool) -> i64 {
        let outer = self.indent;
        if outer < 0 {
            self.indent = 0;
        } else if !is_indentless {
            self.indent += INDENT;
        }
        outer
    }

    fn write_scalar(&mut self, text: &str, wish: Wish, place: Place) {
        let analysis = Analysis::of(text, true);
        let is_key = place == Place::SimpleKey;
        let outer = self.indent;
        self.indent = if outer < 0 { INDENT } else { outer + INDENT };
        match wish {
            Wish::Literal if analysis.block_allowed && !is_key => {
                self.write_indicator("|", true, false, false);
                self.write_block_hints(text, 2);
                self.put_break();
                self.write_literal_lines(text);
            }
            Wish::Plain
                if analysis.block_plain_allowed
                    && !(text.is_empty() && is_key)
                    && !(is_key && analysis.multiline) =>
            {
                self.write_plain(text, !is_key);
            }
            Wish::Plain if analysis.single_quoted_allowed && !(is_key && analysis.multiline) => {
                self.write_single_quoted(text, !is_key);
            }
            _ => self.write_double_quoted(text, !is_key),
        }
        self.indent = outer;
    }
}

/// The style that encode.go asks for (`stringv`).
fn to_wish(text: &str) -> Wish {
    if text.contains('\n') {
        Wish::Literal
    } else if resolve_plain(Dialect::V2, text) == Scalar::Text && !is_base60_float(text) {
        Wish::Plain
    } else {
        Wish::DoubleQuoted
    }
}

/// YAML 1.1's numbers to the base of 60, such as `1:30` and `-190:20:30.15`.
pub(crate) fn is_base60_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) || !unsigned.contains(':') {
        return false;
    }
    let (number, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_fraction = fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let mut parts = number.split(':');
    let is_head = parts
        .next()
        .is_some_and(|head| head.bytes().all(|b| b.is_ascii_digit() || b == b'_'));
    is_fraction
        && is_head
        && number.contains(':')
        && parts.all(|part| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']))
}
