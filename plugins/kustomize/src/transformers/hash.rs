//! The suffix of generated config maps and secrets: a digest of their content.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use tidegate_object::{Kind, Node, Tree as _};
use tidegate_yaml::Value;

use crate::error::Result;
use crate::kustomization::has_rare_characters;
use crate::resource_set::ResourceSet;
use crate::secrecy;

/// Adds the suffix to the names of all objects that need one.
pub(crate) fn add_hashes(set: &mut ResourceSet) -> Result<()> {
    for resource in set.iter_mut().filter(|resource| resource.needs_hash) {
        let hash = content_hash(&resource.node)
            .map_err(|error| resource.refuse(secrecy::in_object(error, resource.kind())))?;
        let name = format!("{}-{hash}", resource.name());
        resource.store_previous_id();
        resource.set_name(&name)?;
    }
    Ok(())
}

/// Ten letters and digits that stand for the content. kustomize: api/hasher.
fn content_hash(object: &Node) -> Result<String> {
    let fields: &[&str] = match object.string_field("kind") {
        "ConfigMap" => &["data", "binaryData"],
        "Secret" => &["type", "data", "stringData"],
        _ => {
            return Ok(encode(&tidegate_yaml::to_json(
                &tidegate_yaml::node_to_canonical_value(object)?,
            )?));
        }
    };
    let mut content = BTreeMap::new();
    content.insert(
        "kind".to_owned(),
        Value::String(object.string_field("kind").to_owned()),
    );
    content.insert("name".to_owned(), Value::String(name(object)));
    for field in fields {
        let value = match object.field(field) {
            None => Value::String(String::new()),
            Some(node) if node.node_kind() == Kind::Scalar => {
                Value::String(node.value().to_owned())
            }
            Some(node) => mapping_value(node)?,
        };
        // These two count only if they hold something.
        if matches!(*field, "binaryData" | "stringData") && !matches!(value, Value::Map(_)) {
            continue;
        }
        content.insert((*field).to_owned(), value);
    }
    Ok(encode(&tidegate_yaml::to_json(&Value::Map(content))?))
}

/// Upstream looks for a field that is called `metadata/name`, and so never finds one.
fn name(object: &Node) -> String {
    object.string_field("metadata/name").to_owned()
}

/// The content before it is JSON: line breaks of YAML 1.1, which output turns into spaces, still count.
fn mapping_value(node: &Node) -> Result<Value> {
    let raw = tidegate_yaml::decode(node)?;
    if has_rare_characters(&raw) {
        Ok(raw)
    } else {
        Ok(tidegate_yaml::node_to_canonical_value(node)?)
    }
}

fn encode(content: &str) -> String {
    let digest = Sha256::digest(content.as_bytes());
    // Five bytes are ten digits.
    digest
        .iter()
        .take(5)
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .map(|digit| match digit {
            '0' => 'g',
            '1' => 'h',
            '3' => 'k',
            'a' => 'm',
            'e' => 't',
            other => other,
        })
        .collect()
}

/// The hash suffix as a configured transformer.
pub(crate) struct HashTransformer;

impl super::Transformer for HashTransformer {
    fn transform(&self, set: &mut ResourceSet, _: &crate::session::Session<'_>) -> Result<()> {
        add_hashes(set)
    }
}
