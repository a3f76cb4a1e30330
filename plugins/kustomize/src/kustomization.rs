//! The content of a kustomization.yaml.

mod fields;

use std::collections::BTreeMap;

use tidegate_yaml::Value;

pub(crate) use fields::{
    FieldOptions, FieldSpecEntry, GeneratorArguments, GeneratorOptions, Image, KeyValueSources,
    Label, ObjectMeta, Patch, PatchOptions, Replacement, ReplacementEntry, Replica,
    SecretArguments, SelectorEntry, SortOptions, SourceSelector, TargetSelector, Variable,
};

use crate::decode::{Place, Rules, decode_struct};
use crate::error::Result;
use crate::{Error, decode, secrecy};

pub(crate) const FILE_NAMES: [&str; 3] =
    ["kustomization.yaml", "kustomization.yml", "Kustomization"];
pub(crate) const KUSTOMIZATION: &str = "Kustomization";
pub(crate) const COMPONENT: &str = "Component";
const KUSTOMIZATION_VERSION: &str = "kustomize.config.k8s.io/v1beta1";
const COMPONENT_VERSION: &str = "kustomize.config.k8s.io/v1alpha1";

/// A kustomization.yaml as written, with the deprecated fields folded into their successors.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kustomization {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) metadata: Option<ObjectMeta>,
    pub(crate) openapi: BTreeMap<String, String>,
    pub(crate) name_prefix: String,
    pub(crate) name_suffix: String,
    pub(crate) namespace: String,
    pub(crate) common_labels: BTreeMap<String, String>,
    pub(crate) labels: Vec<Label>,
    pub(crate) common_annotations: BTreeMap<String, String>,
    pub(crate) patches_strategic_merge: Vec<String>,
    pub(crate) patches_json6902: Vec<Patch>,
    pub(crate) patches: Vec<Patch>,
    pub(crate) images: Vec<Image>,
    image_tags: Vec<Image>,
    pub(crate) replacements: Vec<ReplacementEntry>,
    pub(crate) replicas: Vec<Replica>,
    pub(crate) vars: Vec<Variable>,
    pub(crate) sort_options: Option<SortOptions>,
    pub(crate) resources: Vec<String>,
    pub(crate) components: Vec<String>,
    pub(crate) crds: Vec<String>,
    bases: Vec<String>,
    pub(crate) config_map_generator: Vec<GeneratorArguments>,
    pub(crate) secret_generator: Vec<SecretArguments>,
    helm_globals: Option<Value>,
    pub(crate) helm_charts: Vec<Value>,
    helm_chart_inflation_generator: Vec<Value>,
    pub(crate) generator_options: Option<GeneratorOptions>,
    pub(crate) configurations: Vec<String>,
    pub(crate) generators: Vec<String>,
    pub(crate) transformers: Vec<String>,
    pub(crate) validators: Vec<String>,
    pub(crate) build_metadata: Vec<String>,
}

decode_struct!(Kustomization, "types.Kustomization", {
    "apiVersion" => api_version,
    "kind" => kind,
    "metadata" => metadata,
    "openapi" => openapi,
    "namePrefix" => name_prefix,
    "nameSuffix" => name_suffix,
    "namespace" => namespace,
    "commonLabels" => common_labels,
    "labels" => labels,
    "commonAnnotations" => common_annotations,
    "patchesStrategicMerge" => patches_strategic_merge,
    "patchesJson6902" => patches_json6902,
    "patches" => patches,
    "images" => images,
    "imageTags" => image_tags,
    "replacements" => replacements,
    "replicas" => replicas,
    "vars" => vars,
    "sortOptions" => sort_options,
    "resources" => resources,
    "components" => components,
    "crds" => crds,
    "bases" => bases,
    "configMapGenerator" => config_map_generator,
    "secretGenerator" => secret_generator,
    "helmGlobals" => helm_globals,
    "helmCharts" => helm_charts,
    "helmChartInflationGenerator" => helm_chart_inflation_generator,
    "generatorOptions" => generator_options,
    "configurations" => configurations,
    "generators" => generators,
    "transformers" => transformers,
    "validators" => validators,
    "buildMetadata" => build_metadata,
});

