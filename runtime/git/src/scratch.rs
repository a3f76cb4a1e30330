//! Folders that last as long as a fetch, or as its tree is read.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// Names of folders in a scratch folder begin so.
const PREFIX: &str = "tidegate-git-";

/// Locked by the process that has the folder: the lock goes with the process, however it ends.
const LOCK: &str = "lock";

/// How old a folder without a lock must be: another process may be about to make one.
const LOCK_WITHIN: Duration = Duration::from_mins(1);

/// A folder of this process, removed in the end.
pub(crate) struct ScratchFolder {
    folder: TempDir,
    /// Let go after the folder went.
    _lock: File,
}

impl ScratchFolder {
    pub(crate) fn new(scratch: &Path) -> io::Result<Self> {
        loop {
            let folder = tempfile::Builder::new()
                .prefix(PREFIX)
                .tempdir_in(scratch)?;
            let path = folder.path().join(LOCK);
            let lock = File::create(&path)?;
            // Another process may have begun to clear it between these steps.
            match lock.try_lock() {
                Err(TryLockError::WouldBlock) => continue,
                Ok(()) if !path.exists() => continue,
                // Where nothing can be locked nothing is cleared either.
                Ok(()) | Err(TryLockError::Error(_)) => {}
            }
            return Ok(Self {
                folder,
                _lock: lock,
            });
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes what processes that were killed left in a scratch folder, and gives how many folders that were. Those of
/// processes that live stay. An error with one folder, of which the first is given, does not keep the others.
pub fn clear_scratch(scratch: &Path) -> io::Result<usize> {
    let mut removed = 0;
    let mut failed = None;
    for entry in std::fs::read_dir(scratch)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        match clear(&entry.path()) {
            Ok(true) => removed += 1,
            Ok(false) => {}
            // Its process ended in the meantime and removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(removed), Err)
}

/// Removes a folder that no process has.
fn clear(folder: &Path) -> io::Result<bool> {
    let lock = match File::options().write(true).open(folder.join(LOCK)) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let made = std::fs::symlink_metadata(folder)?.modified()?;
            let age = now().duration_since(made).unwrap_or_default();
            if age < LOCK_WITHIN {
                return Ok(false);
            }
            return std::fs::remove_dir_all(folder).map(|()| true);
        }
        Err(error) => return Err(error),
    };
    match lock.try_lock() {
        Ok(()) => std::fs::remove_dir_all(folder).map(|()| true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "compared with times that the file system noted, no part of a reconcile"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::{LOCK, LOCK_WITHIN, PREFIX, ScratchFolder, clear_scratch};
    use std::fs::File;

    #[test]
    fn what_the_living_have_stays() {
        let scratch = tempfile::tempdir().unwrap();
        let live = ScratchFolder::new(scratch.path()).unwrap();
        // As a process leaves it that is killed: the file is there, the lock is gone.
        let dead = scratch.path().join(format!("{PREFIX}dead"));
        std::fs::create_dir_all(dead.join("objects/pack")).unwrap();
        std::fs::write(dead.join("objects/pack/tmp_pack"), "PACK").unwrap();
        File::create(dead.join(LOCK)).unwrap();
        // One that may be about to get its lock, and one that never got it.
        let fresh = scratch.path().join(format!("{PREFIX}fresh"));
        let old = scratch.path().join(format!("{PREFIX}old"));
        for folder in [&fresh, &old] {
            std::fs::create_dir(folder).unwrap();
        }
        let then = super::now() - LOCK_WITHIN * 2;
        File::open(&old).unwrap().set_modified(then).unwrap();
        let other = scratch.path().join("gitrepository");
        std::fs::create_dir(&other).unwrap();

        assert_eq!(clear_scratch(scratch.path()).unwrap(), 2);
        assert!(!dead.exists() && !old.exists());
        assert!(live.path().exists() && fresh.exists() && other.exists());

        let path = live.path().to_owned();
        drop(live);
        assert!(!path.exists());
        assert_eq!(clear_scratch(scratch.path()).unwrap(), 0);
    }
}
