//! Where transformers work: the built-in field specifications, and what `configurations` and `crds` add.

mod crds;
mod defaults;

use std::borrow::Cow;

use tidegate_object::{FieldSpec, Gvk};

use crate::Error;
use crate::decode::{Decode as _, Place, Rules, decode_struct};
use crate::error::Result;
use crate::kustomization::FieldSpecEntry;
use crate::loader::Loader;

type Specs = Cow<'static, [FieldSpec]>;

/// The objects of a type, and the fields of other objects that name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BackReferences {
    pub(crate) target: Gvk,
    pub(crate) referrers: Specs,
}

/// Field specifications by transformer. kustomize: api/internal/plugins/builtinconfig, `TransformerConfig`.
#[derive(Debug, Clone, Default)]
pub(crate) struct TransformerConfig {
    pub(crate) name_prefix: Specs,
    pub(crate) name_suffix: Specs,
    pub(crate) namespace: Specs,
    pub(crate) common_labels: Specs,
    pub(crate) labels: Specs,
    pub(crate) template_labels: Specs,
    pub(crate) common_annotations: Specs,
    pub(crate) name_reference: Cow<'static, [BackReferences]>,
    pub(crate) var_reference: Specs,
    pub(crate) images: Specs,
    pub(crate) replicas: Specs,
}

const fn field(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    path: &'static str,
    create: bool,
) -> FieldSpec {
    let gvk = Gvk {
        group: Cow::Borrowed(group),
        version: Cow::Borrowed(version),
        kind: Cow::Borrowed(kind),
    };
    FieldSpec {
        gvk,
        path: Cow::Borrowed(path),
        create,
    }
}

const fn back_references(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    referrers: &'static [FieldSpec],
) -> BackReferences {
    let target = Gvk {
        group: Cow::Borrowed(group),
        version: Cow::Borrowed(version),
        kind: Cow::Borrowed(kind),
    };
    BackReferences {
        target,
        referrers: Cow::Borrowed(referrers),
    }
}

/// A configuration file, or the same as a kustomization writes it.
#[derive(Debug, Default)]
struct ConfigFile {
    name_prefix: Vec<FieldSpecEntry>,
    name_suffix: Vec<FieldSpecEntry>,
    namespace: Vec<FieldSpecEntry>,
    common_labels: Vec<FieldSpecEntry>,
    labels: Vec<FieldSpecEntry>,
    template_labels: Vec<FieldSpecEntry>,
    volume_claim_template_labels: Vec<FieldSpecEntry>,
    common_annotations: Vec<FieldSpecEntry>,
    name_reference: Vec<NameReferenceEntry>,
    var_reference: Vec<FieldSpecEntry>,
    images: Vec<FieldSpecEntry>,
    replicas: Vec<FieldSpecEntry>,
}

decode_struct!(ConfigFile, "builtinconfig.TransformerConfig", {
    "namePrefix" => name_prefix, "nameSuffix" => name_suffix, "namespace" => namespace,
    "commonLabels" => common_labels, "labels" => labels, "templateLabels" => template_labels,
    "volumeClaimTemplateLabels" => volume_claim_template_labels, "commonAnnotations" => common_annotations,
    "nameReference" => name_reference, "varReference" => var_reference, "images" => images, "replicas" => replicas,
});

#[derive(Debug, Default)]
struct NameReferenceEntry {
    group: String,
    version: String,
    kind: String,
    field_specs: Vec<FieldSpecEntry>,
}

decode_struct!(NameReferenceEntry, "builtinconfig.NameBackReferences", {
    "group" => group, "version" => version, "kind" => kind, "fieldSpecs" => field_specs,
});

impl TransformerConfig {
    /// What kustomize has built in.
    pub(crate) fn builtin() -> Self {
        Self {
            name_prefix: Cow::Borrowed(defaults::NAME_PREFIX),
            name_suffix: Cow::Borrowed(defaults::NAME_SUFFIX),
            namespace: Cow::Borrowed(defaults::NAMESPACE),
            common_labels: Cow::Borrowed(defaults::COMMON_LABELS),
            labels: Cow::Borrowed(&[]),
            template_labels: Cow::Borrowed(defaults::TEMPLATE_LABELS),
            common_annotations: Cow::Borrowed(defaults::COMMON_ANNOTATIONS),
            name_reference: Cow::Borrowed(defaults::NAME_REFERENCE),
            var_reference: Cow::Borrowed(defaults::VAR_REFERENCE),
            images: Cow::Borrowed(defaults::IMAGES),
            replicas: Cow::Borrowed(defaults::REPLICAS),
        }
    }

