//! Transformers and generators that a kustomization configures in files of their own (`transformers`, `generators`,
//! `validators`). Only the built-in ones exist: executables, containers and Go plugins never run here.

use std::borrow::Cow;
use std::collections::BTreeMap;

use tidegate_object::{FieldSpec, Tree as _};
use tidegate_yaml::Value;

use crate::decode::{Decode, Place, Rules, decode_struct};
use crate::error::Result;
use crate::generators::{DataObjectGenerator, Generator, IamPolicyGenerator};
use crate::kustomization::{
    FieldSpecEntry, GeneratorArguments, Image, ObjectMeta, Patch, PatchOptions, Replacement,
    ReplacementEntry, Replica, SecretArguments, SelectorEntry,
};
use crate::loader::Loader;
use crate::origin::{ConfiguredBy, Origin};
use crate::resource::Resource;
use crate::transformers::value_add_target;
use crate::transformers::{
    Affix, EntryTransformer, ImageTransformer, JsonPatchTransformer, NameAffixTransformer,
    NamespaceTransformer, PatchTransformer, ReplacementTransformer, ReplicaTransformer,
    RoleBindingSubjects, StrategicMergeTransformer, Transformer, ValueAddTransformer,
};
use crate::{Error, paths, secrecy};

/// Everything that configurations of built-in plugins say; each reads its own fields.
#[derive(Debug, Clone, Default)]
struct PluginConfig {
    metadata: ObjectMeta,
    field_specs: Option<Vec<FieldSpecEntry>>,
    unset_only: bool,
    subjects: String,
    prefix: String,
    suffix: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    image: Image,
    replica: Replica,
    replacements: Vec<ReplacementEntry>,
    path: String,
    patch: String,
    json_op: String,
    target: Option<SelectorEntry>,
    options: Option<PatchOptions>,
    paths: Vec<String>,
    patches: String,
    value: String,
    targets: Vec<ValueAddEntry>,
    target_file_path: String,
}

decode_struct!(PluginConfig, "builtins.Plugin", {
    "metadata" => metadata, "fieldSpecs" => field_specs, "unsetOnly" => unset_only,
    "setRoleBindingSubjects" => subjects, "prefix" => prefix, "suffix" => suffix, "labels" => labels,
    "annotations" => annotations, "imageTag" => image, "replica" => replica, "replacements" => replacements,
    "path" => path, "patch" => patch, "jsonOp" => json_op, "target" => target,
    "options" => options, "paths" => paths, "patches" => patches, "value" => value, "targets" => targets,
    "targetFilePath" => target_file_path,
});

#[derive(Debug, Clone, Default)]
struct ValueAddEntry {
    selector: Option<SelectorEntry>,
    field_path: String,
    file_path_position: i64,
}

decode_struct!(ValueAddEntry, "builtins.Target", {
    "selector" => selector, "fieldPath" => field_path, "filePathPosition" => file_path_position,
});

#[derive(Debug, Clone, Default)]
struct ValueAddFile {
    targets: Vec<ValueAddEntry>,
}

decode_struct!(ValueAddFile, "builtins.Targets", { "targets" => targets });

fn is_builtin(resource: &Resource) -> bool {
    resource.node.string_field("apiVersion") == "builtin"
}

fn refuse_foreign(resource: &Resource) -> Error {
    Error::unsupported(format!(
        "external plugins disabled; unable to load external plugin '{}'",
        resource.original_id().gvk.kind
    ))
}

fn configuration(resource: &Resource) -> Result<Value> {
    resource.value().map_err(|error| {
        error.wrap(format_args!(
            "marshalling yaml from res {}",
            resource.original_id()
        ))
    })
}

fn in_plugin(error: Error, resource: &Resource) -> Error {
    error.wrap(format_args!(
        "plugin {} fails configuration",
        resource.original_id()
    ))
}

/// The origin of what a configured plugin does.
pub(crate) fn plugin_origin(resource: &Resource) -> Option<Origin> {
    let origin = resource.origin.as_ref()?;
    Some(Origin {
        path: String::new(),
        repository: origin.repository.clone(),
        reference: origin.reference.clone(),
        configured_in: origin.path.clone(),
        configured_by: Some(ConfiguredBy {
            api_version: resource.node.string_field("apiVersion").to_owned(),
            kind: resource.kind().to_owned(),
            name: resource.name().to_owned(),
            namespace: resource.namespace().to_owned(),
        }),
    })
}

/// The generator that an object configures.
pub(crate) fn load_generator(resource: &Resource) -> Result<Box<dyn Generator>> {
    if !is_builtin(resource) {
        return Err(refuse_foreign(resource));
    }
    let value = configuration(resource)?;
    let configured =
        generator(resource.kind(), &value).map_err(|error| in_plugin(error, resource))?;
    configured.ok_or_else(|| {
        if transformer_exists(resource.kind()) {
            Error::text(format!("plugin {} not a generator", resource.original_id()))
        } else {
            Error::text(format!("unable to load builtin {}", resource.gvk()))
        }
    })
}

