use crate::error::Failure;
use crate::limits::Limits;
use crate::objects::Objects;
use bytes::Bytes;
use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use gix::objs::TreeRefIter;
use gix::objs::tree::EntryKind as GitKind;
use std::sync::{Mutex, PoisonError};
use tidegate_values::{Entry, ReadError, Tree, TreeIndex, check_depth};

/// The tree of a commit, read from its objects. Links are left out; submodules are folders, empty unless fetched.
///
/// Files over [`Limits::file_bytes`] are there and can't be read: who leaves them out is not harmed.
pub struct GitTree {
    /// Of a file that can be read.
    file_bytes: u64,
    index: TreeIndex<File>,
    /// Of the repository itself, then of its submodules.
    repositories: Vec<Mutex<Objects>>,
}

struct File {
    content: Content,
    size: u64,
    executable: bool,
}

enum Content {
    Blob {
        repository: usize,
        id: ObjectId,
    },
    /// Made by us.
    Text(Bytes),
}

/// A submodule as the tree names it: where it stands, and its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) path: String,
    pub(crate) commit: ObjectId,
}

/// Gathers the entries of one tree.
pub(crate) struct Builder<'a> {
    pub(crate) limits: &'a Limits,
    /// Only paths that begin with one of these count; all for none.
    pub(crate) sparse: &'a [String],
    index: TreeIndex<File>,
    repositories: Vec<Mutex<Objects>>,
    entries: usize,
    total: u64,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(limits: &'a Limits, sparse: &'a [String]) -> Self {
        Self {
            limits,
            sparse,
            index: TreeIndex::new(),
            repositories: Vec::new(),
            entries: 0,
            total: 0,
        }
    }

    /// Adds the tree `id` below `path`. Gives the submodules in it.
    pub(crate) fn add(
        &mut self,
        objects: Objects,
        id: ObjectId,
        path: &str,
    ) -> Result<Vec<Link>, Failure> {
        let mut links = Vec::new();
        let repository = self.repositories.len();
        self.walk(&objects, repository, id, path, &mut links)?;
        self.repositories.push(Mutex::new(objects));
        Ok(links)
    }

    /// Adds a file that is in no repository.
    pub(crate) fn add_text(&mut self, path: &str, text: String) -> Result<(), Failure> {
        let size = text.len() as u64;
        Ok(self.index.insert(
            path,
            File {
                content: Content::Text(text.into()),
                size,
                executable: false,
            },
        )?)
    }

    pub(crate) fn finish(self) -> GitTree {
        GitTree {
            file_bytes: self.limits.file_bytes,
            index: self.index,
            repositories: self.repositories,
        }
    }

    fn walk(
        &mut self,
        objects: &Objects,
        repository: usize,
        id: ObjectId,
        path: &str,
        links: &mut Vec<Link>,
    ) -> Result<(), Failure> {
        let missing = |id: &ObjectId| Failure::Protocol(format!("object {id} was not sent"));
        let tree = objects.find(&id)?.ok_or_else(|| missing(&id))?;
        for entry in TreeRefIter::from_bytes(&tree.data, id.kind()) {
            let entry = entry.map_err(|error| Failure::protocol(&error))?;
            self.entries += 1;
            if self.entries > self.limits.entries {
                return Err(Failure::TooLarge {
                    what: "files and folders",
                    limit: self.limits.entries as u64,
                });
            }
            let name = entry.filename.to_str_lossy();
            // What Git itself never checks out.
            if name.eq_ignore_ascii_case(".git") {
                return Err(Failure::Protocol(format!(
                    "invalid path {name:?} in tree {id}"
                )));
            }
            let below = if path.is_empty() {
                name.into_owned()
            } else {
                format!("{path}/{name}")
            };
            let id = entry.oid.to_owned();
            match entry.mode.kind() {
                GitKind::Tree => {
                    check_depth(&below)?;
                    self.walk(objects, repository, id, &below, links)?;
                }
                GitKind::Link => {}
                _ if !self.wants(&below) => {}
                GitKind::Commit => {
                    self.index.insert_directory(&below)?;
                    links.push(Link {
                        path: below,
                        commit: id,
                    });
                }
                kind @ (GitKind::Blob | GitKind::BlobExecutable) => {
                    let most = self.limits.file_bytes;
                    let size = match objects.header(&id)? {
                        Some((_, size)) => size,
                        // All that is known of a file that the server was asked to leave out.
                        None if objects.is_filtered => most.saturating_add(1),
                        None => return Err(missing(&id)),
                    };
                    if size <= most {
                        self.total = self.total.saturating_add(size);
                    }
                    if self.total > self.limits.total_bytes {
                        return Err(Failure::TooLarge {
                            what: "bytes in all files",
                            limit: self.limits.total_bytes,
                        });
                    }
                    let executable = kind == GitKind::BlobExecutable;
                    self.index.insert(
                        &below,
                        File {
                            content: Content::Blob { repository, id },
                            size,
                            executable,
                        },
                    )?;
                }
            }
        }
        Ok(())
    }

    /// go-git compares prefixes, not folders (go-git `plumbing/format/index`, `SkipUnless`).
    fn wants(&self, path: &str) -> bool {
        self.sparse.is_empty() || self.sparse.iter().any(|prefix| path.starts_with(prefix))
    }
}

impl Tree for GitTree {
    fn read(&self, path: &str) -> Result<Bytes, ReadError> {
        let file = self.index.file(path)?;
        if file.size > self.file_bytes {
            return Err(ReadError::TooLarge);
        }
        match &file.content {
            Content::Text(text) => Ok(text.clone()),
            Content::Blob { repository, id } => {
                let lost = || ReadError::Host(format!("object {id} is lost"));
                let objects = self.repositories.get(*repository).ok_or_else(lost)?;
                let objects = objects.lock().unwrap_or_else(PoisonError::into_inner);
                let object = objects
                    .find(id)
                    .map_err(|failure| ReadError::Host(failure.to_string()))?;
                Ok(object.ok_or_else(lost)?.data.into())
            }
        }
    }

    fn entries(&self, path: &str) -> Result<Vec<Entry>, ReadError> {
        self.index.entries(path, |file| file.size)
    }

    fn stat(&self, path: &str) -> Result<Option<Entry>, ReadError> {
        Ok(self.index.stat(path, |file| file.size))
    }

    fn executable(&self, path: &str) -> Result<bool, ReadError> {
        Ok(self.index.file(path)?.executable)
    }
}

#[cfg(test)]
mod tests {
    use super::Builder;
    use crate::error::Failure;
    use crate::limits::Limits;
    use crate::objects::Objects;
    use gix::objs::Kind;
    use tidegate_values::PathError;

    /// Git itself serves no such trees; a server that wants to harm does.
    #[test]
    fn thousands_of_folders_in_folders_are_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let objects = Objects::new(Some(scratch.path()), gix::hash::Kind::Sha1).unwrap();
        let mut id = objects.keep(Kind::Blob, b"a: 1\n");
        let mut mode = "100644 a";
        for _ in 0..5_000 {
            let tree = [mode.as_bytes(), b"\0", id.as_slice()].concat();
            id = objects.keep(Kind::Tree, &tree);
            mode = "40000 d";
        }
        let limits = Limits::default();
        let mut builder = Builder::new(&limits, &[]);
        let refused = builder.add(objects, id, "").unwrap_err();
        assert!(
            matches!(&refused, Failure::Path(PathError::TooDeep(path)) if path.starts_with("d/d/d/")),
            "{refused}"
        );
    }
}
