use super::Store;
use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

/// Locked by the process that writes to the store: the lock goes with the process, however it ends.
const LOCK: &str = ".lock";

/// Bytes read of what the other process says of itself.
const SHOWN: u64 = 200;

/// Why a store can't be written to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    #[error("{path:?} is in use by {by}")]
    Taken { path: String, by: String },
    #[error("{path:?} can't be made the folder of this process: {source}")]
    Io { path: String, source: io::Error },
}

impl Store {
    /// Takes the folder for this process alone, until the last clone of the store goes. `by` is who this process is, for
    /// others to read. Gives whether the folder was not taken by this process already.
    ///
    /// To be called before anything is written: the sweep of one process frees what another is about to name. Where a
    /// file system has no locks nothing is kept from anybody, and a line in the log says so.
    pub fn claim(&self, by: &str) -> Result<bool, ClaimError> {
        let mut claim = self.inner.claim.lock();
        if claim.is_some() {
            return Ok(false);
        }
        let shown = self.path().display().to_string();
        let failed = |source| ClaimError::Io {
            path: shown.clone(),
            source,
        };
        let mut file = open(&self.path().join(LOCK)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut by = String::new();
                let _ = file.take(SHOWN).read_to_string(&mut by);
                return Err(ClaimError::Taken {
                    path: shown,
                    by: match by.trim() {
                        "" => "another process".to_owned(),
                        by => by.replace(char::is_control, "\u{fffd}"),
                    },
                });
            }
            Err(TryLockError::Error(error)) => {
                tracing::warn!(path = shown, %error, "the folder can't be locked: it must be no other process's");
            }
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{by}"));
        written.map_err(failed)?;
        *claim = Some(file);
        Ok(true)
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path)
}
