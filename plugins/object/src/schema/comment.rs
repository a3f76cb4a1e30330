//! Schemas that stand in comments, as `kpt` wrote them: `ports: # {"type":"array","x-kubernetes-patch-strategy":"merge"}`.
//! kustomize obeys them when it merges, wherever they stand (kyaml/fieldmeta, `FieldMeta.Read`).

use std::collections::BTreeMap;

use tidegate_yaml::{Kind, Node, Value};

use super::custom::{Resolved, SchemaNode};
use super::{CustomSchema, Position, Schema, TypeSchema};

/// The schemas in the comments of some trees. Nearly always there is none.
#[derive(Debug)]
pub(crate) struct CommentSchemas {
    by_comment: BTreeMap<String, SchemaNode>,
    /// Where references lead to, in a build without definitions of its own.
    builtin: CustomSchema,
}

impl CommentSchemas {
    /// Reads the comments of a whole tree and of another.
    pub(crate) fn of_trees(trees: [&Node; 2]) -> Self {
        let mut schemas = Self {
            by_comment: BTreeMap::new(),
            builtin: CustomSchema::default().with_builtin(),
        };
        for tree in trees {
            schemas.collect(tree);
        }
        schemas
    }

    fn collect(&mut self, node: &Node) {
        if let Some(comment) = candidate(node)
            && !self.by_comment.contains_key(comment)
            && let Some(schema) = read(comment)
        {
            self.by_comment.insert(comment.to_owned(), schema);
        }
        match &node.kind {
            Kind::Sequence(items) => items.iter().for_each(|item| self.collect(item)),
            Kind::Mapping(entries) => {
                for (key, value) in entries {
                    self.collect(key);
                    self.collect(value);
                }
            }
            Kind::Scalar(_) | Kind::Alias(_) => {}
        }
    }

    /// The schema in the comment of a key or value.
    pub(crate) fn of_node<'s>(&'s self, node: &Node, schema: &'s Schema) -> Option<TypeSchema<'s>> {
        if self.by_comment.is_empty() {
            return None;
        }
        let found = self.by_comment.get(candidate(node)?)?;
        let definitions = schema.custom.as_deref().unwrap_or(&self.builtin);
        // What a reference misses is a schema that says nothing, and hides that of the type.
        let found = definitions.resolve(found).unwrap_or(Resolved::Here(found));
        Some(match found {
            Resolved::Here(node) => TypeSchema(Position::Custom(definitions, node)),
            builtin @ Resolved::Builtin(_) => TypeSchema::resolved(definitions, builtin),
        })
    }
}

/// The comment that may be a schema: kustomize looks at one only.
fn candidate(node: &Node) -> Option<&str> {
    let comments = node.comments.as_deref()?;
    let comment = [&comments.line, &comments.head]
        .into_iter()
        .find(|comment| !comment.is_empty())?
        .trim_start_matches('#');
    comment.trim_start().starts_with('{').then_some(comment)
}

fn read(comment: &str) -> Option<SchemaNode> {
    // JSON is asked for, and YAML reads more than that.
    serde_json::from_str::<serde_json::Value>(comment).ok()?;
    let value = tidegate_yaml::parse_v2(comment.as_bytes()).ok()?;
    let says_something = value.as_map().is_some_and(|fields| !fields.is_empty());
    (says_something && is_schema(&value)).then(|| SchemaNode::from_value(&value))
}

/// Whether the known fields of an OpenAPI schema hold what they should; other comments are no schemas, be they JSON.
fn is_schema(value: &Value) -> bool {
    let Some(fields) = value.as_map() else {
        return false;
    };
    let all_schemas = |list: &[Value]| list.iter().all(is_schema);
    fields.iter().all(|(name, value)| {
        if matches!(value, Value::Null) {
            return true;
        }
        match name.as_str() {
            "id" | "$ref" | "$schema" | "description" | "format" | "title" | "pattern"
            | "discriminator" => value.as_str().is_some(),
            "nullable" | "exclusiveMaximum" | "exclusiveMinimum" | "uniqueItems" | "readOnly" => {
                matches!(value, Value::Bool(_))
            }
            "maximum" | "minimum" | "multipleOf" => {
                matches!(value, Value::Int(_) | Value::Uint(_) | Value::Float(_))
            }
            "maxLength" | "minLength" | "maxItems" | "minItems" | "maxProperties"
            | "minProperties" => matches!(value, Value::Int(_)),
            "type" => value.as_str().is_some() || is_strings(value),
            "required" => is_strings(value),
            "enum" => value.as_sequence().is_some(),
            "items" => is_schema(value) || value.as_sequence().is_some_and(all_schemas),
            "allOf" | "oneOf" | "anyOf" => value.as_sequence().is_some_and(all_schemas),
            "not" => is_schema(value),
            "additionalProperties" | "additionalItems" => {
                matches!(value, Value::Bool(_)) || is_schema(value)
            }
            "properties" | "patternProperties" | "definitions" => value
                .as_map()
                .is_some_and(|schemas| schemas.values().all(is_schema)),
            _ => true,
        }
    })
}

fn is_strings(value: &Value) -> bool {
    value
        .as_sequence()
        .is_some_and(|list| list.iter().all(|item| item.as_str().is_some()))
}
