//! Types that a build brings along in an OpenAPI document.

use std::collections::BTreeMap;

use tidegate_yaml::{Map, Value};

use super::MergeKeys;
use crate::Error;

/// The definitions of an OpenAPI document (version 2), as far as merging needs them.
#[derive(Debug, Default)]
pub struct CustomSchema {
    definitions: BTreeMap<String, SchemaNode>,
    types: BTreeMap<(String, String), String>,
    /// References to definitions that are not here may mean built-in ones.
    with_builtin: bool,
}

#[derive(Debug, Default)]
pub(super) struct SchemaNode {
    reference: Option<String>,
    is_array: bool,
    properties: BTreeMap<String, SchemaNode>,
    any_name: Option<Box<SchemaNode>>,
    items: Option<Box<SchemaNode>>,
    strategy: Option<String>,
    merge_key: Option<String>,
    map_keys: Option<Vec<String>>,
}

impl CustomSchema {
    /// Takes the definitions from a decoded document.
    pub fn from_value(document: &Value) -> Result<Self, Error> {
        let mut schema = Self::default();
        if document.is_null() {
            return Ok(schema);
        }
        let Some(document) = document.as_map() else {
            return Err(Error::text("invalid schema file: not an OpenAPI document"));
        };
        for (name, definition) in document
            .get("definitions")
            .and_then(Value::as_map)
            .into_iter()
            .flatten()
        {
            for identity in type_identities(definition) {
                schema.types.insert(identity, name.clone());
            }
            schema
                .definitions
                .insert(name.clone(), SchemaNode::from_value(definition));
        }
        Ok(schema)
    }

    /// Lets types and references that are not in the document mean the built-in ones.
    #[must_use]
    pub fn with_builtin(mut self) -> Self {
        self.with_builtin = true;
        self
    }

    pub(super) fn knows_builtin(&self) -> bool {
        self.with_builtin
    }

    pub(super) fn of_type(&self, api_version: &str, kind: &str) -> Option<&SchemaNode> {
        let name = self.types.get(&(api_version.to_owned(), kind.to_owned()))?;
        self.definitions.get(name)
    }

    pub(super) fn field<'a>(&'a self, node: &'a SchemaNode, name: &str) -> Option<Resolved<'a>> {
        self.resolve(node.properties.get(name).or(node.any_name.as_deref())?)
    }

    pub(super) fn elements<'a>(&'a self, node: &'a SchemaNode) -> Option<Resolved<'a>> {
        if !node.is_array {
            return None;
        }
        self.resolve(node.items.as_deref()?)
    }

    pub(super) fn resolve<'a>(&'a self, mut node: &'a SchemaNode) -> Option<Resolved<'a>> {
        // A chain of references longer than this can only be a circle.
        for _ in 0..100 {
            match &node.reference {
                None => return Some(Resolved::Here(node)),
                Some(name) => match self.definitions.get(name) {
                    Some(definition) => node = definition,
                    None if self.with_builtin => return Some(Resolved::Builtin(name)),
                    None => return None,
                },
            }
        }
        None
    }
}

/// Where a reference leads.
#[derive(Clone, Copy)]
pub(super) enum Resolved<'a> {
    Here(&'a SchemaNode),
    /// To the built-in definition of this name.
    Builtin(&'a str),
}

const TYPE_EXTENSION: &str = "x-kubernetes-group-version-kind";

fn type_identities(definition: &Value) -> Vec<(String, String)> {
    let list = definition
        .get(TYPE_EXTENSION)
        .and_then(Value::as_sequence)
        .unwrap_or_default();
    list.iter().filter_map(identity).collect()
}

fn identity(value: &Value) -> Option<(String, String)> {
    let version = value.get("version")?.as_str()?;
    let kind = value.get("kind")?.as_str()?;
    let group = value
        .get("group")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let api_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    Some((api_version, kind.to_owned()))
}

impl SchemaNode {
    pub(super) fn from_value(value: &Value) -> Self {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let strings = |value: &Value| -> Vec<String> {
            value
                .as_sequence()
                .unwrap_or_default()
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        };
        let below = |map: &Map| {
            map.iter()
                .map(|(name, value)| (name.clone(), Self::from_value(value)))
                .collect()
        };
        let is_array = match value.get("type") {
            Some(Value::String(kind)) => kind == "array",
            Some(list @ Value::Sequence(_)) => strings(list) == ["array"],
            _ => false,
        };
        Self {
            reference: text("$ref")
                .and_then(|target| target.strip_prefix("#/definitions/").map(str::to_owned)),
            is_array,
            properties: value
                .get("properties")
                .and_then(Value::as_map)
                .map(below)
                .unwrap_or_default(),
            any_name: value
                .get("additionalProperties")
                .filter(|value| value.as_map().is_some())
                .map(|value| Box::new(Self::from_value(value))),
            items: value
                .get("items")
                .filter(|value| value.as_map().is_some())
                .map(|value| Box::new(Self::from_value(value))),
            strategy: text("x-kubernetes-patch-strategy"),
            merge_key: text("x-kubernetes-patch-merge-key"),
            map_keys: value.get("x-kubernetes-list-map-keys").map(strings),
        }
    }

    pub(super) fn merge_keys(&self) -> Option<MergeKeys> {
        let strategy = self.strategy.as_ref()?;
        if !strategy.split(',').any(|part| part == "merge") {
            return None;
        }
        let keys = self
            .map_keys
            .clone()
            .or_else(|| self.merge_key.clone().map(|key| vec![key]))
            .unwrap_or_default();
        Some(MergeKeys { keys })
    }
}
