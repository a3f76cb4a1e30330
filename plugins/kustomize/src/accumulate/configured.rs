//! The generators and transformers that the fields of a kustomization configure.

use std::borrow::Cow;

use tidegate_object::{FieldSpec, Gvk};
use tidegate_yaml::{Map, Value};

use super::{Target, helm_unsupported};
use crate::Error;
use crate::config::TransformerConfig;
use crate::error::Result;
use crate::generators::{DataObjectGenerator, Generator};
use crate::kustomization::{Label, Patch, SelectorEntry};
use crate::origin::Origin;
use crate::plugins::load_replacements;
use crate::secrecy;
use crate::transformers::{
    Affix, EntryTransformer, ImageTransformer, JsonPatchTransformer, NameAffixTransformer,
    NamespaceTransformer, PatchTransformer, ReplacementTransformer, ReplicaTransformer,
    RoleBindingSubjects, StrategicMergeTransformer, Transformer,
};

/// A generator or transformer that is ready to run.
pub(super) struct Step<T: ?Sized> {
    pub(super) action: Box<T>,
    /// What its objects came from or were changed by, if that is tracked.
    pub(super) origin: Option<Origin>,
    /// The file that asks for it.
    pub(super) file: String,
    /// The field that asks for it.
    pub(super) field: String,
}

type Configured<T> = Vec<Step<T>>;

fn in_builtin(error: Error, name: &str, written: &str) -> Error {
    error.wrap(format_args!(
        "trouble configuring builtin {name} with config: `\n{written}`"
    ))
}

/// A patch entry as upstream writes it into the configuration of its transformer; what may be for a Secret, without
/// its text.
fn write_patch(patch: &Patch, text_field: &str) -> String {
    let mut map = Map::new();
    let mut add = |name: &str, text: &str| {
        if !text.is_empty() {
            map.insert(name.to_owned(), Value::String(text.to_owned()));
        }
    };
    add("path", &patch.path);
    let target = patch.target.as_ref().map(SelectorEntry::to_selector);
    if secrecy::is_patch_of_secret(&patch.patch, target.as_ref()) && !patch.patch.is_empty() {
        add(text_field, secrecy::HIDDEN);
    } else {
        add(text_field, &patch.patch);
    }
    if let Some(options) = patch.options {
        let mut flags = Map::new();
        for (name, flag) in [
            ("allowNameChange", options.allow_name_change),
            ("allowKindChange", options.allow_kind_change),
        ] {
            if flag {
                flags.insert(name.to_owned(), Value::Bool(true));
            }
        }
        map.insert("options".to_owned(), Value::Map(flags));
    }
    if let Some(selector) = &target {
        let fields = [
            ("group", &*selector.id.gvk.group),
            ("version", &*selector.id.gvk.version),
            ("kind", &*selector.id.gvk.kind),
            ("name", &*selector.id.name),
            ("namespace", &*selector.id.namespace),
            ("annotationSelector", &*selector.annotation_selector),
            ("labelSelector", &*selector.label_selector),
        ];
        let set = fields.into_iter().filter(|(_, text)| !text.is_empty());
        let fields = set
            .map(|(name, text)| (name.to_owned(), Value::String(text.to_owned())))
            .collect();
        map.insert("target".to_owned(), Value::Map(fields));
    }
    tidegate_yaml::emit_v2(&Value::Map(map))
}

