//! JSON pointers (RFC 6901): where they lead, and what they take away.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::Error;

/// The path of a value in a document. Empty: the document itself. `-1` is the last item of a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Pointer {
    segments: Vec<String>,
}

impl Pointer {
    /// The keys and places on the way, as they are in the document.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    pub(crate) fn child(&self, segment: impl Into<String>) -> Self {
        let mut segments = self.segments.clone();
        segments.push(segment.into());
        Self { segments }
    }

    /// The value it leads to.
    pub fn find<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        self.segments
            .iter()
            .try_fold(document, |value, segment| match value {
                Value::Object(map) => map.get(segment),
                Value::Array(items) => items.get(index(segment, items.len())?),
                _ => None,
            })
    }

    fn find_mut<'v>(&self, document: &'v mut Value) -> Option<(&'v mut Value, &str)> {
        let (last, parents) = self.segments.split_last()?;
        let parent = parents
            .iter()
            .try_fold(document, |value, segment| match value {
                Value::Object(map) => map.get_mut(segment),
                Value::Array(items) => {
                    let index = index(segment, items.len())?;
                    items.get_mut(index)
                }
                _ => None,
            })?;
        Some((parent, last))
    }

    /// Takes the value away. What is not there, and the document itself, is left as it is
    /// (fluxcd/pkg, `ssa/jsondiff`, `ApplyPatchToUnstructured`: missing paths are allowed).
    pub fn remove(&self, document: &mut Value) {
        match self.find_mut(document) {
            Some((Value::Object(map), key)) => {
                map.shift_remove(key);
            }
            Some((Value::Array(items), segment)) => {
                if let Some(index) = index(segment, items.len()) {
                    items.remove(index);
                }
            }
            _ => {}
        }
    }

    /// Puts `value` there. Maps on the way are made; a list is not made longer.
    pub fn set(&self, document: &mut Value, value: Value) {
        let Some((last, parents)) = self.segments.split_last() else {
            return;
        };
        let mut current = document;
        for segment in parents {
            let next = match current {
                Value::Object(map) => Some(
                    map.entry(segment.as_str())
                        .or_insert_with(|| Value::Object(Map::new())),
                ),
                Value::Array(items) => {
                    index(segment, items.len()).and_then(|index| items.get_mut(index))
                }
                _ => None,
            };
            match next {
                Some(next) => current = next,
                None => return,
            }
        }
        match current {
            Value::Object(map) => {
                map.insert(last.clone(), value);
            }
            Value::Array(items) => {
                if let Some(slot) = index(last, items.len()).and_then(|index| items.get_mut(index))
                {
                    *slot = value;
                }
            }
            _ => {}
        }
    }
}

/// A place in a list: `-1` is the last, as Flux's JSON patches allow.
fn index(segment: &str, length: usize) -> Option<usize> {
    let index = match segment.strip_prefix('-') {
        Some(from_end) => length.checked_sub(from_end.parse().ok()?)?,
        None => segment.parse().ok()?,
    };
    (index < length).then_some(index)
}

impl FromStr for Pointer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let Some(path) = text.strip_prefix('/') else {
            return Err(Error::Pointer(text.to_owned()));
        };
        let segments = path
            .split('/')
            .map(|segment| segment.replace("~1", "/").replace("~0", "~"));
        Ok(Self {
            segments: segments.collect(),
        })
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            write!(f, "/{}", segment.replace('~', "~0").replace('/', "~1"))?;
        }
        Ok(())
    }
}
