//! A mapping while it is filled.

use std::collections::{BTreeMap, BTreeSet};

use crate::value::{Map, Value};

/// A mapping under construction: with text keys, or with keys of any type.
pub(super) enum Target {
    Text(Map),
    Any {
        entries: Vec<(Value, Value)>,
        index: BTreeMap<String, usize>,
    },
}

impl Target {
    pub(super) fn any() -> Self {
        Self::Any {
            entries: Vec::new(),
            index: BTreeMap::new(),
        }
    }

    /// Sets an entry; a later value replaces an earlier one.
    pub(super) fn insert(&mut self, key: Value, value: Value) {
        match self {
            Self::Text(map) => {
                if let Value::String(key) = key {
                    map.insert(key, value);
                }
            }
            Self::Any { entries, index } => {
                let name = key.to_go_syntax("map[string]interface {}");
                if let Some(&at) = index.get(&name) {
                    entries[at].1 = value;
                } else {
                    index.insert(name, entries.len());
                    entries.push((key, value));
                }
            }
        }
    }

    pub(super) fn into_value(self) -> Value {
        match self {
            Self::Text(map) => Value::Map(map),
            Self::Any { entries, .. } => Value::AnyMap(entries),
        }
    }
}

/// Keys that a merge may not set again.
pub(super) type SeenKeys = BTreeSet<String>;

/// A key in a form that tells keys of different types apart.
pub(super) fn key_identity(key: &Value) -> String {
    key.to_go_syntax("map[string]interface {}")
}
