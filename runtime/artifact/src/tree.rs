use crate::digest::ArchiveDigest;
use crate::store::{BlobError, Blobs};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tidegate_values::{Digest, Entry, ReadError, Tree, TreeIndex};

/// One file of an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    pub(crate) executable: bool,
}

/// An artifact, read in place from the store's blobs.
#[derive(Debug)]
pub struct ArtifactTree {
    /// Of the archive.
    pub(crate) digest: ArchiveDigest,
    pub(crate) index: TreeIndex<File>,
    pub(crate) blobs: Arc<Blobs>,
    /// A blob turned out to be lost or damaged: the next one to open the artifact makes it anew.
    pub(crate) broken: AtomicBool,
}

impl ArtifactTree {
    pub(crate) fn new(digest: ArchiveDigest, index: TreeIndex<File>, blobs: Arc<Blobs>) -> Self {
        Self {
            digest,
            index,
            blobs,
            broken: AtomicBool::new(false),
        }
    }

    /// Digest of the archive whose content this is.
    pub fn archive_digest(&self) -> ArchiveDigest {
        self.digest
    }

    /// How many files it has.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    fn told(&self, path: &str, read: Result<Bytes, BlobError>) -> Result<Bytes, ReadError> {
        read.map_err(|error| {
            self.broken.store(true, Ordering::Relaxed);
            ReadError::Host(format!("blob of {path}: {error}"))
        })
    }

    /// Whether it has no file.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }
}

impl Tree for ArtifactTree {
    fn read(&self, path: &str) -> Result<Bytes, ReadError> {
        let file = self.index.file(path)?;
        self.told(path, self.blobs.read(&file.digest, file.size))
    }

    fn read_range(&self, path: &str, offset: u64, len: u64) -> Result<Bytes, ReadError> {
        let file = self.index.file(path)?;
        let read = self.blobs.read_range(&file.digest, file.size, offset, len);
        self.told(path, read)
    }

    fn entries(&self, path: &str) -> Result<Vec<Entry>, ReadError> {
        self.index.entries(path, |file| file.size)
    }

    fn stat(&self, path: &str) -> Result<Option<Entry>, ReadError> {
        Ok(self.index.stat(path, |file| file.size))
    }

    fn digest(&self, path: &str) -> Result<Digest, ReadError> {
        Ok(self.index.file(path)?.digest)
    }

    fn executable(&self, path: &str) -> Result<bool, ReadError> {
        Ok(self.index.file(path)?.executable)
    }
}