impl Target<'_> {
    fn builtin_origin(&self, kind: &str) -> Option<Origin> {
        self.origin
            .as_ref()
            .map(|origin| origin.of_builtin(&self.file_name, kind))
    }

    pub(super) fn builtin_generators(&self) -> Result<Configured<dyn Generator>> {
        let kustomization = &self.kustomization;
        let options = kustomization.generator_options.as_ref();
        let mut generators: Configured<dyn Generator> = Vec::new();
        let mut add = |generator, kind, field| {
            generators.push(Step {
                action: Box::new(generator),
                origin: self.builtin_origin(kind),
                file: self.file_path(),
                field,
            });
        };
        for (at, arguments) in kustomization.config_map_generator.iter().enumerate() {
            let generator = DataObjectGenerator::config_map(arguments, options);
            let field = format!("configMapGenerator[{at}]");
            add(generator, "ConfigMapGenerator", field);
        }
        for (at, arguments) in kustomization.secret_generator.iter().enumerate() {
            let generator = DataObjectGenerator::secret(arguments, options);
            let field = format!("secretGenerator[{at}]");
            add(generator, "SecretGenerator", field);
        }
        if !kustomization.helm_charts.is_empty() {
            let written = tidegate_yaml::emit_v2(&kustomization.first_chart());
            let error = in_builtin(helm_unsupported(), "HelmChartInflationGenerator", &written);
            return Err(self.in_field(error, "helmCharts"));
        }
        Ok(generators)
    }

    /// In the order in which kustomize runs them.
    pub(super) fn builtin_transformers(
        &self,
        config: &TransformerConfig,
    ) -> Result<Configured<dyn Transformer>> {
        let kustomization = &self.kustomization;
        let mut transformers: Configured<dyn Transformer> = Vec::new();
        let mut add = |action: Box<dyn Transformer>, kind: &str, field: String| {
            transformers.push(Step {
                action,
                origin: self.builtin_origin(kind),
                file: self.file_path(),
                field,
            });
        };
        if !kustomization.patches_strategic_merge.is_empty() {
            let paths = &kustomization.patches_strategic_merge;
            let transformer =
                StrategicMergeTransformer::new(paths, "", &self.loader).map_err(|error| {
                    let shown = paths.iter().map(|path| secrecy::shown(path).to_owned());
                    let list = Value::Sequence(shown.map(Value::String).collect());
                    let written = tidegate_yaml::emit_v2(&Value::Map(Map::from([(
                        "paths".to_owned(),
                        list,
                    )])));
                    let error = in_builtin(error, "PatchStrategicMergeTransformer", &written);
                    self.in_field(error, "patchesStrategicMerge")
                })?;
            add(
                Box::new(transformer),
                "PatchStrategicMergeTransformer",
                "patchesStrategicMerge".to_owned(),
            );
        }
        for (at, patch) in kustomization.patches.iter().enumerate() {
            let field = patch_field("patches", at, patch);
            let written = || write_patch(patch, "patch");
            let transformer = PatchTransformer::new(patch, &self.loader, written)
                .map_err(|error| in_builtin(error, "PatchTransformer", &written()))
                .map_err(|error| self.in_field(error, &field))?;
            add(Box::new(transformer), "PatchTransformer", field);
        }
        if !kustomization.namespace.is_empty() {
            let transformer = NamespaceTransformer {
                namespace: kustomization.namespace.clone(),
                fields: config.namespace.to_vec(),
                unset_only: false,
                subjects: RoleBindingSubjects::DefaultOnly,
            };
            add(
                Box::new(transformer),
                "NamespaceTransformer",
                "namespace".to_owned(),
            );
        }
        let affixes = [
            (
                Affix::Prefix(kustomization.name_prefix.clone()),
                &config.name_prefix,
                ("PrefixTransformer", "namePrefix"),
            ),
            (
                Affix::Suffix(kustomization.name_suffix.clone()),
                &config.name_suffix,
                ("SuffixTransformer", "nameSuffix"),
            ),
        ];
        for (affix, fields, (kind, field)) in affixes {
            let (Affix::Prefix(text) | Affix::Suffix(text)) = &affix;
            if !text.is_empty() {
                add(
                    Box::new(NameAffixTransformer {
                        affix,
                        fields: fields.clone(),
                    }),
                    kind,
                    field.to_owned(),
                );
            }
        }
        if !kustomization.labels.is_empty() || !kustomization.common_labels.is_empty() {
            for (at, label) in kustomization.labels.iter().enumerate() {
                let field = format!("labels[{at}]");
                let fields = label_fields(label, config)
                    .map_err(|error| error.wrap("failed to merge labels"))
                    .map_err(|error| self.in_field(error, &field))?;
                add(
                    Box::new(EntryTransformer {
                        entries: label.pairs.clone(),
                        fields,
                    }),
                    "LabelTransformer",
                    field,
                );
            }
            let entries = kustomization.common_labels.clone();
            add(
                Box::new(EntryTransformer {
                    entries,
                    fields: config.common_labels.to_vec(),
                }),
                "LabelTransformer",
                "commonLabels".to_owned(),
            );
        }
        if !kustomization.common_annotations.is_empty() {
            let entries = kustomization.common_annotations.clone();
            let fields = config.common_annotations.to_vec();
            add(
                Box::new(EntryTransformer { entries, fields }),
                "AnnotationsTransformer",
                "commonAnnotations".to_owned(),
            );
        }
        for (at, patch) in kustomization.patches_json6902.iter().enumerate() {
            let field = patch_field("patchesJson6902", at, patch);
            let transformer = JsonPatchTransformer::new(patch, &self.loader).map_err(|error| {
                let written = write_patch(patch, "jsonOp");
                let error = in_builtin(error, "PatchJson6902Transformer", &written);
                self.in_field(error, &field)
            })?;
            add(Box::new(transformer), "PatchJson6902Transformer", field);
        }
        for (at, replica) in kustomization.replicas.iter().enumerate() {
            let transformer = ReplicaTransformer {
                replica: replica.clone(),
                fields: config.replicas.clone(),
            };
            add(
                Box::new(transformer),
                "ReplicaCountTransformer",
                format!("replicas[{at}]"),
            );
        }
        for (at, image) in kustomization.images.iter().enumerate() {
            let transformer = ImageTransformer {
                image: image.clone(),
                fields: config.images.clone(),
            };
            add(
                Box::new(transformer),
                "ImageTagTransformer",
                format!("images[{at}]"),
            );
        }
        if !kustomization.replacements.is_empty() {
            let replacements = load_replacements(&kustomization.replacements, &self.loader)
                .map_err(|error| in_builtin(error, "ReplacementTransformer", ""))
                .map_err(|error| self.in_field(error, "replacements"))?;
            add(
                Box::new(ReplacementTransformer { replacements }),
                "ReplacementTransformer",
                "replacements".to_owned(),
            );
        }
        Ok(transformers)
    }
}

/// The name of a patch entry, with that of its file.
fn patch_field(field: &str, at: usize, patch: &Patch) -> String {
    if patch.path.is_empty() {
        format!("{field}[{at}]")
    } else {
        format!("{field}[{at}], {}", patch.path)
    }
}

fn label_fields(label: &Label, config: &TransformerConfig) -> Result<Vec<FieldSpec>> {
    let own: Vec<FieldSpec> = label
        .fields
        .iter()
        .map(crate::kustomization::FieldSpecEntry::to_spec)
        .collect();
    let mut fields = Cow::Owned(own);
    FieldSpec::merge_all(&mut fields, &config.labels)?;
    if label.include_selectors {
        FieldSpec::merge_all(&mut fields, &config.common_labels)?;
    } else {
        if label.include_templates {
            FieldSpec::merge_all(&mut fields, &config.template_labels)?;
        }
        FieldSpec::merge_one(
            &mut fields,
            &FieldSpec::new(Gvk::default(), "metadata/labels", true),
        )?;
    }
    Ok(fields.into_owned())
}
