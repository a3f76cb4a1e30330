//! A whole build, from the entry folder to the bytes of every object.

use std::collections::BTreeMap;

use tidegate_object::{ORDER_FIRST, ORDER_LAST};

use crate::accumulate::Target;
use crate::error::Result;
use crate::kustomization::{FILE_NAMES, Kustomization};
use crate::loader::Loader;
use crate::origin::{ORIGIN_ANNOTATION, TRANSFORMATIONS_ANNOTATION, transformations_annotation};
use crate::resource::Resource;
use crate::resource_set::ResourceSet;
use crate::session::Session;
use crate::transformers::{hash, name_reference, sort_order, variables};
use crate::{Error, Files, Options, Reorder, overrides, plain_folder, unwritable};

/// The result of a build.
#[derive(Debug, Clone, Default)]
pub struct Build {
    /// The objects in the order to write them.
    pub resources: Vec<BuiltResource>,
    /// What kustomize would print beside the result.
    pub warnings: Vec<String>,
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltResource {
    /// The object as kustomize writes it, with a line feed at the end.
    pub yaml: String,
    /// The whole path of the file that it came from, or of the one that asks for it to be generated.
    pub file: Option<String>,
}

impl Build {
    /// All objects as one text, as `kustomize build` prints them.
    pub fn to_yaml(&self) -> String {
        let texts: Vec<&str> = self
            .resources
            .iter()
            .map(|resource| resource.yaml.as_str())
            .collect();
        texts.join("---\n")
    }
}

const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const BUILD_ANNOTATIONS: [&str; 19] = [
    "internal.config.kubernetes.io/previousKinds",
    "internal.config.kubernetes.io/previousNames",
    "internal.config.kubernetes.io/prefixes",
    "internal.config.kubernetes.io/suffixes",
    "internal.config.kubernetes.io/previousNamespaces",
    "internal.config.kubernetes.io/allowNameChange",
    "internal.config.kubernetes.io/allowKindChange",
    "internal.config.kubernetes.io/refBy",
    "internal.config.kubernetes.io/generatorBehavior",
    "internal.config.kubernetes.io/needsHashSuffix",
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/seqindent",
    "internal.config.kubernetes.io/id",
    "internal.config.kubernetes.io/annotations-migration-resource-id",
    "config.kubernetes.io/path",
    "config.kubernetes.io/index",
    "config.k8s.io/id",
    "helm.kustomize.io/generated",
];

/// Builds the kustomization in a folder. kustomize: api/krusty, `Kustomizer.Run`.
///
/// # Errors
/// The first thing that is wrong, in kustomize's words where it has some, with the warnings that came before it.
pub fn build(files: &dyn Files, path: &str, options: &Options) -> Result<Build> {
    let session = Session::new(options);
    match build_in(files, path, &session) {
        Ok(resources) => Ok(Build {
            resources,
            warnings: session.take_warnings(),
        }),
        Err(error) => Err(error.after_warnings(session.take_warnings())),
    }
}

fn build_in(files: &dyn Files, path: &str, session: &Session<'_>) -> Result<Vec<BuiltResource>> {
    let options = session.options;
    let loader = Loader::start(files, options.load_restrictor, path)?;
    let mut target = entry(loader, session)?;
    let mut accumulator = target.accumulate_entry()?;
    hash::add_hashes(&mut accumulator.set)?;
    name_reference::fix_references(&mut accumulator.set, &accumulator.config.name_reference)?;
    variables::resolve(
        &mut accumulator.set,
        &accumulator.variables,
        &accumulator.config.var_reference,
        session,
    )
    .map_err(|error| target.in_field(error, "vars"))?;
    let mut set = accumulator.set;
    drop_local(&mut set)?;
    sort(&mut set, &target.kustomization, session)
        .map_err(|error| target.in_field(error, "sortOptions"))?;
    finish(set, &target, options)
}

/// The entry kustomization, generated or changed in memory if the options ask for it.
fn entry<'b>(loader: Loader<'b>, session: &'b Session<'b>) -> Result<Target<'b>> {
    let options = session.options;
    if !options.generate && options.overrides.is_empty() {
        return Target::load(loader, session);
    }
    let mut target = if !options.generate {
        Target::load(loader, session)?
    } else if let Some(own) = plain_folder::kustomization_of(loader.files(), loader.root()) {
        Target::load_loosely(loader, own, session)?
    } else {
        let resources =
            plain_folder::scan(loader.files(), loader.root()).map_err(Error::in_generator)?;
        let kustomization = Kustomization::of_resources(resources);
        Target::with_kustomization(loader, kustomization, FILE_NAMES[0], session)
    };
    overrides::apply(
        &mut target.kustomization,
        &options.overrides,
        &target.loader,
    )
    .map_err(Error::in_generator)?;
    Ok(target)
}