/// Deprecated fields with what takes their place, in the order of the warnings.
const DEPRECATED: [(&str, &str, bool); 6] = [
    ("bases", "resources", false),
    ("commonLabels", "labels", false),
    ("imageTags", "images", false),
    ("patchesJson6902", "patches", false),
    ("patchesStrategicMerge", "patches", false),
    ("vars", "replacements", true),
];

impl Kustomization {
    /// Reads a file's content. `folder` is for the error text; warnings go to `warnings`.
    pub(crate) fn parse(content: &[u8], folder: &str, warnings: &mut Vec<String>) -> Result<Self> {
        let invalid = |error: Error| error.wrap("invalid Kustomization");
        let document = tidegate_yaml::parse_v2(content)
            .map_err(|error| invalid(secrecy::in_text(error.into(), content)))?;
        let document = as_configured(document)?;
        let place = Place::new("Kustomization", Rules::Strict);
        let mut kustomization: Self =
            decode::decode_fields("types.Kustomization", &document, &place).map_err(invalid)?;
        warn_of_deprecated(&document, warnings);
        kustomization.fold_deprecated();
        if !says_something(&document) {
            return Err(Error::text("kustomization.yaml is empty"));
        }
        kustomization.check(folder)?;
        Ok(kustomization)
    }

    /// Reads a file's content as Flux's generator does, which writes the file anew before kustomize sees it: unknown
    /// fields get lost, and numbers and booleans become texts where texts are wanted.
    pub(crate) fn parse_loosely(
        content: &[u8],
        folder: &str,
        warnings: &mut Vec<String>,
    ) -> Result<Self> {
        let document = tidegate_yaml::parse_v2(content).map_err(|error| {
            secrecy::in_text(error.into(), content)
                .wrap("error converting YAML to JSON")
                .in_generator()
        })?;
        let document = as_configured(document)?;
        let place = Place::new("Kustomization", Rules::Loose);
        let mut kustomization: Self =
            decode::decode_fields("types.Kustomization", &document, &place).map_err(|error| {
                error
                    .wrap("error unmarshaling JSON: while decoding JSON")
                    .in_generator()
            })?;
        warn_of_deprecated(&document, warnings);
        if kustomization.resources.is_empty() {
            // So that kustomize does not call it empty.
            kustomization.build_metadata = vec!["originAnnotations".to_owned()];
        }
        kustomization.fold_deprecated();
        kustomization.check(folder)?;
        Ok(kustomization)
    }

    /// A kustomization with nothing but resources.
    pub(crate) fn of_resources(resources: Vec<String>) -> Self {
        let mut kustomization = Self {
            resources,
            ..Self::default()
        };
        kustomization.fold_deprecated();
        kustomization
    }

    /// Gives defaults and moves deprecated fields. kustomize: `FixKustomization`.
    fn fold_deprecated(&mut self) {
        if self.kind.is_empty() {
            KUSTOMIZATION.clone_into(&mut self.kind);
        }
        if self.api_version.is_empty() {
            let version = if self.kind == COMPONENT {
                COMPONENT_VERSION
            } else {
                KUSTOMIZATION_VERSION
            };
            version.clone_into(&mut self.api_version);
        }
        self.resources.append(&mut self.bases);
        self.images.append(&mut self.image_tags);
        self.helm_charts
            .append(&mut self.helm_chart_inflation_generator);
        for sources in self
            .config_map_generator
            .iter_mut()
            .map(|arguments| &mut arguments.sources)
            .chain(
                self.secret_generator
                    .iter_mut()
                    .map(|arguments| &mut arguments.general.sources),
            )
        {
            if !sources.env.is_empty() {
                sources.envs.push(std::mem::take(&mut sources.env));
            }
        }
    }

