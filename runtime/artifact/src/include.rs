use bytes::Bytes;
use std::sync::Arc;
use tidegate_values::{Digest, Entry, EntryKind, PathError, ReadError, Tree, TreeIndex};

/// Another tree, or a part of it, that joins one.
#[derive(Clone)]
pub struct Include {
    pub tree: Arc<dyn Tree>,
    /// What to take: a folder or a file; empty for all. `..` never leads out of the tree.
    pub from: String,
    /// Where it goes. `..` never leads out of the tree.
    pub to: String,
}

/// Why an include could not be taken. The text ends Flux's `failed to copy 'x' include from a to b: …`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct IncludeError {
    /// Position in the list.
    pub index: usize,
    #[source]
    pub cause: IncludeCause,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IncludeCause {
    #[error("'{0}': no such file or directory")]
    NotFound(String),
    #[error("'{0}': file exists")]
    Exists(String),
    #[error(transparent)]
    Path(#[from] PathError),
    #[error("'{path}': {source}")]
    Read { path: String, source: ReadError },
}

/// `base` with the includes in it, in order, each of which sees the earlier ones.
///
/// The outcome is that of Flux's renames (fluxcd/pkg `artifact/storage`, `CopyToPath`): a target that exists is
/// an error, except an empty folder for a folder and a file for a file.
pub fn include(base: Arc<dyn Tree>, includes: &[Include]) -> Result<Arc<dyn Tree>, IncludeError> {
    if includes.is_empty() {
        return Ok(base);
    }
    let mut joined = Joined {
        index: TreeIndex::new(),
    };
    let at = |index| move |cause| IncludeError { index, cause };
    joined.take(&base, "", "").map_err(at(0))?;
    for (index, include) in includes.iter().enumerate() {
        joined.add(include).map_err(at(index))?;
    }
    Ok(Arc::new(joined))
}

struct Joined {
    index: TreeIndex<Origin>,
}

struct Origin {
    tree: Arc<dyn Tree>,
    path: String,
    size: u64,
}

impl Joined {
    fn add(&mut self, include: &Include) -> Result<(), IncludeCause> {
        let (from, to) = (inside(&include.from), inside(&include.to));
        let unreadable = |source| IncludeCause::Read {
            path: from.clone(),
            source,
        };
        let source = include.tree.stat(&from).map_err(unreadable)?;
        let source = source.ok_or_else(|| IncludeCause::NotFound(include.from.clone()))?;
        match (source.kind, self.index.stat(&to, |file| file.size)) {
            (_, None) => {}
            (
                EntryKind::File,
                Some(Entry {
                    kind: EntryKind::File,
                    ..
                }),
            ) => {
                self.index.remove(&to);
            }
            (
                EntryKind::Directory,
                Some(Entry {
                    kind: EntryKind::Directory,
                    ..
                }),
            ) if self
                .index
                .entries(&to, |file| file.size)
                .is_ok_and(|entries| entries.is_empty()) => {}
            _ => return Err(IncludeCause::Exists(include.to.clone())),
        }
        match source.kind {
            EntryKind::Directory => self.take(&include.tree, &from, &to),
            EntryKind::File => {
                let origin = Origin {
                    tree: include.tree.clone(),
                    path: from,
                    size: source.size,
                };
                Ok(self.index.insert(&to, origin)?)
            }
        }
    }

    /// Everything below `from` in `tree`, to below `to`.
    fn take(&mut self, tree: &Arc<dyn Tree>, from: &str, to: &str) -> Result<(), IncludeCause> {
        self.index.insert_directory(to)?;
        let entries = tree.entries(from).map_err(|source| IncludeCause::Read {
            path: from.to_owned(),
            source,
        })?;
        for entry in entries {
            let (from, to) = (below(from, &entry.name), below(to, &entry.name));
            match entry.kind {
                EntryKind::Directory => self.take(tree, &from, &to)?,
                EntryKind::File => {
                    self.index.insert(
                        &to,
                        Origin {
                            tree: tree.clone(),
                            path: from,
                            size: entry.size,
                        },
                    )?;
                }
            }
        }
        Ok(())
    }
}

impl Tree for Joined {
    fn read(&self, path: &str) -> Result<Bytes, ReadError> {
        let origin = self.index.file(path)?;
        origin.tree.read(&origin.path)
    }

    fn entries(&self, path: &str) -> Result<Vec<Entry>, ReadError> {
        self.index.entries(path, |file| file.size)
    }

    fn stat(&self, path: &str) -> Result<Option<Entry>, ReadError> {
        Ok(self.index.stat(path, |file| file.size))
    }

    fn digest(&self, path: &str) -> Result<Digest, ReadError> {
        let origin = self.index.file(path)?;
        origin.tree.digest(&origin.path)
    }

    fn executable(&self, path: &str) -> Result<bool, ReadError> {
        let origin = self.index.file(path)?;
        origin.tree.executable(&origin.path)
    }
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// The path in normal form, with `..` stopping at the root (filepath-securejoin, `SecureJoin`).
fn inside(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}