/// Drops what is meant for tools only.
fn drop_local(set: &mut ResourceSet) -> Result<()> {
    for resource in set.iter() {
        crate::resource::check(&resource.node)?;
    }
    set.retain(|resource| {
        resource
            .metadata_value("annotations", LOCAL_CONFIG)
            .is_none_or(|value| value == "false")
    });
    Ok(())
}

fn sort(set: &mut ResourceSet, kustomization: &Kustomization, session: &Session<'_>) -> Result<()> {
    match (&kustomization.sort_options, session.options.reorder) {
        (Some(options), _) => sort_order::sort(set, options),
        (None, Reorder::Legacy) => sort_order::sort_legacy(set, ORDER_FIRST, ORDER_LAST),
        (None, Reorder::None) => Ok(()),
    }
}

fn finish(set: ResourceSet, target: &Target<'_>, options: &Options) -> Result<Vec<BuiltResource>> {
    let kustomization = &target.kustomization;
    let asks = |what: &str| {
        kustomization
            .build_metadata
            .iter()
            .any(|option| option == what)
    };
    let managed_by = options.managed_by_label || asks("managedByLabel");
    let (origins, transformations) = (asks("originAnnotations"), asks("transformerAnnotations"));
    let mut resources = set.into_resources();
    for resource in &mut resources {
        if managed_by {
            let mut labels = resource.metadata_map("labels");
            labels.insert(MANAGED_BY.to_owned(), format!("kustomize-{VERSION}"));
            resource.set_metadata_map("labels", &labels)?;
        }
        if resource.lacks_annotations() && !origins && !transformations {
            continue;
        }
        let mut annotations = resource.metadata_map("annotations");
        for name in BUILD_ANNOTATIONS
            .iter()
            .chain(&[ORIGIN_ANNOTATION, TRANSFORMATIONS_ANNOTATION])
        {
            annotations.remove(*name);
        }
        add_origins(&mut annotations, resource, origins, transformations);
        resource.set_metadata_map("annotations", &annotations)?;
    }
    let folder = target.loader.root();
    resources
        .into_iter()
        .map(|resource| emit(resource, folder))
        .collect()
}

/// The version that the managed-by label names.
const VERSION: &str = "v5.8.1";

fn add_origins(
    annotations: &mut BTreeMap<String, String>,
    resource: &Resource,
    origins: bool,
    transformations: bool,
) {
    if origins && let Some(origin) = &resource.origin {
        annotations.insert(ORIGIN_ANNOTATION.to_owned(), origin.annotation());
    }
    if transformations && !resource.transformations.is_empty() {
        let text = transformations_annotation(&resource.transformations);
        annotations.insert(TRANSFORMATIONS_ANNOTATION.to_owned(), text);
    }
}

fn emit(resource: Resource, folder: &str) -> Result<BuiltResource> {
    let yaml = tidegate_yaml::node_to_canonical_yaml(&resource.node)
        .map_err(|error| unwritable::describe(&resource, &error, folder))?;
    Ok(BuiltResource {
        yaml,
        file: resource.path,
    })
}
