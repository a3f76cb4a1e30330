//! The structures inside of a kustomization.yaml.

use std::collections::BTreeMap;

use tidegate_object::{FieldSpec, Gvk, ObjectId, Selector};

use crate::decode::decode_struct;

/// Group, version, kind and path, and whether to make what is missing.
#[derive(Debug, Clone, Default)]
pub(crate) struct FieldSpecEntry {
    group: String,
    version: String,
    kind: String,
    path: String,
    create: bool,
}

decode_struct!(FieldSpecEntry, "types.FieldSpec", {
    "group" => group, "version" => version, "kind" => kind, "path" => path, "create" => create,
});

impl FieldSpecEntry {
    pub(crate) fn to_spec(&self) -> FieldSpec {
        let gvk = Gvk::new(self.group.clone(), self.version.clone(), self.kind.clone());
        FieldSpec::new(gvk, self.path.clone(), self.create)
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Label {
    pub(crate) pairs: BTreeMap<String, String>,
    pub(crate) include_selectors: bool,
    pub(crate) include_templates: bool,
    pub(crate) fields: Vec<FieldSpecEntry>,
}

decode_struct!(Label, "types.Label", {
    "pairs" => pairs, "includeSelectors" => include_selectors, "includeTemplates" => include_templates,
    "fields" => fields,
});

#[derive(Debug, Clone, Default)]
pub(crate) struct SelectorEntry {
    group: String,
    version: String,
    kind: String,
    name: String,
    namespace: String,
    annotation_selector: String,
    label_selector: String,
}

decode_struct!(SelectorEntry, "types.Selector", {
    "group" => group, "version" => version, "kind" => kind, "name" => name, "namespace" => namespace,
    "annotationSelector" => annotation_selector, "labelSelector" => label_selector,
});

impl SelectorEntry {
    pub(crate) fn to_selector(&self) -> Selector {
        Selector {
            id: self.id(),
            label_selector: self.label_selector.clone(),
            annotation_selector: self.annotation_selector.clone(),
        }
    }

    fn id(&self) -> ObjectId {
        ObjectId {
            gvk: Gvk::new(self.group.clone(), self.version.clone(), self.kind.clone()),
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            cluster_scoped: false,
        }
    }
}

impl From<&Selector> for SelectorEntry {
    fn from(selector: &Selector) -> Self {
        Self {
            group: selector.id.gvk.group.to_string(),
            version: selector.id.gvk.version.to_string(),
            kind: selector.id.gvk.kind.to_string(),
            name: selector.id.name.clone(),
            namespace: selector.id.namespace.clone(),
            annotation_selector: selector.annotation_selector.clone(),
            label_selector: selector.label_selector.clone(),
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PatchOptions {
    pub(crate) allow_name_change: bool,
    pub(crate) allow_kind_change: bool,
}

decode_struct!(PatchOptions, "types.PatchArgs", {
    "allowNameChange" => allow_name_change, "allowKindChange" => allow_kind_change,
});

#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_field_names, reason = "kustomize's name of the field")]
pub(crate) struct Patch {
    pub(crate) path: String,
    pub(crate) patch: String,
    pub(crate) target: Option<SelectorEntry>,
    pub(crate) options: Option<PatchOptions>,
}

decode_struct!(Patch, "types.Patch", {
    "path" => path, "patch" => patch, "target" => target, "options" => options,
});

#[derive(Debug, Clone, Default)]
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) new_name: String,
    pub(crate) tag_suffix: String,
    pub(crate) new_tag: String,
    pub(crate) digest: String,
}

decode_struct!(Image, "types.Image", {
    "name" => name, "newName" => new_name, "tagSuffix" => tag_suffix, "newTag" => new_tag, "digest" => digest,
});

#[derive(Debug, Clone, Default)]
pub(crate) struct Replica {
    pub(crate) name: String,
    pub(crate) count: i64,
}

decode_struct!(Replica, "types.Replica", { "name" => name, "count" => count });

#[derive(Debug, Clone, Default)]
pub(crate) struct GeneratorOptions {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) disable_name_suffix_hash: bool,
    pub(crate) immutable: bool,
}

decode_struct!(GeneratorOptions, "types.GeneratorOptions", {
    "labels" => labels, "annotations" => annotations, "disableNameSuffixHash" => disable_name_suffix_hash,
    "immutable" => immutable,
});

#[derive(Debug, Clone, Default)]
pub(crate) struct KeyValueSources {
    pub(crate) literals: Vec<String>,
    pub(crate) files: Vec<String>,
    pub(crate) envs: Vec<String>,
    pub(crate) env: String,
}

decode_struct!(KeyValueSources, "types.KvPairSources", {
    "literals" => literals, "files" => files, "envs" => envs, "env" => env,
});

/// Arguments of a generator of config maps, and what those of secrets have in common with them.
#[derive(Debug, Clone, Default)]
pub(crate) struct GeneratorArguments {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) behavior: String,
    pub(crate) sources: KeyValueSources,
    pub(crate) options: Option<GeneratorOptions>,
}

decode_struct!(GeneratorArguments, "types.ConfigMapArgs", {
    "namespace" => namespace, "name" => name, "behavior" => behavior, "options" => options,
}, inline sources: KeyValueSources);

#[derive(Debug, Clone, Default)]
pub(crate) struct SecretArguments {
    pub(crate) general: GeneratorArguments,
    pub(crate) secret_type: String,
}

decode_struct!(SecretArguments, "types.SecretArgs", { "type" => secret_type }, inline general: GeneratorArguments);

#[derive(Debug, Clone, Default)]
pub(crate) struct ObjectMeta {
    pub(crate) name: String,
    pub(crate) namespace: String,
    // These say nothing to a build, and must be of the right type.
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

decode_struct!(ObjectMeta, "types.ObjectMeta", {
    "name" => name, "namespace" => namespace, "labels" => labels, "annotations" => annotations,
});

#[derive(Debug, Clone, Default)]
pub(crate) struct LegacySortOptions {
    pub(crate) order_first: Vec<String>,
    pub(crate) order_last: Vec<String>,
}

decode_struct!(LegacySortOptions, "types.LegacySortOptions", {
    "orderFirst" => order_first, "orderLast" => order_last,
});

#[derive(Debug, Clone, Default)]
pub(crate) struct SortOptions {
    pub(crate) order: String,
    pub(crate) legacy: Option<LegacySortOptions>,
}

decode_struct!(SortOptions, "types.SortOptions", { "order" => order, "legacySortOptions" => legacy });

#[derive(Debug, Clone, Default)]
pub(crate) struct FieldOptions {
    pub(crate) delimiter: String,
    pub(crate) index: i64,
    pub(crate) encoding: String,
    pub(crate) create: bool,
}

decode_struct!(FieldOptions, "types.FieldOptions", {
    "delimiter" => delimiter, "index" => index, "encoding" => encoding, "create" => create,
});

/// One object by exact type, name and namespace, and a field of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct SourceSelector {
    group: String,
    version: String,
    kind: String,
    name: String,
    namespace: String,
    pub(crate) field_path: String,
    pub(crate) options: Option<FieldOptions>,
}

decode_struct!(SourceSelector, "types.SourceSelector", {
    "group" => group, "version" => version, "kind" => kind, "name" => name, "namespace" => namespace,
    "fieldPath" => field_path, "options" => options,
});

impl SourceSelector {
    pub(crate) fn id(&self) -> ObjectId {
        ObjectId {
            gvk: Gvk::new(self.group.clone(), self.version.clone(), self.kind.clone()),
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            cluster_scoped: false,
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct TargetSelector {
    pub(crate) select: Option<SelectorEntry>,
    pub(crate) reject: Vec<SelectorEntry>,
    pub(crate) field_paths: Vec<String>,
    pub(crate) options: Option<FieldOptions>,
}

decode_struct!(TargetSelector, "types.TargetSelector", {
    "select" => select, "reject" => reject, "fieldPaths" => field_paths, "options" => options,
});

#[derive(Debug, Clone, Default)]
pub(crate) struct Replacement {
    pub(crate) source: Option<SourceSelector>,
    pub(crate) targets: Option<Vec<TargetSelector>>,
    pub(crate) source_value: Option<String>,
}

decode_struct!(Replacement, "types.Replacement", {
    "source" => source, "targets" => targets, "sourceValue" => source_value,
});

#[derive(Debug, Clone, Default)]
pub(crate) struct ReplacementEntry {
    pub(crate) path: String,
    pub(crate) replacement: Replacement,
}

decode_struct!(ReplacementEntry, "types.ReplacementField", { "path" => path }, inline replacement: Replacement);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct VariableTarget {
    api_version: String,
    group: String,
    version: String,
    kind: String,
    name: String,
    namespace: String,
}

decode_struct!(VariableTarget, "types.Target", {
    "apiVersion" => api_version, "group" => group, "version" => version, "kind" => kind, "name" => name,
    "namespace" => namespace,
});

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldReference {
    field_path: String,
}

decode_struct!(FieldReference, "types.FieldSelector", { "fieldPath" => field_path });

/// A deprecated variable: `$(NAME)` stands for a field of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Variable {
    pub(crate) name: String,
    object: VariableTarget,
    field: FieldReference,
}

decode_struct!(Variable, "types.Var", { "name" => name, "objref" => object, "fieldref" => field });

impl Variable {
    /// The object that is meant; an empty namespace means any.
    pub(crate) fn id(&self) -> ObjectId {
        let gvk = match self
            .object
            .api_version
            .split('/')
            .collect::<Vec<_>>()
            .as_slice()
        {
            [""] => Gvk::new(
                self.object.group.clone(),
                self.object.version.clone(),
                self.object.kind.clone(),
            ),
            [version] => Gvk::new(
                self.object.group.clone(),
                (*version).to_owned(),
                self.object.kind.clone(),
            ),
            [group, version] => Gvk::new(
                (*group).to_owned(),
                (*version).to_owned(),
                self.object.kind.clone(),
            ),
            _ => Gvk::new(
                self.object.group.clone(),
                self.object.version.clone(),
                self.object.kind.clone(),
            ),
        };
        ObjectId::new(gvk, self.object.name.clone(), self.object.namespace.clone())
    }

    pub(crate) fn field_path(&self) -> &str {
        if self.field.field_path.is_empty() {
            "metadata.name"
        } else {
            &self.field.field_path
        }
    }
}

/// As Go prints the structure in errors.
impl std::fmt::Display for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id = self.id();
        write!(f, "{{{} {} {{{}}}}}", self.name, id.gvk, self.field_path())
    }
}