fn decode<T: Decode>(value: &Value) -> Result<T> {
    let place = Place::new(&T::go_type(), Rules::Loose);
    T::decode(value, &place)
        .map_err(|error| error.wrap("error unmarshaling JSON: while decoding JSON"))
}

fn generator(kind: &str, value: &Value) -> Result<Option<Box<dyn Generator>>> {
    let metadata = decode::<PluginConfig>(&Value::Map(
        value
            .as_map()
            .into_iter()
            .flatten()
            .filter(|(key, _)| *key == "metadata")
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect(),
    ))?
    .metadata;
    let complete = |arguments: &mut GeneratorArguments| {
        for (mine, from_metadata) in [
            (&mut arguments.name, &metadata.name),
            (&mut arguments.namespace, &metadata.namespace),
        ] {
            if mine.is_empty() {
                mine.clone_from(from_metadata);
            }
        }
        // Only a kustomization.yaml may still use the deprecated `env`.
        arguments.sources.env.clear();
    };
    Ok(Some(match kind {
        "ConfigMapGenerator" => {
            let mut arguments: GeneratorArguments = decode(value)?;
            complete(&mut arguments);
            Box::new(DataObjectGenerator::config_map(&arguments, None))
        }
        "SecretGenerator" => {
            let mut arguments: SecretArguments = decode(value)?;
            complete(&mut arguments.general);
            Box::new(DataObjectGenerator::secret(&arguments, None))
        }
        "IAMPolicyGenerator" => Box::new(decode::<IamPolicyGenerator>(value)?),
        "HelmChartInflationGenerator" => return Err(crate::accumulate::helm_unsupported()),
        _ => return Ok(None),
    }))
}

fn transformer_exists(kind: &str) -> bool {
    kind.ends_with("Transformer")
}

/// The transformer that an object configures.
pub(crate) fn load_transformer(
    resource: &Resource,
    loader: &Loader<'_>,
) -> Result<Box<dyn Transformer>> {
    if !is_builtin(resource) {
        return Err(refuse_foreign(resource));
    }
    let value = configuration(resource)?;
    let configured =
        transformer(resource.kind(), &value, loader).map_err(|error| in_plugin(error, resource))?;
    configured.ok_or_else(|| match resource.kind() {
        "ConfigMapGenerator"
        | "SecretGenerator"
        | "IAMPolicyGenerator"
        | "HelmChartInflationGenerator" => Error::text(format!(
            "plugin {} not a transformer",
            resource.original_id()
        )),
        _ => Error::text(format!("unable to load builtin {}", resource.gvk())),
    })
}

fn specs(config: &PluginConfig) -> Vec<FieldSpec> {
    config
        .field_specs
        .iter()
        .flatten()
        .map(FieldSpecEntry::to_spec)
        .collect()
}

fn transformer(
    kind: &str,
    value: &Value,
    loader: &Loader<'_>,
) -> Result<Option<Box<dyn Transformer>>> {
    // `patches` and `replacements` mean other things to other plugins: only known kinds are read at all.
    let config = || decode::<PluginConfig>(value);
    Ok(Some(match kind {
        "NamespaceTransformer" => {
            let config = config()
                .map_err(|error| error.wrap("unmarshalling NamespaceTransformer config"))?;
            Box::new(NamespaceTransformer {
                fields: specs(&config),
                unset_only: config.unset_only,
                subjects: RoleBindingSubjects::parse(&config.subjects)?,
                namespace: config.metadata.namespace,
            })
        }
        "PrefixTransformer" | "SuffixTransformer" => {
            let config = config()?;
            if config.field_specs.is_none() {
                return Err(Error::text("fieldSpecs is not expected to be nil"));
            }
            let fields = Cow::Owned(specs(&config));
            let affix = if kind == "PrefixTransformer" {
                Affix::Prefix(config.prefix)
            } else {
                Affix::Suffix(config.suffix)
            };
            Box::new(NameAffixTransformer { affix, fields })
        }
        "PrefixSuffixTransformer" => {
            let part = |kind: &str| {
                transformer(kind, value, loader).map(|part| part.into_iter().collect::<Vec<_>>())
            };
            let mut parts = part("PrefixTransformer")?;
            parts.extend(part("SuffixTransformer")?);
            Box::new(Sequence(parts))
        }
        "LabelTransformer" => {
            let config = config()?;
            Box::new(EntryTransformer {
                fields: specs(&config),
                entries: config.labels,
            })
        }
        "AnnotationsTransformer" => {
            let config = config()?;
            Box::new(EntryTransformer {
                fields: specs(&config),
                entries: config.annotations,
            })
        }
        "ImageTagTransformer" => {
            let config = config()?;
            Box::new(ImageTransformer {
                fields: Cow::Owned(specs(&config)),
                image: config.image,
            })
        }
        "ReplicaCountTransformer" => {
            let config = config()?;
            Box::new(ReplicaTransformer {
                fields: Cow::Owned(specs(&config)),
                replica: config.replica,
            })
        }
        "PatchTransformer" => {
            let config = config()?;
            let entry = Patch {
                path: config.path,
                patch: config.patch,
                target: config.target,
                options: config.options,
            };
            Box::new(PatchTransformer::new(&entry, loader, || {
                write_config(value, &entry)
            })?)
        }
        "PatchJson6902Transformer" => {
            let config = config()?;
            let entry = Patch {
                path: config.path,
                patch: config.json_op,
                target: config.target,
                options: None,
            };
            Box::new(JsonPatchTransformer::new(&entry, loader)?)
        }
        "PatchStrategicMergeTransformer" => {
            let config = config()?;
            Box::new(StrategicMergeTransformer::new(
                &config.paths,
                &config.patches,
                loader,
            )?)
        }
        "ReplacementTransformer" => Box::new(ReplacementTransformer {
            replacements: load_replacements(&config()?.replacements, loader)?,
        }),
        "ValueAddTransformer" => Box::new(value_add(config()?, loader)?),
        "HashTransformer" => Box::new(crate::transformers::hash::HashTransformer),
        _ => return Ok(None),
    }))
}

