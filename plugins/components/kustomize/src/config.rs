//! The plugin's configuration: the engine's options as JSON.

use serde::Deserialize;
use tidegate_kustomize::{
    LoadRestrictor, Options, OverrideImage, OverridePatch, Overrides, Reorder, Selector,
};

/// Every field may be left out; without any, it is `kustomize build` without flags.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct Config {
    /// `rootOnly` (the default) or `none`.
    load_restrictor: Restrictor,
    /// `legacy` (the default) or `none`.
    reorder: Order,
    managed_by_label: bool,
    /// Make a kustomization of a plain folder, as Flux does.
    generate: bool,
    namespace: Option<String>,
    name_prefix: Option<String>,
    name_suffix: Option<String>,
    patches: Vec<Patch>,
    images: Vec<Image>,
    components: Vec<String>,
    ignore_missing_components: bool,
    build_metadata: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Restrictor {
    #[default]
    RootOnly,
    None,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Order {
    #[default]
    Legacy,
    None,
}

/// As in a Kustomization's `spec.patches`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Patch {
    patch: String,
    #[serde(default)]
    target: Option<Target>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Target {
    group: String,
    version: String,
    kind: String,
    name: String,
    namespace: String,
    label_selector: String,
    annotation_selector: String,
}

/// As in a Kustomization's `spec.images`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Image {
    name: String,
    new_name: String,
    new_tag: String,
    digest: String,
}

impl Config {
    pub(crate) fn parse(text: &str) -> Result<Options, serde_json::Error> {
        Ok(serde_json::from_str::<Self>(text)?.into_options())
    }

    fn into_options(self) -> Options {
        Options {
            load_restrictor: match self.load_restrictor {
                Restrictor::RootOnly => LoadRestrictor::RootOnly,
                Restrictor::None => LoadRestrictor::None,
            },
            reorder: match self.reorder {
                Order::Legacy => Reorder::Legacy,
                Order::None => Reorder::None,
            },
            managed_by_label: self.managed_by_label,
            generate: self.generate,
            overrides: Overrides {
                namespace: self.namespace,
                name_prefix: self.name_prefix,
                name_suffix: self.name_suffix,
                patches: self.patches.into_iter().map(Patch::into_override).collect(),
                images: self.images.into_iter().map(Image::into_override).collect(),
                components: self.components,
                ignore_missing_components: self.ignore_missing_components,
                build_metadata: self.build_metadata,
            },
        }
    }
}

impl Patch {
    fn into_override(self) -> OverridePatch {
        OverridePatch {
            patch: self.patch,
            target: self.target.map(Target::into_selector),
        }
    }
}

impl Target {
    fn into_selector(self) -> Selector {
        let mut selector = Selector {
            label_selector: self.label_selector,
            annotation_selector: self.annotation_selector,
            ..Selector::default()
        };
        selector.id.gvk.group = self.group.into();
        selector.id.gvk.version = self.version.into();
        selector.id.gvk.kind = self.kind.into();
        selector.id.name = self.name;
        selector.id.namespace = self.namespace;
        selector
    }
}

impl Image {
    fn into_override(self) -> OverrideImage {
        OverrideImage {
            name: self.name,
            new_name: self.new_name,
            new_tag: self.new_tag,
            digest: self.digest,
        }
    }
}
