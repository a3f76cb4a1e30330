//! The bounds that Flux sets for the files of a build, in its words.

use std::cell::RefCell;

use crate::files::{Entry, FileError, FileType, Files, Remote};
use crate::paths;

/// Files in and below a root, fetched repositories apart. fluxcd/pkg, kustomize/filesys/fs_secure.go.
pub struct SecureFiles<'f> {
    files: &'f dyn Files,
    root: String,
    fetched: RefCell<Vec<String>>,
}

impl<'f> SecureFiles<'f> {
    /// `root` is the real path of the top of the artifact.
    pub fn new(files: &'f dyn Files, root: &str) -> Self {
        Self {
            files,
            root: paths::clean(root),
            fetched: RefCell::default(),
        }
    }

    fn denied(&self, operation: &str, path: &str) -> FileError {
        let root = &self.root;
        FileError::Denied(format!(
            "fs-security-constraint {operation} {path}: path '{path}' is not in or below '{root}'"
        ))
    }

    fn is_within(&self, path: &str) -> bool {
        paths::is_at_or_below(path, &self.root)
            || self
                .fetched
                .borrow()
                .iter()
                .any(|root| paths::is_at_or_below(path, root))
    }

    /// Refuses paths that lead out of bounds, by `..` or by links.
    fn check(&self, operation: &str, path: &str) -> Result<(), FileError> {
        let real = self
            .files
            .real_path(path)
            .unwrap_or_else(|_| paths::clean(path));
        if self.is_within(&real) {
            Ok(())
        } else {
            Err(self.denied(operation, path))
        }
    }
}

impl Files for SecureFiles<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        self.check("read", path)?;
        self.files.read(path)
    }

    fn entries(&self, path: &str) -> Result<Vec<Entry>, FileError> {
        self.check("open", path)?;
        self.files.entries(path)
    }

    fn stat(&self, path: &str) -> Result<FileType, FileError> {
        self.check("stat", path)?;
        self.files.stat(path)
    }

    fn real_path(&self, path: &str) -> Result<String, FileError> {
        let real = self.files.real_path(path)?;
        if self.is_within(&real) {
            Ok(real)
        } else {
            Err(self.denied("abs", path))
        }
    }

    fn remote(&self, locator: &str) -> Result<Remote, FileError> {
        let remote = self.files.remote(locator)?;
        if let Remote::Tree { root, .. } = &remote {
            self.fetched.borrow_mut().push(paths::clean(root));
        }
        Ok(remote)
    }
}
