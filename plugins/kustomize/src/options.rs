//! How to build.

use tidegate_object::Selector;

use crate::LoadRestrictor;

/// The order of the result, where the entry kustomization says nothing (`sortOptions`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reorder {
    /// Namespaces first, webhooks last, the rest by type and name: kustomize's default.
    #[default]
    Legacy,
    /// As the objects came in.
    None,
}

/// What a build does beside what the kustomizations say. The default is `kustomize build` without flags.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub load_restrictor: LoadRestrictor,
    pub reorder: Reorder,
    /// `--enable-managedby-label`
    pub managed_by_label: bool,
    /// Read the entry kustomization as Flux's generator does, and make one of all manifests of a plain folder.
    /// Flux builds with this, [`LoadRestrictor::None`] inside of [`crate::SecureFiles`], and [`Reorder::None`].
    pub generate: bool,
    /// What Flux merges into the entry kustomization.
    pub overrides: Overrides,
}

/// The fields of a Flux Kustomization that end up in the entry kustomization.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `spec.targetNamespace`
    pub namespace: Option<String>,
    pub name_prefix: Option<String>,
    pub name_suffix: Option<String>,
    pub patches: Vec<OverridePatch>,
    pub images: Vec<OverrideImage>,
    pub components: Vec<String>,
    /// Leave out components whose folder does not exist.
    pub ignore_missing_components: bool,
    /// Replaces that of the kustomization if not empty.
    pub build_metadata: Vec<String>,
}

/// A patch with its target.
#[derive(Debug, Clone, Default)]
pub struct OverridePatch {
    pub patch: String,
    pub target: Option<Selector>,
}

/// A change of an image.
#[derive(Debug, Clone, Default)]
pub struct OverrideImage {
    pub name: String,
    pub new_name: String,
    pub new_tag: String,
    pub digest: String,
}
