//! kustomize's way from a tree to its output: yaml.v3 to text, back to data, JSON, yaml.v2 to text.

use crate::emit::v3::{Indent, emit};
use crate::error::Error;
use crate::node::Node;
use crate::value::{Map, Value};
use crate::{decode, json, parse_document, parse_v2};

/// Writes a tree as kustomize prints a resource (kyaml, `RNode.MarshalJSON`; sigs.k8s.io/yaml, `JSONToYAML`).
pub fn node_to_canonical_yaml(node: &Node) -> Result<String, Error> {
    marshal(&node_to_canonical_value(node)?)
}

/// The plain data of a tree after kustomize's detour over text: a mapping, or a list if the tree is one.
pub fn node_to_canonical_value(node: &Node) -> Result<Value, Error> {
    let text = emit(&[], node, &[], Indent::KUSTOMIZE)?;
    let parsed = parse_document(text.as_bytes())?;
    if node.is_sequence() {
        return match parsed {
            Some(root) => decode::v3::decode(&root),
            None => Ok(Value::Sequence(Vec::new())),
        };
    }
    match parsed {
        Some(root) => decode::v3::decode_object(&root).map(Value::Map),
        None => Ok(Value::Map(Map::new())),
    }
}

/// Writes plain data by way of JSON.
pub(crate) fn marshal(value: &Value) -> Result<String, Error> {
    let mut text = String::new();
    json::write(value, &mut text)?;
    Ok(crate::emit_v2(&parse_v2(text.as_bytes())?))
}
