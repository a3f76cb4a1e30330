//! What the engine asks of whoever runs it: files, read lazily.

/// Read access to the tree that a build reads from. Paths are absolute, with `/`, and as they are to be shown in
/// errors; the engine cleans them (no `.`, `..` or doubled `/`) before it asks.
///
/// The engine asks only for what a build reaches: what it asked for, and got or not, is the read-set of the build.
pub trait Files {
    /// The content of a file.
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError>;
    /// The names in a folder, sorted by bytes.
    fn entries(&self, path: &str) -> Result<Vec<Entry>, FileError>;
    /// What stands at a path, links followed.
    fn stat(&self, path: &str) -> Result<FileType, FileError>;
    /// The path with every link in it resolved. The error names the first part that is missing.
    fn real_path(&self, path: &str) -> Result<String, FileError>;
    /// Fetches what a resource entry with an URL or Git locator means. `locator` is the entry as written.
    fn remote(&self, locator: &str) -> Result<Remote, FileError>;
}

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    /// Of the entry itself: a link to a folder is no folder here.
    pub file_type: FileType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileType {
    File,
    Directory,
}

/// Something fetched from outside of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remote {
    /// The URL held a file.
    File(Vec<u8>),
    /// The locator meant a Git repository, readable from now on below `root`.
    Tree {
        /// Top of the checkout; nothing outside of it can be reached from it.
        root: String,
        /// The folder in it that the locator points at, as an absolute path.
        path: String,
    },
}

/// Why a file could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("{operation} {path}: no such file or directory")]
    NotFound {
        operation: &'static str,
        path: String,
    },
    #[error("{operation} {path}: not a directory")]
    NotADirectory {
        operation: &'static str,
        path: String,
    },
    #[error("read {path}: is a directory")]
    IsADirectory { path: String },
    /// The path is out of bounds.
    #[error("{0}")]
    Denied(String),
    /// Anything else, in the words of whoever keeps the files (a failed decryption, a remote refused).
    #[error("{0}")]
    Other(String),
    /// The server answered with a failure, which ends the build (other failures make the engine try the entry as a
    /// folder).
    #[error("HTTP Error: {0}")]
    Http(String),
}