/// A transformer's configuration as errors show it: without the text of a patch that may be for a Secret.
fn write_config(value: &Value, entry: &Patch) -> String {
    let target = entry.target.as_ref().map(SelectorEntry::to_selector);
    let Value::Map(map) = value else {
        return tidegate_yaml::emit_v2(value);
    };
    if !secrecy::is_patch_of_secret(&entry.patch, target.as_ref()) {
        return tidegate_yaml::emit_v2(value);
    }
    let mut shown = map.clone();
    for (name, text) in &mut shown {
        if name.eq_ignore_ascii_case("patch") {
            *text = Value::String(secrecy::HIDDEN.to_owned());
        }
    }
    tidegate_yaml::emit_v2(&Value::Map(shown))
}

/// Several transformers as one.
struct Sequence(Vec<Box<dyn Transformer>>);

impl Transformer for Sequence {
    fn transform(
        &self,
        set: &mut crate::resource_set::ResourceSet,
        session: &crate::session::Session<'_>,
    ) -> Result<()> {
        self.0
            .iter()
            .try_for_each(|part| part.transform(set, session))
    }
}

fn value_add(config: PluginConfig, loader: &Loader<'_>) -> Result<ValueAddTransformer> {
    let mut targets = config.targets;
    if !config.target_file_path.is_empty() {
        let content = tidegate_yaml::parse_v2(&loader.load(&config.target_file_path)?)?;
        targets.extend(decode::<ValueAddFile>(&content)?.targets);
    }
    if targets.is_empty() {
        return Err(Error::text("must specify at least one target"));
    }
    let targets = targets
        .into_iter()
        .map(|target| {
            if target.field_path.is_empty() {
                return Err(Error::text("fieldPath cannot be empty"));
            }
            let position = usize::try_from(target.file_path_position).map_err(|_| {
                Error::text(format!(
                    "value of FilePathPosition ({}) cannot be negative",
                    target.file_path_position
                ))
            })?;
            Ok(value_add_target(
                target.selector.map(|selector| selector.to_selector()),
                target.field_path,
                position,
            ))
        })
        .collect::<Result<_>>()?;
    let value = config.value.trim();
    let value = if value.is_empty() {
        paths::base(loader.root())
    } else {
        value
    };
    Ok(ValueAddTransformer {
        value: value.to_owned(),
        targets,
    })
}

/// The replacements of entries, those of files among them.
pub(crate) fn load_replacements(
    entries: &[ReplacementEntry],
    loader: &Loader<'_>,
) -> Result<Vec<Replacement>> {
    let mut replacements = Vec::new();
    for entry in entries {
        let inline = &entry.replacement;
        if entry.path.is_empty() {
            replacements.push(inline.clone());
            continue;
        }
        if inline.source.is_some()
            || inline
                .targets
                .as_ref()
                .is_some_and(|targets| !targets.is_empty())
        {
            return Err(Error::text(
                "cannot specify both path and inline replacement",
            ));
        }
        let content = tidegate_yaml::parse_v2(&loader.load(&entry.path)?)
            .map_err(|error| Error::from(error).wrap("error converting YAML to JSON"))?;
        match content {
            Value::Sequence(_) => replacements.extend(decode::<Vec<Replacement>>(&content)?),
            Value::Map(_) => replacements.push(decode(&content)?),
            _ => {
                return Err(Error::text(
                    "unsupported replacement type encountered within replacement path: invalid",
                ));
            }
        }
    }
    Ok(replacements)
}
