//! The engine's files: the host's trees, mounted below the paths that errors are to show.

use std::cell::RefCell;
use tidegate_guest::sources::{self, FetchError};
use tidegate_guest::{EntryKind, ReadError, Tree};
use tidegate_kustomize::{Entry, FileError, FileType, Files, Remote, RepositorySpec};

/// The source, and what was fetched so far.
pub(crate) struct Trees {
    /// Path of the source's root as errors show it: empty for the root of a file system.
    display: String,
    source: Tree,
    remotes: RefCell<Vec<Tree>>,
}

/// kustomize clones into folders of this form.
const REMOTE: &str = "/tmp/kustomize-";

impl Trees {
    pub(crate) fn new(source: Tree, display: &str) -> Self {
        Self {
            display: display.trim_end_matches('/').to_owned(),
            source,
            remotes: RefCell::new(Vec::new()),
        }
    }

    /// A path of the source as the engine knows it.
    pub(crate) fn shown(&self, path: &str) -> String {
        match path {
            "" | "." => format!("{}/", self.display),
            path => format!("{}/{path}", self.display),
        }
    }

    /// The engine's path, as one of the source.
    pub(crate) fn inside<'p>(&self, path: &'p str) -> Option<&'p str> {
        let rest = path.strip_prefix(&self.display)?;
        if rest.is_empty() {
            Some("")
        } else {
            rest.strip_prefix('/')
        }
    }

    /// Puts a question to the tree that holds `path`.
    fn ask<T>(
        &self,
        operation: &'static str,
        path: &str,
        ask: impl FnOnce(&Tree, &str) -> Result<T, ReadError>,
    ) -> Result<T, FileError> {
        let answer = match self.remote_of(path) {
            Some((index, inside)) => match self.remotes.borrow().get(index) {
                Some(tree) => ask(tree, inside),
                None => Err(ReadError::NotFound),
            },
            None => match self.inside(path) {
                Some(inside) => ask(&self.source, inside),
                None => Err(ReadError::NotFound),
            },
        };
        answer.map_err(|error| explain(operation, path, error))
    }

    fn remote_of<'p>(&self, path: &'p str) -> Option<(usize, &'p str)> {
        let rest = path.strip_prefix(REMOTE)?;
        let (number, inside) = rest.split_once('/').unwrap_or((rest, ""));
        let index: usize = number.parse().ok()?;
        (index < self.remotes.borrow().len()).then_some((index, inside))
    }

    /// The first part of a path that is not there.
    fn missing_part(&self, path: &str) -> String {
        for (at, _) in path.match_indices('/').skip(1) {
            let part = &path[..at];
            let known = matches!(
                self.ask("lstat", part, tidegate_guest::Tree::stat),
                Ok(Some(_))
            );
            // Above the source's root nothing is known, and nothing is missing.
            if !known && (self.inside(part).is_some() || self.remote_of(part).is_some()) {
                return part.to_owned();
            }
        }
        path.to_owned()
    }
}

/// The texts are those of Go's `os` package.
fn explain(operation: &'static str, path: &str, error: ReadError) -> FileError {
    let path = path.to_owned();
    match error {
        ReadError::NotFound => FileError::NotFound { operation, path },
        ReadError::NotADirectory => FileError::NotADirectory { operation, path },
        ReadError::NotAFile => FileError::IsADirectory { path },
        ReadError::TooLarge => FileError::Other(format!("read {path}: file is too large")),
        ReadError::Denied => FileError::Other(format!("{operation} {path}: path is not allowed")),
    }
}

fn file_type(kind: EntryKind) -> FileType {
    match kind {
        EntryKind::File => FileType::File,
        EntryKind::Directory => FileType::Directory,
    }
}

impl Files for Trees {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        self.ask("open", path, Tree::read)
    }

    fn entries(&self, path: &str) -> Result<Vec<Entry>, FileError> {
        let entries = self.ask("open", path, Tree::entries)?;
        Ok(entries
            .into_iter()
            .map(|entry| Entry {
                name: entry.name,
                file_type: file_type(entry.kind),
            })
            .collect())
    }

    fn stat(&self, path: &str) -> Result<FileType, FileError> {
        let found = self.ask("stat", path, |tree, inside| {
            tree.stat(inside)?.ok_or(ReadError::NotFound)
        })?;
        Ok(file_type(found.kind))
    }

    fn real_path(&self, path: &str) -> Result<String, FileError> {
        let real = self
            .ask("lstat", path, Tree::real_path)
            .map_err(|error| match error {
                FileError::NotFound { operation, path } => FileError::NotFound {
                    operation,
                    path: self.missing_part(&path),
                },
                error => error,
            })?;
        Ok(match self.remote_of(path) {
            Some((index, _)) if real.is_empty() => format!("{REMOTE}{index}"),
            Some((index, _)) => format!("{REMOTE}{index}/{real}"),
            None => self.shown(&real),
        })
    }

    /// kustomize asks the URL for a file first, and takes it for a repository when there is none
    /// (api/internal/loader, `FileLoader.Load`; api/internal/target, `accumulateResources`).
    fn remote(&self, locator: &str) -> Result<Remote, FileError> {
        let is_url = ["http://", "https://"]
            .iter()
            .any(|scheme| locator.starts_with(scheme));
        let repository = RepositorySpec::parse(locator);
        if is_url {
            match sources::read_remote(locator) {
                Ok(bytes) if repository.is_err() || !is_page(&bytes) => {
                    return Ok(Remote::File(bytes));
                }
                Err(FetchError::Denied) => return Err(denied(locator)),
                Err(FetchError::NotFound(reason)) if repository.is_err() => {
                    // The host's words for a status begin as those of the engine do; the rest is no answer at all.
                    return Err(match reason.strip_prefix("HTTP Error: ") {
                        Some(status) => FileError::Http(status.to_owned()),
                        None => FileError::Other(reason),
                    });
                }
                Ok(_) | Err(FetchError::NotFound(_)) => {}
            }
        }
        if let Err(error) = repository {
            return Err(FileError::Other(error.to_string()));
        }
        match sources::open_remote(locator) {
            Ok((tree, path)) => {
                let mut remotes = self.remotes.borrow_mut();
                let root = format!("{REMOTE}{}", remotes.len());
                remotes.push(tree);
                let path = if matches!(path.as_str(), "" | ".") {
                    root.clone()
                } else {
                    format!("{root}/{path}")
                };
                Ok(Remote::Tree { root, path })
            }
            Err(FetchError::Denied) => Err(denied(locator)),
            Err(FetchError::NotFound(reason)) => Err(FileError::Other(reason)),
        }
    }
}

fn denied(locator: &str) -> FileError {
    FileError::Other(format!("remote base '{locator}' is not allowed"))
}

/// A page for people, as the sites of Git servers answer where a repository is.
fn is_page(bytes: &[u8]) -> bool {
    let start = String::from_utf8_lossy(bytes.get(..64.min(bytes.len())).unwrap_or_default())
        .to_lowercase();
    let start = start.trim_start();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}
