//! Config maps and secrets.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tidegate_object::{Kind, Node, Tree as _};

use super::{Generator, sources};
use crate::Error;
use crate::error::Result;
use crate::kustomization::{GeneratorArguments, GeneratorOptions, SecretArguments};
use crate::loader::Loader;
use crate::resource::{Behavior, Resource, text_node};
use crate::secrecy;

/// Makes one config map or secret.
pub(crate) struct DataObjectGenerator {
    arguments: GeneratorArguments,
    /// The type of the secret; none for a config map.
    secret_type: Option<String>,
}

impl DataObjectGenerator {
    pub(crate) fn config_map(
        arguments: &GeneratorArguments,
        global: Option<&GeneratorOptions>,
    ) -> Self {
        let mut arguments = arguments.clone();
        add_global(&mut arguments.options, global);
        Self {
            arguments,
            secret_type: None,
        }
    }

    pub(crate) fn secret(arguments: &SecretArguments, global: Option<&GeneratorOptions>) -> Self {
        let mut general = arguments.general.clone();
        add_global(&mut general.options, global);
        let secret_type = if arguments.secret_type.is_empty() {
            "Opaque"
        } else {
            &arguments.secret_type
        };
        Self {
            arguments: general,
            secret_type: Some(secret_type.to_owned()),
        }
    }
}

/// Options of the kustomization hold where the generator says nothing. kustomize: `MergeGlobalOptionsIntoLocal`.
fn add_global(options: &mut Option<GeneratorOptions>, global: Option<&GeneratorOptions>) {
    let Some(global) = global else { return };
    let options = options.get_or_insert_default();
    for (mine, theirs) in [
        (&mut options.labels, &global.labels),
        (&mut options.annotations, &global.annotations),
    ] {
        for (key, value) in theirs {
            mine.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    options.disable_name_suffix_hash |= global.disable_name_suffix_hash;
    options.immutable |= global.immutable;
}

impl Generator for DataObjectGenerator {
    fn generate(&self, loader: &Loader<'_>) -> Result<Vec<Resource>> {
        let arguments = &self.arguments;
        if arguments.name.is_empty() {
            return Err(Error::text("a configmap must have a name"));
        }
        let kind = if self.secret_type.is_some() {
            "Secret"
        } else {
            "ConfigMap"
        };
        let mut metadata = vec![(Node::text("name"), text_node(arguments.name.clone()))];
        if !arguments.namespace.is_empty() {
            metadata.push((
                Node::text("namespace"),
                text_node(arguments.namespace.clone()),
            ));
        }
        let mut node = Node::mapping(vec![
            (Node::text("apiVersion"), text_node("v1".to_owned())),
            (Node::text("kind"), text_node(kind.to_owned())),
            (Node::text("metadata"), Node::mapping(metadata)),
        ]);
        let data = self.data(loader)?;
        match &self.secret_type {
            None => set_config_map_data(&mut node, data)?,
            Some(secret_type) => {
                node.set_field("type", text_node(secret_type.clone()))?;
                let entries = data
                    .into_iter()
                    .map(|(key, value)| (Node::text(&key), text_node(encode_base64(&value))))
                    .collect();
                node.fields_mut()
                    .push((Node::text("data"), Node::mapping(entries)));
            }
        }
        let mut resource = Resource::new(node);
        let options = arguments.options.clone().unwrap_or_default();
        for (field, entries) in [
            ("labels", &options.labels),
            ("annotations", &options.annotations),
        ] {
            if !entries.is_empty() {
                resource.set_metadata_map(field, entries)?;
            }
        }
        if options.immutable {
            resource.node.set_field("immutable", Node::boolean(true))?;
        }
        resource.needs_hash = !options.disable_name_suffix_hash;
        resource.behavior = Behavior::parse(&arguments.behavior);
        Ok(vec![resource])
    }
}

impl DataObjectGenerator {
    fn data(&self, loader: &Loader<'_>) -> Result<BTreeMap<String, Vec<u8>>> {
        let is_secret = self.secret_type.is_some();
        let pairs = sources::load(&self.arguments.sources, loader, is_secret)
            .map_err(|error| error.wrap("loading KV pairs"))?;
        let mut data = BTreeMap::new();
        for (key, value) in pairs {
            if data.contains_key(&key) {
                let name = &self.arguments.name;
                // A line without a value may be the rest of the one before it.
                let key = if is_secret && value.is_empty() {
                    secrecy::HIDDEN
                } else {
                    &key
                };
                return Err(Error::text(format!(
                    "configmap {name} illegally repeats the key `{key}`"
                )));
            }
            data.insert(key, value);
        }
        Ok(data)
    }
}

fn set_config_map_data(node: &mut Node, data: BTreeMap<String, Vec<u8>>) -> Result<()> {
    for (key, value) in data {
        let (field, text) = match String::from_utf8(value) {
            Ok(text) => ("data", text),
            Err(binary) => ("binaryData", encode_base64(binary.as_bytes())),
        };
        let map = node.field_or_insert(field, Kind::Mapping)?;
        map.fields_mut().push((Node::text(&key), text_node(text)));
    }
    Ok(())
}

/// Base64 in lines of 70 characters; one line stays without a line feed. kyaml/yaml, `encodeBase64`.
fn encode_base64(content: &[u8]) -> String {
    const LINE: usize = 70;
    let encoded = STANDARD.encode(content);
    if encoded.len() < LINE {
        return encoded;
    }
    let mut lines = String::with_capacity(encoded.len() + encoded.len() / LINE + 1);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, next) = rest.split_at(rest.len().min(LINE));
        lines.push_str(line);
        lines.push('\n');
        rest = next;
    }
    lines
}
