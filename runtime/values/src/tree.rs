use crate::Digest;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// What stands at a path of a [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    File,
    Directory,
}

/// One entry of a directory. `size` is in bytes, 0 for directories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub kind: EntryKind,
    pub size: u64,
}

/// Why a path could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    #[error("no such file or directory")]
    NotFound,
    #[error("not a file")]
    NotAFile,
    #[error("not a directory")]
    NotADirectory,
    #[error("file is too large")]
    TooLarge,
    /// The path is malformed, absolute where it may not be, or leaves the tree.
    #[error("path is not allowed")]
    Denied,
    /// The host could not answer: a lost blob, an I/O error. Never shown to a guest as "not there":
    /// the call ends and is tried again (see `runtime/decisions/010`).
    #[error("{0}")]
    Host(String),
}

/// A read-only tree of files. Paths are relative to its root, slash-separated, in normal form
/// (no `.` or `..` parts); the root itself is `""`.
///
/// Implementations never follow links out of the tree.
pub trait Tree: Send + Sync {
    /// The whole content of a file.
    fn read(&self, path: &str) -> Result<Bytes, ReadError>;

    /// At most `len` bytes of a file from `offset` on; fewer at its end, none behind it. Trees that can read a part
    /// alone do so.
    fn read_range(&self, path: &str, offset: u64, len: u64) -> Result<Bytes, ReadError> {
        let bytes = self.read(path)?;
        let within = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
        Ok(bytes.slice(within(offset)..within(offset.saturating_add(len))))
    }

    /// The entries of a directory, sorted by name bytewise.
    fn entries(&self, path: &str) -> Result<Vec<Entry>, ReadError>;

    /// What stands at `path`; `None` when nothing does.
    fn stat(&self, path: &str) -> Result<Option<Entry>, ReadError>;

    /// SHA-256 of a file's content.
    fn digest(&self, path: &str) -> Result<Digest, ReadError> {
        Ok(Digest::of(&self.read(path)?))
    }

    /// Whether a file may be executed. Trees that do not know answer `false`.
    fn executable(&self, path: &str) -> Result<bool, ReadError> {
        match self.stat(path)? {
            Some(_) => Ok(false),
            None => Err(ReadError::NotFound),
        }
    }

    /// The path with links inside the tree followed. Trees without links answer `path`.
    fn real_path(&self, path: &str) -> Result<String, ReadError> {
        match self.stat(path)? {
            Some(_) => Ok(path.to_owned()),
            None => Err(ReadError::NotFound),
        }
    }
}

/// Why a remote base could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    #[error("remote bases are not allowed")]
    Denied,
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Unavailable(String),
}

/// Opens what a kustomization names by URL. In a controller without credentials: whoever wrote it is not to be trusted.
pub trait RemoteSource: Send + Sync {
    /// `locator` as written in the kustomization (`https://host/org/repo//path?ref=v1`, …).
    /// Gives the tree of the whole repository, and the path inside it. Blocks.
    fn open(&self, locator: &str) -> Result<(Arc<dyn Tree>, String), RemoteError>;

    /// A single file by its `http(s)` URL. Blocks.
    fn read(&self, url: &str) -> Result<Bytes, RemoteError>;

    /// The same source, where no answer takes longer than `longest`, nor much longer than until `stop` is set. `None`:
    /// it knows no such bounds.
    fn bounded(&self, longest: Duration, stop: &Arc<AtomicBool>) -> Option<Arc<dyn RemoteSource>> {
        let _ = (longest, stop);
        None
    }
}
