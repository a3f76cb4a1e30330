//! Frees the content that no artifact names any more.

use super::listing;
use super::retention;
use super::trees::{DOWNLOADS, LISTINGS};
use super::{Store, StoreError};
use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tidegate_values::Digest;

/// How long a download is kept after its last use: sources are read again each interval, at most hourly as a rule.
const DOWNLOAD_AGE: Duration = Duration::from_hours(2);

impl Store {
    /// Removes the blobs that no artifact names any more. Does nothing when no artifact went since the last time.
    /// Gives the number of blobs removed. Waits for those who publish.
    ///
    /// It reads the listing of every artifact: work for the side, not for a reconcile.
    pub fn sweep(&self) -> Result<usize, StoreError> {
        if !self.inner.unswept.swap(false, Ordering::Relaxed) {
            return Ok(0);
        }
        let _alone = self.inner.adding.write();
        let mut keep = HashSet::new();
        let listings = self.inner.options.path.join(LISTINGS);
        forget_downloads(&listings.join(DOWNLOADS)).map_err(StoreError::Write)?;
        gather(&listings, &mut keep).map_err(StoreError::Write)?;
        self.inner.live.lock().retain(|tree| match tree.upgrade() {
            Some(tree) => {
                keep.extend(tree.index.files().map(|(_, file)| file.digest));
                true
            }
            None => false,
        });
        let removed = self.inner.blobs.sweep(&keep).map_err(StoreError::Write)?;
        Ok(removed)
    }

    /// Sweeps once a `period`, until dropped.
    pub async fn keep_swept(self, period: Duration) {
        let mut times = tokio::time::interval(period);
        times.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            times.tick().await;
            let store = self.clone();
            match tokio::task::spawn_blocking(move || store.sweep()).await {
                Ok(Err(error)) => tracing::error!(%error, "artifacts could not be swept"),
                Ok(Ok(removed)) if removed > 0 => tracing::debug!(removed, "swept"),
                _ => {}
            }
        }
    }
}

/// Removes the listings of downloads that nobody opened for long.
fn forget_downloads(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let used = entry.metadata()?.modified()?;
        if retention::now()
            .duration_since(used)
            .is_ok_and(|unused| unused > DOWNLOAD_AGE)
        {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The digests that the listings below `folder` name.
fn gather(folder: &Path, keep: &mut HashSet<Digest>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            gather(&entry.path(), keep)?;
        } else if let Some((_, index)) = listing::read(&std::fs::read_to_string(entry.path())?) {
            keep.extend(index.files().map(|(_, file)| file.digest));
        }
    }
    Ok(())
}
