//! Field specifications that OpenAPI definitions of custom types ask for by extensions (`crds` of a kustomization).

use std::borrow::Cow;

use tidegate_object::{FieldSpec, Gvk};
use tidegate_yaml::{Map, Value};

use super::{BackReferences, TransformerConfig};
use crate::Error;
use crate::error::Result;

/// Reads definitions by type name. kustomize: api/internal/accumulator/loadconfigfromcrds.go.
pub(super) fn config_from_definitions(content: &[u8], path: &str) -> Result<TransformerConfig> {
    let value = tidegate_yaml::parse_v2(content).map_err(|error| {
        Error::from(error).wrap(format_args!(
            "unable to parse open API definition from '{path}'"
        ))
    })?;
    let mut config = TransformerConfig::default();
    let Some(definitions) = value.as_map() else {
        return Ok(config);
    };
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
        let reader = Reader {
            definitions,
            gvk: Gvk::new("", "", kind.to_owned()),
        };
        reader.read(&mut config, name, &mut Vec::new(), 0)?;
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

struct Reader<'a> {
    definitions: &'a Map,
    gvk: Gvk,
}

impl Reader<'_> {
    fn read(
        &self,
        config: &mut TransformerConfig,
        type_name: &str,
        path: &mut Vec<String>,
        depth: usize,
    ) -> Result<()> {
        if depth > 50 {
            return Err(Error::text(format!(
                "definitions of crds refer to each other in a circle at '{type_name}'"
            )));
        }
        let Some(properties) = self.definitions.get(type_name).and_then(properties) else {
            return Ok(());
        };
        for (name, property) in properties {
            path.push(name.clone());
            let text = |extension: &str| property.get(extension).and_then(Value::as_str);
            let spec = || FieldSpec::new(self.gvk.clone(), path.join("/"), false);
            if text("x-kubernetes-annotation").is_some() {
                FieldSpec::merge_one(&mut config.common_annotations, &spec())?;
            }
            if text("x-kubernetes-label-selector").is_some() {
                FieldSpec::merge_one(&mut config.common_labels, &spec())?;
            }
            if text("x-kubernetes-identity").is_some() {
                FieldSpec::merge_one(&mut config.name_prefix, &spec())?;
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
                config.merge_references(&Cow::Owned(vec![references]))?;
            }
            if let Some(reference) = text("$ref") {
                self.read(config, reference, path, depth + 1)?;
            }
            path.pop();
        }
        Ok(())
    }
}
