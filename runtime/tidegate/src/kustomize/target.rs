//! What is to be built: a folder of the file system, or of a Git repository.

use crate::engines::Folder;
use crate::engines::Remotes;
use crate::file_tree::FileTree;
use crate::file_tree::reason;
use anyhow::Context as _;
use anyhow::bail;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use tidegate_git::Locator;
use tidegate_values::EntryKind;
use tidegate_values::ReadError;
use tidegate_values::RemoteSource as _;
use tidegate_values::Tree;

/// Where messages say that a fetched repository is; kustomize clones into folders of this form.
const REPOSITORY: &str = "/tmp/kustomize-repository";

pub(super) struct Target {
    pub(super) folder: Folder,
    pub(super) is_remote: bool,
}

/// Opens what the command line names. kustomize: api/internal/loader, `NewLoader`.
pub(super) fn open(directory: &str) -> anyhow::Result<Target> {
    if Locator::parse(directory).is_ok() {
        let (tree, path) = Remotes.open(directory)?;
        check_inside(tree.as_ref(), &path)?;
        let folder = Folder {
            tree,
            path,
            shown: REPOSITORY.to_owned(),
        };
        return Ok(Target {
            folder,
            is_remote: true,
        });
    }
    let path = local(directory).context("must build at directory")?;
    let folder = Folder {
        tree: Arc::new(FileTree::everything()),
        path,
        shown: String::new(),
    };
    Ok(Target {
        folder,
        is_remote: false,
    })
}

/// That a path leads to a folder of a repository. kustomize: api/internal/loader, `newLoaderAtGitClone`.
fn check_inside(tree: &dyn Tree, path: &str) -> anyhow::Result<()> {
    let kind = |path: &str| Ok::<_, ReadError>(tree.stat(path)?.map(|entry| entry.kind));
    match kind(path) {
        Ok(Some(EntryKind::Directory)) => Ok(()),
        Ok(Some(EntryKind::File)) => {
            let name = path.rsplit('/').next().unwrap_or_default();
            bail!("'{REPOSITORY}/{path}' refers to file '{name}'; expecting directory")
        }
        Ok(None) | Err(ReadError::NotFound | ReadError::NotADirectory) => {
            let ends = path.match_indices('/').map(|(end, _)| end);
            let missing = ends
                .map(|end| &path[..end])
                .find(|part| !matches!(kind(part), Ok(Some(_))))
                .unwrap_or(path);
            bail!(
                "evalsymlink failure on '{REPOSITORY}/{path}' : \
                 lstat {REPOSITORY}/{missing}: no such file or directory"
            )
        }
        Err(error) => Err(error).context(format!("{REPOSITORY}/{path}")),
    }
}

/// The real path of a folder, seen from the root of the file system. The texts are those of kustomize
/// (kyaml/filesys, `ConfirmDir`), which names the folder as it was given.
fn local(directory: &str) -> anyhow::Result<String> {
    if directory.is_empty() {
        bail!("directory path cannot be empty");
    }
    let absolute = absolute(directory)?;
    let real = absolute.canonicalize().map_err(|error| {
        let missing = missing_part(&absolute);
        anyhow::Error::msg(format!(
            "not a valid directory: evalsymlink failure on '{directory}' : lstat {}: {}",
            missing.display(),
            reason(&error)
        ))
    })?;
    if !real.is_dir() {
        bail!("'{directory}': file is not directory");
    }
    let Some(real) = real.to_str() else {
        bail!("{}: the path is not UTF-8", real.display())
    };
    Ok(real.trim_start_matches('/').to_owned())
}

/// Go's `filepath.Abs`: `.` and `..` are resolved as text.
pub(crate) fn absolute(path: &str) -> anyhow::Result<PathBuf> {
    let path = match Path::new(path) {
        path if path.is_absolute() => path.to_owned(),
        path => std::env::current_dir()
            .context("the current folder is not known")?
            .join(path),
    };
    let mut cleaned = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::Normal(name) => cleaned.push(name),
            Component::ParentDir => drop(cleaned.pop()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    Ok(cleaned)
}

/// The first part of a path that is not there.
fn missing_part(path: &Path) -> &Path {
    let parts: Vec<&Path> = path.ancestors().collect();
    parts
        .into_iter()
        .rev()
        .find(|part| part.symlink_metadata().is_err())
        .unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_text() {
        assert_eq!(absolute("/a/./b/../c//d/").unwrap(), Path::new("/a/c/d"));
        assert_eq!(absolute("/../..").unwrap(), Path::new("/"));
        assert!(absolute("x/..").unwrap().is_absolute());
    }

    #[test]
    fn what_cannot_be_built_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::write(root.join("file"), "").unwrap();
        let error = |name: &str| {
            local(&format!("{}/{name}", root.display()))
                .unwrap_err()
                .to_string()
        };
        let shown = root.display();
        assert_eq!(
            error("a/b"),
            format!(
                "not a valid directory: evalsymlink failure on '{shown}/a/b' : \
                 lstat {shown}/a: no such file or directory"
            )
        );
        assert_eq!(
            error("file"),
            format!("'{shown}/file': file is not directory")
        );
        assert_eq!(
            local("").unwrap_err().to_string(),
            "directory path cannot be empty"
        );
    }
}
