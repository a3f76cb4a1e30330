//! kustomize's way from a tree to its output: yaml.v3 to text, back to data, JSON, yaml.v2 to text.
//!
//! The detour changes some data: an empty value in `{a: }` becomes a text, `1.0` becomes `1`, NEL becomes a space.
//! Trees without such things, which is nearly all, skip it; the others really go that way.

mod shortcut;

use crate::emit::v3::{Indent, emit};
use crate::error::Error;
use crate::node::Node;
use crate::value::{Map, Value};
use crate::{decode, json, parse_document, parse_v2};

/// Writes a tree as kustomize prints a resource (kyaml, `RNode.MarshalJSON`; sigs.k8s.io/yaml, `JSONToYAML`).
///
/// The result is byte for byte what the Go libraries give. Errors are those of decoding (repeated keys, bad binary
/// data), of JSON (keys that are not texts, infinite numbers) and of reading JSON as YAML (control characters).
pub fn node_to_canonical_yaml(node: &Node) -> Result<String, Error> {
    Ok(crate::emit_v2(&node_to_canonical_value(node)?))
}

/// The plain data of which [`node_to_canonical_yaml`] is the text.
pub fn node_to_canonical_value(node: &Node) -> Result<Value, Error> {
    match shortcut::to_value(node) {
        Some(value) => Ok(value),
        None => through_json(&through_text(node)?),
    }
}

/// Writes plain data by way of JSON.
pub(crate) fn marshal(value: &Value) -> Result<String, Error> {
    if shortcut::survives_json(value) {
        return Ok(crate::emit_v2(value));
    }
    Ok(crate::emit_v2(&through_json(value)?))
}

fn through_text(node: &Node) -> Result<Value, Error> {
    let text = emit(node, Indent::KUSTOMIZE)?;
    let parsed = parse_document(text.as_bytes())?;
    if node.is_sequence() {
        return match parsed {
            Some(root) => decode::v3::decode(&root),
            None => Ok(Value::Null),
        };
    }
    let Some(root) = parsed else {
        return Ok(Value::Map(Map::new()));
    };
    let map = decode::v3::decode_object(&root)?;
    // Go turns the map it decodes into back to nil.
    Ok(if root.is_null() {
        Value::Null
    } else {
        Value::Map(map)
    })
}

fn through_json(value: &Value) -> Result<Value, Error> {
    let mut text = String::new();
    json::write_value(value, &mut text)?;
    parse_v2(text.as_bytes())
}

#[cfg(test)]
mod tests;
