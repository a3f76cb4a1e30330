//! Field specifications that OpenAPI definitions of custom types ask for by extensions (`crds` of a kustomization).

use std::borrow::Cow;

use tidegate_object::{FieldSpec, Gvk};
use tidegate_yaml::{Map, Value};

use super::{BackReferences, TransformerConfig};
use crate::Error;
use crate::decode::check_json;
use crate::error::Result;

/// Reads definitions by type name. kustomize: api/internal/accumulator/loadconfigfromcrds.go.
pub(super) fn config_from_definitions(content: &[u8], path: &str) -> Result<TransformerConfig> {
    let in_file = |error: Error| {
        error.wrap(format_args!(
            "unable to parse open API definition from '{path}'"
        ))
    };
    if content.starts_with(b"{") {
        check_json(content).map_err(in_file)?;
    }
    let value = tidegate_yaml::parse_v2(content).map_err(|error| in_file(error.into()))?;
    let mut config = TransformerConfig::default();
    let wrong = |found: &Value, wanted: &str| {
        Error::text(format!(
            "unable to parse open API definition from '{path}': error unmarshaling JSON: while decoding JSON: \
             json: cannot unmarshal {} into Go value of type accumulator.{wanted}",
            found.json_kind()
        ))
    };
    let definitions = match &value {
        Value::Map(definitions) => definitions,
        Value::Null => return Ok(config),
        other => return Err(wrong(other, "nameToApiMap")),
    };
    for definition in definitions.values() {
        if !matches!(definition, Value::Map(_) | Value::Null) {
            return Err(wrong(definition, "OpenAPIDefinition"));
        }
    }
    for (name, definition) in definitions {
        let Some(properties) = properties(definition) else {
            continue;
        };
        if !["kind", "apiVersion", "metadata"]
            .iter()
            .all(|field| properties.contains_key(*field))
        {
            continue;
        }
        let kind = name.rsplit('.').next().unwrap_or(name);
        let mut reader = Reader {
            definitions,
            gvk: Gvk::new("", "", kind.to_owned()),
            open: Vec::new(),
            left: MAX_FIELDS,
            config: &mut config,
        };
        reader
            .read(name, &mut Vec::new())
            .map_err(|error| error.wrap(format_args!("definitions of '{path}'")))?;
    }
    config.sort();
    Ok(config)
}

fn properties(definition: &Value) -> Option<&Map> {
    definition
        .get("Schema")
        .or_else(|| definition.get("schema"))?
        .get("properties")?
        .as_map()
}

/// How many fields a type may have, those of the types it refers to included: a few definitions can refer to each
/// other in very many ways.
const MAX_FIELDS: usize = 100_000;

struct Reader<'a> {
    definitions: &'a Map,
    gvk: Gvk,
    /// The types that are being read.
    open: Vec<&'a str>,
    /// How many more fields are read.
    left: usize,
    config: &'a mut TransformerConfig,
}

impl<'a> Reader<'a> {
    fn read(&mut self, type_name: &'a str, path: &mut Vec<&'a str>) -> Result<()> {
        if self.open.contains(&type_name) {
            // Upstream never comes back from one.
            return Err(Error::text(format!(
                "definitions refer to each other in a circle: {} -> {type_name}",
                self.open.join(" -> ")
            )));
        }
        self.open.push(type_name);
        let definitions = self.definitions;
        let properties = definitions.get(type_name).and_then(properties);
        for (name, property) in properties.into_iter().flatten() {
            self.left = self
                .left
                .checked_sub(1)
                .ok_or_else(|| Error::text(format!("more than {MAX_FIELDS} fields")))?;
            path.push(name);
            let text = |extension: &str| property.get(extension).and_then(Value::as_str);
            let spec = || FieldSpec::new(self.gvk.clone(), path.join("/"), false);
            if text("x-kubernetes-annotation").is_some() {
                FieldSpec::merge_one(&mut self.config.common_annotations, &spec())?;
            }
            if text("x-kubernetes-label-selector").is_some() {
                FieldSpec::merge_one(&mut self.config.common_labels, &spec())?;
            }
            if text("x-kubernetes-identity").is_some() {
                FieldSpec::merge_one(&mut self.config.name_prefix, &spec())?;
            }
            if let (Some(version), Some(kind)) = (
                text("x-kubernetes-object-ref-api-version"),
                text("x-kubernetes-object-ref-kind"),
            ) {
                let key = text("x-kubernetes-object-ref-name-key").unwrap_or("name");
                let referrer =
                    FieldSpec::new(self.gvk.clone(), format!("{}/{key}", path.join("/")), false);
                let references = BackReferences {
                    target: Gvk::new("", version.to_owned(), kind.to_owned()),
                    referrers: Cow::Owned(vec![referrer]),
                };
                self.config
                    .merge_references(&Cow::Owned(vec![references]))?;
            }
            if let Some(reference) = text("$ref") {
                self.read(reference, path)?;
            }
            path.pop();
        }
        self.open.pop();
        Ok(())
    }
}
