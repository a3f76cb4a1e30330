//! The listings on disk, and the trees that were read from them.

use super::{Store, StoreError, keep, listing, retention};
use crate::digest::ArchiveDigest;
use crate::tree::{ArtifactTree, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tidegate_values::{PathError, TreeIndex};

/// The store's own folder for listings.
pub(super) const LISTINGS: &str = ".listings";
/// Below the listings: those of other people's archives, by digest.
pub(super) const DOWNLOADS: &str = ".downloads";

/// Listings kept in memory after reading.
const OPEN_TREES: usize = 32;

impl Store {
    pub(super) fn listing(&self, path: &str) -> Result<PathBuf, PathError> {
        self.local(path)?;
        Ok(self.inner.options.path.join(LISTINGS).join(path))
    }

    pub(super) fn keep_listing(
        &self,
        path: &str,
        digest: &ArchiveDigest,
        index: &TreeIndex<File>,
    ) -> Result<(), StoreError> {
        self.write_listing(&self.listing(path)?, digest, index)
    }

    pub(super) fn write_listing(
        &self,
        target: &Path,
        digest: &ArchiveDigest,
        index: &TreeIndex<File>,
    ) -> Result<(), StoreError> {
        let file = self.temporary()?;
        std::fs::write(file.path(), listing::write(digest, index)).map_err(StoreError::Write)?;
        keep(file, target).map_err(StoreError::Write)
    }

    /// The artifact of a listing, if the listing is of this digest and all blobs are there.
    pub(super) fn read_listing(
        &self,
        path: &Path,
        digest: &ArchiveDigest,
    ) -> Option<Arc<ArtifactTree>> {
        let (archive, index) = listing::read(&std::fs::read_to_string(path).ok()?)?;
        let complete = archive == *digest
            && index
                .files()
                .all(|(_, file)| self.inner.blobs.has(&file.digest, file.size));
        complete.then(|| self.remember(ArtifactTree::new(archive, index, self.inner.blobs.clone())))
    }

    pub(crate) fn downloaded(&self, digest: &ArchiveDigest) -> Option<Arc<ArtifactTree>> {
        let listing = self.download_listing(digest);
        let tree = self
            .recall(digest)
            .or_else(|| self.read_listing(&listing, digest))?;
        // Marks the use. Fails for our own artifacts, which have no such listing.
        let _ = std::fs::File::open(listing).and_then(|file| file.set_modified(retention::now()));
        Some(tree)
    }

    pub(crate) fn keep_download(
        &self,
        digest: &ArchiveDigest,
        index: TreeIndex<File>,
    ) -> Result<Arc<ArtifactTree>, StoreError> {
        self.write_listing(&self.download_listing(digest), digest, &index)?;
        self.inner.unswept.store(true, Ordering::Relaxed);
        Ok(self.remember(ArtifactTree::new(*digest, index, self.inner.blobs.clone())))
    }

    fn download_listing(&self, digest: &ArchiveDigest) -> PathBuf {
        self.inner
            .options
            .path
            .join(LISTINGS)
            .join(DOWNLOADS)
            .join(digest.to_string())
    }

    pub(super) fn recall(&self, digest: &ArchiveDigest) -> Option<Arc<ArtifactTree>> {
        let mut open = self.inner.open.lock();
        let position = open.iter().position(|tree| tree.digest == *digest)?;
        let tree = open.remove(position)?;
        if tree.broken.load(Ordering::Relaxed) {
            return None;
        }
        open.push_front(tree.clone());
        Some(tree)
    }

    pub(super) fn remember(&self, tree: ArtifactTree) -> Arc<ArtifactTree> {
        let tree = Arc::new(tree);
        let mut live = self.inner.live.lock();
        live.retain(|tree| tree.strong_count() > 0);
        live.push(Arc::downgrade(&tree));
        drop(live);
        let mut open = self.inner.open.lock();
        open.retain(|known| known.digest != tree.digest);
        open.push_front(tree.clone());
        open.truncate(OPEN_TREES);
        tree
    }
}