    fn check(&self, folder: &str) -> Result<()> {
        let mut problems = Vec::new();
        if self.kind != KUSTOMIZATION && self.kind != COMPONENT {
            problems.push(format!("kind should be {KUSTOMIZATION} or {COMPONENT}"));
        }
        let wanted = if self.kind == COMPONENT {
            COMPONENT_VERSION
        } else {
            KUSTOMIZATION_VERSION
        };
        if self.api_version != wanted {
            problems.push(format!("apiVersion for {} should be {wanted}", self.kind));
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(Error::text(format!(
            "Failed to read kustomization file under {folder}:\n{}",
            problems.join("\n")
        )))
    }

    /// The first chart, with what all charts have in common, as upstream configures its generator.
    pub(crate) fn first_chart(&self) -> Value {
        let parts = [self.helm_globals.as_ref(), self.helm_charts.first()];
        let fields = parts.into_iter().flatten().filter_map(Value::as_map);
        Value::Map(
            fields
                .flatten()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        )
    }

    pub(crate) fn is_component(&self) -> bool {
        self.kind == COMPONENT
    }
}

/// The fields that are there, nulls left out.
fn present(document: &Value) -> impl Iterator<Item = (&String, &Value)> {
    document
        .as_map()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
}

fn warn_of_deprecated(document: &Value, warnings: &mut Vec<String>) {
    for (field, instead, experimental) in DEPRECATED {
        if present(document).any(|(name, _)| name.eq_ignore_ascii_case(field)) {
            let experimental = if experimental { "[EXPERIMENTAL] " } else { "" };
            warnings.push(format!(
                "# Warning: '{field}' is deprecated. Please use '{instead}' instead. \
                 {experimental}Run 'kustomize edit fix' to update your Kustomization automatically."
            ));
        }
    }
}

/// Whether there is more than type and version. Upstream compares with an empty structure, in which an absent list
/// differs from an empty one.
fn says_something(document: &Value) -> bool {
    let is_any =
        |name: &str, fields: &[&str]| fields.iter().any(|field| name.eq_ignore_ascii_case(field));
    present(document).any(|(name, value)| match value {
        Value::String(text) => !text.is_empty() && !is_any(name, &["apiVersion", "kind"]),
        Value::Sequence(items) if items.is_empty() => {
            !is_any(name, &["bases", "imageTags", "helmChartInflationGenerator"])
        }
        _ => true,
    })
}

/// Upstream hands fields to transformers and generators as YAML text, in which some characters change or are
/// refused. Documents without such characters, which is nearly all, are taken as they are.
fn as_configured(document: Value) -> Result<Value> {
    let Value::Map(fields) = document else {
        return Ok(document);
    };
    // Options become part of what each generator is configured with.
    let generator = ["configMapGenerator", "secretGenerator"]
        .into_iter()
        .find(|name| fields.get(*name).is_some_and(|list| !list.is_null()));
    let configured = fields.into_iter().map(|(name, value)| {
        let field = match name.as_str() {
            "generatorOptions" => generator,
            other => Some(other),
        };
        let Some(field) = field.filter(|_| has_rare_characters(&value)) else {
            return Ok((name, value));
        };
        let plugin = builtin_of(field);
        let refused = |error| Error::from(error).wrap(format_args!("builtin {plugin} marshal"));
        let text = tidegate_yaml::marshal(&value).map_err(refused)?;
        let value = tidegate_yaml::parse_v2(text.as_bytes()).map_err(refused)?;
        Ok((name, value))
    });
    Ok(Value::Map(configured.collect::<Result<_>>()?))
}

/// The built-in plugin that a field configures.
fn builtin_of(field: &str) -> &str {
    match field {
        "configMapGenerator" => "ConfigMapGenerator",
        "secretGenerator" => "SecretGenerator",
        "patches" => "PatchTransformer",
        "patchesStrategicMerge" => "PatchStrategicMergeTransformer",
        "patchesJson6902" => "PatchJson6902Transformer",
        "namespace" => "NamespaceTransformer",
        "namePrefix" => "PrefixTransformer",
        "nameSuffix" => "SuffixTransformer",
        "labels" | "commonLabels" => "LabelTransformer",
        "commonAnnotations" => "AnnotationsTransformer",
        "images" | "imageTags" => "ImageTagTransformer",
        "replicas" => "ReplicaCountTransformer",
        "replacements" => "ReplacementTransformer",
        other => other,
    }
}

/// Whether a text holds characters that YAML 1.1 takes for line breaks, or does not allow.
pub(crate) fn has_rare_characters(value: &Value) -> bool {
    let is_rare = |c: char| {
        matches!(
            c,
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}'
        )
    };
    match value {
        Value::String(text) => text.contains(is_rare),
        Value::Sequence(items) => items.iter().any(has_rare_characters),
        Value::Map(map) => map
            .iter()
            .any(|(key, value)| key.contains(is_rare) || has_rare_characters(value)),
        _ => false,
    }
}
