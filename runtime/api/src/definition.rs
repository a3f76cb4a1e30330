use crate::CustomResource;
use crate::meta::{annotation, label};
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Labels of a definition, in the order in which they are written.
pub type Labels = BTreeMap<String, String>;

/// The CustomResourceDefinition of `K`, as the API server takes it.
///
/// Defaults, patterns, CEL rules, columns and categories are those of Flux 2.9; the descriptions are the documentation
/// of the types. `labels` come on top of `app.kubernetes.io/part-of: flux`, which the `flux` command looks for.
pub fn custom_resource_definition<K: CustomResource>(labels: &Labels) -> Value {
    let mut all_labels =
        Labels::from([(label::PART_OF.to_owned(), label::PART_OF_FLUX.to_owned())]);
    all_labels.extend(labels.clone());
    let columns: Vec<Value> = K::COLUMNS
        .iter()
        .map(|column| json!({"jsonPath": column.json_path, "name": column.name, "type": column.type_}))
        .collect();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            // Flux: variables of a post build never touch the definitions, whose texts may hold `${…}`.
            "annotations": {annotation::SUBSTITUTE: "disabled"},
            "labels": all_labels,
            "name": format!("{}.{}", K::PLURAL, K::GROUP),
        },
        "spec": {
            "group": K::GROUP,
            "names": {
                "categories": K::CATEGORIES,
                "kind": K::KIND,
                "listKind": format!("{}List", K::KIND),
                "plural": K::PLURAL,
                "shortNames": K::SHORT_NAMES,
                "singular": K::SINGULAR,
            },
            "scope": "Namespaced",
            "versions": [{
                "additionalPrinterColumns": columns,
                "name": K::VERSION,
                "schema": {"openAPIV3Schema": {
                    "description": K::DESCRIPTION.trim(),
                    "properties": {
                        "apiVersion": {"description": "API group and version of this object.", "type": "string"},
                        "kind": {"description": "Kind of this object.", "type": "string"},
                        "metadata": {"type": "object"},
                        "spec": structural_schema::<K::Spec>(),
                        "status": structural_schema::<K::Status>(),
                    },
                    "type": "object",
                }},
                "served": true,
                "storage": true,
                "subresources": {"status": {}},
            }],
        },
    })
}

/// The schema of `T` in the form that the API server takes: no references, no null, one type each.
fn structural_schema<T: JsonSchema>() -> Value {
    // A field is required if and only if it is always written.
    let settings = SchemaSettings::openapi3()
        .for_serialize()
        .with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
            settings.transforms.clear();
        })
        .with_transform(RecursiveTransform(to_structural));
    settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

fn to_structural(schema: &mut Schema) {
    let Some(fields) = schema.as_object_mut() else {
        return;
    };
    fields.remove("title");
    // The default of the type says what a missing field reads as; that of the API server is named apart from it.
    fields.remove("default");
    if let Some(default) = fields.remove("x-default") {
        fields.insert("default".to_owned(), default);
    }
    for name in ["type", "enum"] {
        let Some(Value::Array(words)) = fields.get_mut(name) else {
            continue;
        };
        words.retain(|word| !word.is_null() && word != "null");
        if name == "type" && words.len() == 1 {
            let only = words.remove(0);
            fields.insert(name.to_owned(), only);
        }
    }
    take_only_alternative(fields);
    join_lines(fields);
}

/// `anyOf: [X, null]` is how an optional X that has a schema of its own is told.
fn take_only_alternative(fields: &mut Map<String, Value>) {
    let Some(Value::Array(alternatives)) = fields.get_mut("anyOf") else {
        return;
    };
    alternatives.retain(|alternative| alternative.get("type").is_none_or(|type_| type_ != "null"));
    if alternatives.len() != 1 {
        return;
    }
    let Value::Object(mut only) = alternatives.remove(0) else {
        return;
    };
    fields.remove("anyOf");
    // What is said of the field goes before what is said of its type.
    std::mem::swap(fields, &mut only);
    fields.extend(only);
}

/// A doc comment's line ends say nothing.
fn join_lines(fields: &mut Map<String, Value>) {
    if let Some(Value::String(description)) = fields.get_mut("description") {
        *description = description.split_whitespace().collect::<Vec<_>>().join(" ");
    }
}

/// All definitions of this crate, by the name of the file that holds each.
pub fn all_definitions(labels: &Labels) -> Vec<(String, Value)> {
    fn named<K: CustomResource>(labels: &Labels) -> (String, Value) {
        (
            format!("{}_{}.yaml", K::GROUP, K::PLURAL),
            custom_resource_definition::<K>(labels),
        )
    }
    vec![
        named::<crate::GitRepository>(labels),
        named::<crate::Kustomization>(labels),
    ]
}