    /// The built-in configuration with the files of `configurations` and `crds`.
    pub(crate) fn load(
        loader: &Loader<'_>,
        configurations: &[String],
        crds: &[String],
    ) -> Result<Self> {
        let mut config = Self::builtin();
        for path in configurations {
            config.merge(&Self::parse(&loader.load(path)?)?)?;
        }
        for path in crds {
            let in_crds =
                |error: Error| error.wrap(format_args!("loading CRDs [{}]", crds.join(" ")));
            let content = loader.load(path).map_err(in_crds)?;
            config.merge(&crds::config_from_definitions(&content, path).map_err(in_crds)?)?;
        }
        Ok(config)
    }

    fn parse(content: &[u8]) -> Result<Self> {
        let value = tidegate_yaml::parse_v2(content)
            .map_err(|error| Error::from(error).wrap("error converting YAML to JSON"))?;
        let place = Place::new("TransformerConfig", Rules::Strict);
        let file = ConfigFile::decode(&value, &place)
            .map_err(|error| error.wrap("error unmarshaling JSON: while decoding JSON"))?;
        let specs = |entries: &[FieldSpecEntry]| {
            Cow::Owned(entries.iter().map(FieldSpecEntry::to_spec).collect())
        };
        let mut config = Self {
            name_prefix: specs(&file.name_prefix),
            name_suffix: specs(&file.name_suffix),
            namespace: specs(&file.namespace),
            common_labels: specs(&file.common_labels),
            labels: specs(&file.labels),
            template_labels: specs(&file.template_labels),
            common_annotations: specs(&file.common_annotations),
            name_reference: file
                .name_reference
                .iter()
                .map(|entry| BackReferences {
                    target: Gvk::new(
                        entry.group.clone(),
                        entry.version.clone(),
                        entry.kind.clone(),
                    ),
                    referrers: specs(&entry.field_specs),
                })
                .collect(),
            var_reference: specs(&file.var_reference),
            images: specs(&file.images),
            replicas: specs(&file.replicas),
        };
        config.sort();
        Ok(config)
    }

    fn each_specs(&mut self) -> [&mut Specs; 10] {
        [
            &mut self.name_prefix,
            &mut self.name_suffix,
            &mut self.namespace,
            &mut self.common_labels,
            &mut self.labels,
            &mut self.template_labels,
            &mut self.common_annotations,
            &mut self.var_reference,
            &mut self.images,
            &mut self.replicas,
        ]
    }

    fn sort(&mut self) {
        for specs in self.each_specs() {
            if let Cow::Owned(specs) = specs {
                specs.sort_by(|a, b| a.gvk.compare(&b.gvk));
            }
        }
        if let Cow::Owned(references) = &mut self.name_reference {
            references.sort_by(|a, b| a.target.compare(&b.target));
        }
    }

    /// Adds what `other` has. Entries that are there already stay.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<()> {
        const NAMES: [&str; 10] = [
            "NamePrefix",
            "NameSuffix",
            "NameSpace",
            "CommonLabels",
            "Labels",
            "TemplateLabels",
            "CommonAnnotations",
            "VarReference",
            "Images",
            "Replicas",
        ];
        let mut other = other.clone();
        for ((mine, theirs), name) in self
            .each_specs()
            .into_iter()
            .zip(other.each_specs())
            .zip(NAMES)
        {
            FieldSpec::merge_all(mine, theirs).map_err(|error| {
                Error::from(error).wrap(format_args!("failed to merge {name} fieldSpec"))
            })?;
        }
        self.merge_references(&other.name_reference)?;
        self.sort();
        Ok(())
    }

    #[expect(clippy::ptr_arg, reason = "built-in lists are told by being borrowed")]
    fn merge_references(&mut self, other: &Cow<'static, [BackReferences]>) -> Result<()> {
        if self.name_reference.is_empty() && matches!(other, Cow::Borrowed(_)) {
            self.name_reference.clone_from(other);
            return Ok(());
        }
        if let (Cow::Borrowed(a), Cow::Borrowed(b)) = (&self.name_reference, other)
            && std::ptr::eq(*a, *b)
        {
            return Ok(());
        }
        for theirs in other.iter() {
            match self
                .name_reference
                .iter()
                .position(|mine| mine.target == theirs.target)
            {
                Some(at) if self.name_reference[at].referrers == theirs.referrers => {}
                Some(at) => FieldSpec::merge_all(
                    &mut self.name_reference.to_mut()[at].referrers,
                    &theirs.referrers,
                )
                .map_err(|error| {
                    Error::from(error).wrap("failed to merge NameReference fieldSpec")
                })?,
                None => self.name_reference.to_mut().push(theirs.clone()),
            }
        }
        Ok(())
    }
}
