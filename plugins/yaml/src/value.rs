//! Plain data: what is left of a document when styles, comments and aliases are gone.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A mapping with text keys, sorted by their bytes as Go's JSON encoder sorts them.
pub type Map = BTreeMap<String, Value>;

/// A value decoded from YAML or JSON.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Value {
    /// Null.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer that fits 64 bits with a sign.
    Int(i64),
    /// An integer above `i64::MAX`.
    Uint(u64),
    /// Any other number, infinities and not-a-number included.
    Float(f64),
    /// A text. Decoded binary data that is not UTF-8 has U+FFFD in place of each wrong byte, as in Go's JSON.
    String(String),
    /// A list.
    Sequence(Vec<Value>),
    /// A mapping whose keys are all texts.
    Map(Map),
    /// A mapping with other keys, which JSON does not have.
    AnyMap(Vec<(Value, Value)>),
}

impl Value {
    /// What JSON calls a value of this kind, as Go's decoder names it in its errors.
    pub fn json_kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Uint(_) | Self::Float(_) => "number",
            Self::String(_) => "string",
            Self::Sequence(_) => "array",
            Self::Map(_) | Self::AnyMap(_) => "object",
        }
    }

    /// The entry of a mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_map()?.get(key)
    }

    /// The mapping, if it is one with text keys.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The items, if it is a list.
    pub fn as_sequence(&self) -> Option<&[Self]> {
        match self {
            Self::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The integer, if it is one that fits.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The value in Go's syntax, as `%#v` prints it: kustomize shows an object that it cannot write that way.
    pub fn in_go_syntax(&self) -> String {
        self.to_go_syntax("map[string]interface {}")
    }

    /// The value in Go's syntax: go-yaml shows unusable mapping keys that way.
    pub(crate) fn to_go_syntax(&self, map_type: &str) -> String {
        match self {
            Self::Null => "interface {}(nil)".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Uint(value) => format!("0x{value:x}"),
            Self::Float(value) => match *value {
                f64::INFINITY => "+Inf".to_owned(),
                f64::NEG_INFINITY => "-Inf".to_owned(),
                value if value.is_nan() => "NaN".to_owned(),
                value => crate::number::format_float(value),
            },
            Self::String(text) => go_quote(text),
            Self::Sequence(items) => {
                let items: Vec<_> = items
                    .iter()
                    .map(|item| item.to_go_syntax(map_type))
                    .collect();
                format!("[]interface {{}}{{{}}}", items.join(", "))
            }
            Self::Map(map) => {
                let entries: Vec<_> = map
                    .iter()
                    .map(|(key, value)| {
                        format!("{}:{}", go_quote(key), value.to_go_syntax(map_type))
                    })
                    .collect();
                format!("{map_type}{{{}}}", entries.join(", "))
            }
            Self::AnyMap(entries) => {
                let mut sorted: Vec<_> = entries.iter().collect();
                sorted.sort_by(|(a, _), (b, _)| compare_as_go(a, b));
                let entries: Vec<_> = sorted
                    .into_iter()
                    .map(|(key, value)| {
                        format!(
                            "{}:{}",
                            key.to_go_syntax(map_type),
                            value.to_go_syntax(map_type)
                        )
                    })
                    .collect();
                format!(
                    "map[interface {{}}]interface {{}}{{{}}}",
                    entries.join(", ")
                )
            }
        }
    }
}

/// The order in which Go prints the keys of a map. That of the types is where kustomize v5.8.1 has them in memory.
fn compare_as_go(a: &Value, b: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::String(_) => 1,
        Value::Uint(_) => 2,
        Value::Int(_) => 3,
        Value::Float(_) => 4,
        Value::Bool(_) => 5,
        Value::Sequence(_) | Value::Map(_) | Value::AnyMap(_) => 6,
    };
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Uint(a), Value::Uint(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => a.total_cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    }
}

/// A text as Go's `%q` and `%#v` print it.
pub(crate) fn go_quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0C' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\x0B' => quoted.push_str("\\v"),
            '\0'..='\x1F' | '\x7F' => {
                let _ = write!(quoted, "\\x{:02x}", u32::from(c));
            }
            '\u{80}'..='\u{A0}' | '\u{AD}' | '\u{2028}' | '\u{2029}' | '\u{FEFF}' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
