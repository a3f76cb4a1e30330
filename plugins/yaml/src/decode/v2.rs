//! yaml.v2's decoder, followed by the conversion to JSON's types that sigs.k8s.io/yaml does
//! (yaml.v2, decode.go; sigs.k8s.io/yaml, yaml.go, `convertToJSONableObject`).

use super::{Walk, decode_binary, merge_needs_mapping};
use crate::error::Error;
use crate::node::{Kind, Node, Style, Tag};
use crate::number;
use crate::resolve::{Scalar, resolve};
use crate::scanner::Dialect;
use crate::value::{Map, Value};

/// Go's name of the map type.
const MAP_TYPE: &str = "map[interface {}]interface {}";

struct Decoder<'n> {
    walk: Walk<'n>,
    /// The first key that cannot become a JSON name; reported when the whole document was read.
    bad_key: Option<Error>,
}

/// Decodes a tree that was composed for yaml.v2.
pub(crate) fn decode(root: &Node) -> Result<Value, Error> {
    let mut decoder = Decoder {
        walk: Walk::new(root),
        bad_key: None,
    };
    let value = decoder.decode(root)?;
    match decoder.bad_key {
        Some(error) => Err(error),
        None => Ok(value),
    }
}

impl<'n> Decoder<'n> {
    fn decode(&mut self, node: &'n Node) -> Result<Value, Error> {
        self.walk.step()?;
        match &node.kind {
            Kind::Alias(name) => {
                let target = self.walk.open_alias(node, name)?;
                let value = self.decode(target)?;
                self.walk.close_alias();
                Ok(value)
            }
            Kind::Scalar(text) => decode_scalar(node, text),
            Kind::Sequence(items) => {
                self.walk.enter()?;
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    values.push(self.decode(item)?);
                }
                self.walk.leave();
                Ok(Value::Sequence(values))
            }
            Kind::Mapping(entries) => {
                let mut map = Map::new();
                self.fill(entries, &mut map)?;
                Ok(Value::Map(map))
            }
        }
    }

    /// Sets entries and merged entries in the order of the document; a later one wins.
    fn fill(&mut self, entries: &'n [(Node, Node)], map: &mut Map) -> Result<(), Error> {
        self.walk.enter()?;
        for (key, value) in entries {
            if is_merge(key) {
                self.merge(value, map)?;
                continue;
            }
            let name = self.decode(key)?;
            if matches!(name, Value::Map(_) | Value::AnyMap(_) | Value::Sequence(_)) {
                return Err(Error::problem(format!(
                    "invalid map key: {}",
                    name.to_go_syntax(MAP_TYPE)
                )));
            }
            let value = self.decode(value)?;
            let Some(text) = self.name_key(&name, &value) else {
                continue;
            };
            map.insert(text, value);
        }
        self.walk.leave();
        Ok(())
    }

    /// The JSON name of a key.
    fn name_key(&mut self, key: &Value, value: &Value) -> Option<String> {
        let kind = match key {
            Value::String(text) => return Some(text.clone()),
            Value::Bool(value) => return Some(value.to_string()),
            Value::Int(value) => return Some(value.to_string()),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "sigs.k8s.io/yaml formats keys with 32 bits of precision"
            )]
            Value::Float(value) => return Some(number::format_float32(*value as f32)),
            Value::Uint(_) => "uint64",
            _ => "%!s(<nil>)",
        };
        self.bad_key.get_or_insert_with(|| Error::UnsupportedKey {
            kind,
            key: to_go_argument(key),
            value: to_go_argument(value),
        });
        None
    }

    fn merge(&mut self, node: &'n Node, map: &mut Map) -> Result<(), Error> {
        match &node.kind {
            // Backwards, because an earlier mapping wins.
            Kind::Sequence(items) => {
                for item in items.iter().rev() {
                    self.merge_mapping(item, map)?;
                }
                Ok(())
            }
            _ => self.merge_mapping(node, map),
        }
    }

    fn merge_mapping(&mut self, node: &'n Node, map: &mut Map) -> Result<(), Error> {
        match &node.kind {
            Kind::Mapping(entries) => {
                self.walk.step()?;
                self.fill(entries, map)
            }
            Kind::Alias(name) => {
                if !self.walk.target(node, name)?.is_mapping() {
                    return Err(merge_needs_mapping());
                }
                self.walk.step()?;
                let aliased = self.walk.open_alias(node, name)?;
                self.merge_mapping(aliased, map)?;
                self.walk.close_alias();
                Ok(())
            }
            Kind::Scalar(_) | Kind::Sequence(_) => Err(merge_needs_mapping()),
        }
    }
}

/// A value as `%#v` prints it when it is the argument itself.
fn to_go_argument(value: &Value) -> String {
    if value.is_null() {
        "<nil>".to_owned()
    } else {
        value.to_go_syntax(MAP_TYPE)
    }
}

fn decode_scalar(node: &Node, text: &str) -> Result<Value, Error> {
    if node.tag.is_empty() && node.style != Style::Plain {
        return Ok(Value::String(text.to_owned()));
    }
    Ok(match resolve(Dialect::V2, node.tag.as_str(), text)? {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Int(value) => Value::Int(value),
        Scalar::Uint(value) => Value::Uint(value),
        Scalar::Float(value) => Value::Float(value),
        Scalar::Text if node.tag == Tag::BINARY => Value::String(decode_binary(text)?),
        // yaml.v2 keeps the text of timestamps.
        Scalar::Timestamp(_) | Scalar::Text => Value::String(text.to_owned()),
    })
}

/// Whether a key is `<<` (decode.go, `isMerge`).
fn is_merge(node: &Node) -> bool {
    let is_implicit = node.tag.is_empty() && node.style == Style::Plain || node.tag == "!";
    node.scalar() == Some("<<") && (is_implicit || node.tag == Tag::MERGE)
}
