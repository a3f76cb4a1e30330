//! Files left out of a build: `.sourceignore` and `--ignore-paths` (fluxcd/pkg, kustomize/filters.go).

use crate::file_tree::FileTree;
use crate::file_tree::reason;
use anyhow::Context as _;
use bytes::Bytes;
use std::path::Path;
use tidegate_artifact::Defaults;
use tidegate_artifact::Ignore;
use tidegate_values::Entry;
use tidegate_values::EntryKind;
use tidegate_values::ReadError;
use tidegate_values::Tree;
use tidegate_yaml::Value;

const KUSTOMIZATION_FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
/// Fields of a kustomization whose entries may be ignored. CRDs are never URLs.
const FIELDS: [&str; 3] = ["resources", "components", "crds"];

/// The file system, as the build of one folder sees it.
pub(super) struct BuildTree {
    files: FileTree,
    /// Of the folder that is built, without the leading slash.
    folder: String,
    /// Files that a kustomization made up for the folder leaves out.
    ignore: Ignore,
    /// The folder's own kustomization, when entries of it are ignored.
    kustomization: Option<(String, Bytes)>,
}

impl BuildTree {
    /// `folder` is a real path. `patterns` are lines that weigh more than any `.sourceignore` below it.
    pub(super) fn open(folder: &Path, patterns: &str) -> anyhow::Result<Self> {
        let own = Ignore::load(&FileTree::below(folder), Defaults::None, Some(patterns))
            .context("failed to load ignore patterns")?;
        warn(&own);
        let with_defaults = own.clone().over_defaults();
        let kustomization = filtered(folder, &with_defaults)?;
        let folder = folder
            .to_str()
            .with_context(|| format!("{}: the path is not UTF-8", folder.display()))?;
        Ok(Self {
            files: FileTree::everything(),
            folder: folder.trim_start_matches('/').to_owned(),
            ignore: if own.is_empty() { own } else { with_defaults },
            kustomization,
        })
    }

    /// Path of the folder that is built.
    pub(super) fn folder(&self) -> &str {
        &self.folder
    }

    /// A path as one below the folder.
    fn inside<'p>(&self, path: &'p str) -> Option<&'p str> {
        if self.folder.is_empty() {
            return Some(path);
        }
        let rest = path.strip_prefix(&self.folder)?;
        if rest.is_empty() {
            Some(rest)
        } else {
            rest.strip_prefix('/')
        }
    }
}

impl Tree for BuildTree {
    fn read(&self, path: &str) -> Result<Bytes, ReadError> {
        match &self.kustomization {
            Some((name, content)) if name == path => Ok(content.clone()),
            _ => self.files.read(path),
        }
    }

    fn entries(&self, path: &str) -> Result<Vec<Entry>, ReadError> {
        let mut entries = self.files.entries(path)?;
        if let Some(inside) = self.inside(path) {
            entries.retain(|entry| {
                let below = if inside.is_empty() {
                    entry.name.clone()
                } else {
                    format!("{inside}/{}", entry.name)
                };
                entry.kind == EntryKind::Directory || !self.ignore.excludes(&below, EntryKind::File)
            });
        }
        Ok(entries)
    }

    fn stat(&self, path: &str) -> Result<Option<Entry>, ReadError> {
        self.files.stat(path)
    }

    fn executable(&self, path: &str) -> Result<bool, ReadError> {
        self.files.executable(path)
    }

    fn real_path(&self, path: &str) -> Result<String, ReadError> {
        self.files.real_path(path)
    }
}

/// Names patterns that match nothing: files that were to be left out are in.
#[expect(clippy::print_stderr, reason = "the command line speaks there")]
fn warn(ignore: &Ignore) {
    for found in ignore.malformed() {
        let place = found.file.as_deref().unwrap_or("--ignore-paths");
        eprintln!("warning: {place}: {found}");
    }
}

/// The folder's kustomization without what is ignored; `None` if that is nothing, or if it is for the engine to say
/// what is wrong with it.
fn filtered(folder: &Path, ignore: &Ignore) -> anyhow::Result<Option<(String, Bytes)>> {
    let Some(file) = KUSTOMIZATION_FILES
        .iter()
        .map(|name| folder.join(name))
        .find(|file| file.is_file())
    else {
        return Ok(None);
    };
    let content = std::fs::read(&file)
        .map_err(|error| anyhow::anyhow!("open {}: {}", file.display(), reason(&error)))?;
    let Ok(Value::Map(mut kustomization)) = tidegate_yaml::parse_v2(&content) else {
        return Ok(None);
    };
    let mut changed = false;
    for field in FIELDS {
        let Some(Value::Sequence(entries)) = kustomization.get_mut(field) else {
            continue;
        };
        let mut kept = Vec::with_capacity(entries.len());
        for entry in entries.drain(..) {
            let is_ignored = match entry.as_str() {
                Some(text) if field == "crds" || !is_url(text) => is_ignored(folder, text, ignore)?,
                _ => false,
            };
            if is_ignored {
                changed = true;
            } else {
                kept.push(entry);
            }
        }
        *entries = kept;
    }
    let name = file.to_string_lossy().trim_start_matches('/').to_owned();
    Ok(changed.then(|| {
        (
            name,
            Bytes::from(tidegate_yaml::emit_v2(&Value::Map(kustomization))),
        )
    }))
}

fn is_ignored(folder: &Path, entry: &str, ignore: &Ignore) -> anyhow::Result<bool> {
    let path = crate::kustomize::absolute(&format!("{}/{entry}", folder.display()))?;
    let metadata = path
        .symlink_metadata()
        .map_err(|error| anyhow::anyhow!("lstat {}: {}", path.display(), reason(&error)))?;
    let kind = if metadata.is_dir() {
        EntryKind::Directory
    } else {
        EntryKind::File
    };
    let below = path.strip_prefix(folder).ok().and_then(Path::to_str);
    Ok(below.is_some_and(|below| ignore.excludes(below, kind)))
}

/// Go's `url.ParseRequestURI`, as far as it tells URLs from paths: a scheme comes first.
fn is_url(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else {
        return false;
    };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character))
}

#[cfg(test)]
mod tests {
    use super::is_url;

    #[test]
    fn urls_have_a_scheme() {
        for url in ["https://host/x", "ssh://git@host/x", "a+b:c"] {
            assert!(is_url(url), "{url}");
        }
        for path in [
            "./a",
            "a/b.yaml",
            "git@github.com:org/repository",
            "github.com/org/repository",
            "",
        ] {
            assert!(!is_url(path), "{path}");
        }
    }
}
