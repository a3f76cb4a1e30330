//! Merges what a Flux Kustomization says into the entry kustomization. fluxcd/pkg, kustomize_generator.go,
//! `GenerateManifest`.

use crate::error::Result;
use crate::kustomization::{Image, Kustomization, Patch, SelectorEntry};
use crate::loader::Loader;
use crate::{Error, Overrides, paths};

impl Overrides {
    pub(crate) fn is_empty(&self) -> bool {
        self.namespace.is_none()
            && self.name_prefix.is_none()
            && self.name_suffix.is_none()
            && self.patches.is_empty()
            && self.images.is_empty()
            && self.components.is_empty()
            && self.build_metadata.is_empty()
    }
}

pub(crate) fn apply(
    kustomization: &mut Kustomization,
    overrides: &Overrides,
    loader: &Loader<'_>,
) -> Result<()> {
    for (mine, theirs) in [
        (&mut kustomization.namespace, &overrides.namespace),
        (&mut kustomization.name_prefix, &overrides.name_prefix),
        (&mut kustomization.name_suffix, &overrides.name_suffix),
    ] {
        if let Some(theirs) = theirs {
            mine.clone_from(theirs);
        }
    }
    kustomization
        .patches
        .extend(overrides.patches.iter().map(|patch| Patch {
            patch: patch.patch.clone(),
            target: patch.target.as_ref().map(SelectorEntry::from),
            ..Patch::default()
        }));
    for component in &overrides.components {
        if !is_local_and_relative(component) {
            return Err(Error::text(format!(
                "component path '{component}' must be local and relative"
            )));
        }
        let path = paths::join(loader.root(), component);
        if overrides.ignore_missing_components && loader.files().stat(&path).is_err() {
            continue;
        }
        kustomization.components.push(component.clone());
    }
    for image in &overrides.images {
        if let Some(present) = kustomization
            .images
            .iter_mut()
            .find(|present| present.name == image.name)
        {
            if !image.new_name.is_empty() {
                present.new_name.clone_from(&image.new_name);
            }
            if !image.new_tag.is_empty() || !image.digest.is_empty() {
                present.new_tag.clone_from(&image.new_tag);
                present.digest.clone_from(&image.digest);
            }
        } else {
            kustomization.images.push(Image {
                name: image.name.clone(),
                new_name: image.new_name.clone(),
                new_tag: image.new_tag.clone(),
                digest: image.digest.clone(),
                ..Image::default()
            });
        }
    }
    if !overrides.build_metadata.is_empty() {
        kustomization
            .build_metadata
            .clone_from(&overrides.build_metadata);
    }
    Ok(())
}

/// fluxcd/pkg, `IsLocalRelativePath`.
fn is_local_and_relative(path: &str) -> bool {
    const REMOTE: [&str; 8] = [
        "git::",
        "gh:",
        "ssh://",
        "https://",
        "http://",
        "git@",
        "github.com:",
        "github.com/",
    ];
    let lower = path.to_lowercase();
    let is_remote = REMOTE
        .iter()
        .any(|prefix| lower.len() > prefix.len() && lower.starts_with(prefix));
    !is_remote
        && !paths::is_absolute(path)
        && !paths::is_absolute(lower.strip_prefix("file://").unwrap_or(&lower))
}
