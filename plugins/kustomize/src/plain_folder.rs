//! The kustomization of a folder that has none: all its manifests, and the folders with a kustomization of their own.
//! fluxcd/pkg, kustomize_generator.go, `scanManifests`.

use crate::error::Result;
use crate::files::{Entry, FileType};
use crate::kustomization::FILE_NAMES;
use crate::resource::read_resources;
use crate::{Error, Files, paths};

/// The `resources` for a folder, by paths relative to it, in the order of a walk by name.
pub(crate) fn scan(files: &dyn Files, folder: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    scan_folder(files, folder, ".", &mut found)?;
    Ok(found)
}

fn scan_folder(
    files: &dyn Files,
    folder: &str,
    relative: &str,
    found: &mut Vec<String>,
) -> Result<()> {
    for Entry { name, file_type } in files.entries(folder)? {
        let path = paths::join(folder, &name);
        let relative = format!("{relative}/{name}");
        if file_type == FileType::Directory {
            if has_kustomization(files, &path) {
                found.push(relative);
            } else {
                scan_folder(files, &path, &relative, found)?;
            }
            continue;
        }
        if !is_manifest(&name) {
            continue;
        }
        let content = files.read(&path)?;
        read_resources(&content).map_err(|error| {
            Error::wrap(
                error,
                format_args!("failed to decode Kubernetes YAML from {path}"),
            )
        })?;
        found.push(relative);
    }
    Ok(())
}

/// By the extension after the last dot, as Go's `filepath.Ext` has it.
fn is_manifest(name: &str) -> bool {
    matches!(name.rsplit_once('.'), Some((_, "yaml" | "yml")))
}

fn has_kustomization(files: &dyn Files, folder: &str) -> bool {
    kustomization_of(files, folder).is_some()
}

/// The name of the kustomization file of a folder: the first of those it can have.
pub(crate) fn kustomization_of(files: &dyn Files, folder: &str) -> Option<&'static str> {
    FILE_NAMES
        .into_iter()
        .find(|name| matches!(files.stat(&paths::join(folder, name)), Ok(FileType::File)))
}
