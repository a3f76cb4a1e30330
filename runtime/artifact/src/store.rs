mod blobs;
mod claim;
mod listing;
mod retention;
mod sweep;
mod trees;

pub(crate) use blobs::{BlobError, Blobs};
pub use claim::ClaimError;
use trees::{DOWNLOADS, LISTINGS};

use crate::archive::{self, Packed};
use crate::digest::{Algorithm, ArchiveDigest, Hasher};
use crate::hosts::Hosts;
use crate::ignore::Ignore;
use crate::limits::Limits;
use crate::record::{Artifact, ArtifactName};
use crate::tree::ArtifactTree;
use crate::unpack::{self, UnpackError};
use parking_lot::{Mutex, RwLock};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tidegate_values::{PathError, ReadError, Tree};

/// Folders of the store that are its own and never served: a leading dot keeps them out of the server's sight.
const BLOBS: &str = ".blobs";

/// How a store is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Root folder, `--storage-path`. It must be there.
    pub path: PathBuf,
    /// Host, or `http(s)://` URL, in the URLs of artifacts: `--storage-adv-addr`. Empty where none are made: no URL
    /// leads here then.
    pub advertised: String,
    /// Where the artifacts of others are fetched.
    pub hosts: Hosts,
    /// Archives kept per object: `--artifact-retention-records`.
    pub retention_records: usize,
    /// How long an archive that is not the current one is kept: `--artifact-retention-ttl`.
    pub retention_age: Duration,
    /// Of the digests of archives that are made here: `--artifact-digest-algo`.
    pub algorithm: Algorithm,
    /// Bytes of one file of an artifact that is made here.
    pub file_bytes: u64,
}

impl Options {
    /// With Flux's retention: 2 archives, 60 s. Files of 128 MiB, as they are fetched from Git.
    pub fn new(path: impl Into<PathBuf>, advertised: impl Into<String>) -> Self {
        let retention_age = Duration::from_mins(1);
        Self {
            path: path.into(),
            advertised: advertised.into(),
            hosts: Hosts::default(),
            retention_records: 2,
            retention_age,
            algorithm: Algorithm::default(),
            file_bytes: 128 << 20,
        }
    }
}

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    #[error("invalid dir path: {0}")]
    NoFolder(String),
    #[error("{path:?} can't be read: {source}")]
    Read { path: String, source: ReadError },
    #[error(
        "file {path:?} is larger than {limit} bytes, the limit for a file of an artifact: ignore it or make it smaller"
    )]
    FileTooLarge { path: String, limit: u64 },
    #[error(transparent)]
    Path(#[from] PathError),
    /// The storage is full, read-only or broken.
    #[error("{0}")]
    Write(#[source] io::Error),
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    #[error("artifact is not in storage: {0}")]
    Verify(#[from] VerifyError),
    #[error("packing was stopped")]
    Stopped,
}

/// Why a stored archive is not what a status promises.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Nothing there: lost with an ephemeral volume, for instance.
    #[error("no such file")]
    Missing,
    /// The text is Flux's (fluxcd/pkg `artifact/storage`, `VerifyArtifact`).
    #[error("computed digest doesn't match '{0}'")]
    Mismatch(ArchiveDigest),
    /// It could not be read now, which tells nothing about it.
    #[error("{0}")]
    Io(#[source] io::Error),
}

/// The artifacts of one process, on disk. Cheap to clone; every method blocks.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) options: Options,
    pub(crate) blobs: Arc<Blobs>,
    /// Shared by those who add blobs, exclusive for the sweep: a blob that no listing names yet must survive.
    pub(crate) adding: RwLock<()>,
    /// Newest first.
    open: Mutex<VecDeque<Arc<ArtifactTree>>>,
    /// Every tree that somebody may still read.
    live: Mutex<Vec<Weak<ArtifactTree>>>,
    /// Whether listings went since the last sweep.
    unswept: AtomicBool,
    /// The locked file, once the folder is this process's.
    claim: Mutex<Option<std::fs::File>>,
}

impl Store {
    /// Opens the store at `options.path`, whatever it holds: Flux's own archives too.
    pub fn new(options: Options) -> Result<Self, StoreError> {
        if !options.path.is_dir() {
            return Err(StoreError::NoFolder(options.path.display().to_string()));
        }
        let blobs = Blobs::open(options.path.join(BLOBS)).map_err(StoreError::Write)?;
        std::fs::create_dir_all(options.path.join(LISTINGS).join(DOWNLOADS))
            .map_err(StoreError::Write)?;
        let inner = Inner {
            options,
            blobs: Arc::new(blobs),
            adding: RwLock::new(()),
            open: Mutex::default(),
            live: Mutex::default(),
            unswept: AtomicBool::new(true),
            claim: Mutex::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The root folder, as given.
    pub fn path(&self) -> &Path {
        &self.inner.options.path
    }

    /// Where the archive at `path` is served (fluxcd/pkg `artifact/storage`, `SetArtifactURL`).
    pub fn url(&self, path: &str) -> String {
        let host = &self.inner.options.advertised;
        let path = path.trim_start_matches('/');
        if host.starts_with("http://") || host.starts_with("https://") {
            format!("{host}/{path}")
        } else {
            format!("http://{host}/{path}")
        }
    }

    /// The path of one of our own archives, from its URL.
    pub fn own_path<'url>(&self, url: &'url str) -> Option<&'url str> {
        let serves = !self.inner.options.advertised.is_empty();
        url.strip_prefix(&self.url("")).filter(|_| serves)
    }

    /// Packs `tree` as the archive `<stem>.tar.gz` of `name`, without what `ignore` leaves out.
    ///
    /// A kill at any point leaves either the archive of before or the new one.
    pub fn publish(
        &self,
        name: &ArtifactName,
        stem: &str,
        revision: &str,
        tree: &dyn Tree,
        ignore: &Ignore,
        stop: &AtomicBool,
    ) -> Result<Artifact, StoreError> {
        let path = name.archive(stem);
        let target = self.local(&path)?;
        let folder = target
            .parent()
            .ok_or_else(|| PathError::Malformed(path.clone()))?;
        std::fs::create_dir_all(folder).map_err(StoreError::Write)?;
        let _adding = self.inner.adding.read();
        let mut file = self.temporary()?;
        let Packed {
            digest,
            size,
            index,
        } = {
            let mut out = io::BufWriter::with_capacity(64 << 10, file.as_file_mut());
            archive::pack(
                tree,
                ignore,
                &self.inner.blobs,
                self.inner.options.algorithm,
                self.inner.options.file_bytes,
                &mut out,
                stop,
            )?
        };
        self.keep_listing(&path, &digest, &index)?;
        keep(file, &target).map_err(StoreError::Write)?;
        self.remember(ArtifactTree::new(digest, index, self.inner.blobs.clone()));
        let written = std::fs::metadata(&target).and_then(|found| found.modified());
        let written = jiff::Timestamp::try_from(written.map_err(StoreError::Write)?);
        let seconds = written.map_or(0, jiff::Timestamp::as_second);
        let last_update_time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
        Ok(Artifact {
            url: self.url(&path),
            path,
            revision: revision.to_owned(),
            digest,
            size,
            last_update_time,
        })
    }

    /// Opens an archive of the store in place. The listing is made anew from the archive when it is gone, as after
    /// a kill or when Flux wrote the archive.
    pub fn open(
        &self,
        path: &str,
        digest: &ArchiveDigest,
    ) -> Result<Arc<ArtifactTree>, StoreError> {
        if let Some(tree) = self.recall(digest) {
            return Ok(tree);
        }
        let listing = self.listing(path)?;
        if let Some(tree) = self.read_listing(&listing, digest) {
            return Ok(tree);
        }
        self.verify(path, digest)?;
        let archive = std::fs::File::open(self.local(path)?).map_err(StoreError::Write)?;
        let _adding = self.inner.adding.read();
        let unbounded = Limits {
            archive_bytes: u64::MAX,
            total_bytes: u64::MAX,
            file_bytes: u64::MAX,
            entries: u64::MAX,
            path_bytes: usize::MAX,
            path_parts: usize::MAX,
            paths_bytes: usize::MAX,
            ratio: u64::MAX,
        };
        let index = unpack::unpack(
            archive,
            &self.inner.blobs,
            &unbounded,
            &AtomicBool::new(false),
        )?;
        self.keep_listing(path, digest, &index)?;
        Ok(self.remember(ArtifactTree::new(*digest, index, self.inner.blobs.clone())))
    }

    /// Whether the archive at `path` is there, a regular file.
    pub fn exists(&self, path: &str) -> bool {
        self.local(path)
            .is_ok_and(|path| std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file()))
    }

    /// Whether the archive at `path` has the promised digest. Reads all of it.
    pub fn verify(&self, path: &str, digest: &ArchiveDigest) -> Result<(), VerifyError> {
        let path = self.local(path).map_err(|_| VerifyError::Missing)?;
        let digested = || {
            if !std::fs::symlink_metadata(&path)?.is_file() {
                return Err(io::ErrorKind::NotFound.into());
            }
            digest_of(&mut std::fs::File::open(&path)?, digest.algorithm())
        };
        match digested() {
            Ok(found) if found == *digest => Ok(()),
            Ok(_) => Err(VerifyError::Mismatch(*digest)),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Err(VerifyError::Missing),
                _ => Err(VerifyError::Io(error)),
            },
        }
    }

    /// Removes one archive. One that is not there is no error.
    pub fn remove(&self, path: &str) -> Result<(), StoreError> {
        remove_file(&self.local(path)?).map_err(StoreError::Write)?;
        remove_file(&self.listing(path)?).map_err(StoreError::Write)?;
        self.inner.unswept.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Removes every archive of `name`. Gives whether there was a folder of them.
    pub fn remove_all(&self, name: &ArtifactName) -> Result<bool, StoreError> {
        let folder = self.local(&name.directory())?;
        let was_there = folder.is_dir();
        for folder in [
            folder,
            self.inner
                .options
                .path
                .join(LISTINGS)
                .join(name.directory()),
        ] {
            match std::fs::remove_dir_all(folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(StoreError::Write(error));
                }
                _ => {}
            }
        }
        self.inner.unswept.store(true, Ordering::Relaxed);
        Ok(was_there)
    }

    /// Removes the archives of `name` that retention no longer keeps, the one at `current` never. Gives their paths.
    pub fn collect_garbage(
        &self,
        name: &ArtifactName,
        current: &str,
    ) -> Result<Vec<String>, StoreError> {
        let options = &self.inner.options;
        let folder = self.local(&name.directory())?;
        let current = self.local(current)?;
        let garbage = match retention::garbage(
            &folder,
            &current,
            options.retention_records,
            options.retention_age,
        ) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            other => other.map_err(StoreError::Write)?,
        };
        let mut removed = Vec::new();
        for path in garbage {
            let Some(file) = path.file_name().and_then(|file| file.to_str()) else {
                continue;
            };
            let path = format!("{}/{file}", name.directory());
            self.remove(&path)?;
            removed.push(path);
        }
        Ok(removed)
    }

    /// Makes `latest.tar.gz` beside the archive at `path` a link to it, and gives the link's URL.
    /// Git repositories have none; buckets, OCI repositories and charts do.
    pub fn link_latest(&self, path: &str) -> Result<String, StoreError> {
        let target = self.local(path)?;
        let (Some(folder), Some(file)) = (target.parent(), target.file_name()) else {
            return Err(PathError::Malformed(path.to_owned()).into());
        };
        let fresh = folder.join("latest.tar.gz.tmp");
        remove_file(&fresh).map_err(StoreError::Write)?;
        std::os::unix::fs::symlink(file, &fresh).map_err(StoreError::Write)?;
        std::fs::rename(&fresh, folder.join("latest.tar.gz")).map_err(StoreError::Write)?;
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        Ok(self.url(&format!("{folder}/latest.tar.gz")))
    }

    /// Where `path` lies on disk. Refuses what leaves the store or is its own.
    pub(crate) fn local(&self, path: &str) -> Result<PathBuf, PathError> {
        let fine = path
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.'))
            && !path.contains('\0');
        if fine {
            Ok(self.inner.options.path.join(path))
        } else {
            Err(PathError::Malformed(path.to_owned()))
        }
    }

    /// A file that has no name: nothing of it is left after a kill, and no sweep finds it.
    pub(crate) fn nameless(&self) -> Result<std::fs::File, StoreError> {
        tempfile::tempfile_in(self.inner.options.path.join(BLOBS)).map_err(StoreError::Write)
    }

    pub(crate) fn temporary(&self) -> Result<tempfile::NamedTempFile, StoreError> {
        tempfile::NamedTempFile::new_in(self.inner.options.path.join(BLOBS))
            .map_err(StoreError::Write)
    }
}

/// Moves a finished file into place so that a power failure leaves all of it or nothing.
fn keep(file: tempfile::NamedTempFile, target: &Path) -> io::Result<()> {
    let folder = target.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(folder)?;
    file.as_file().sync_all()?;
    file.persist(target)?;
    std::fs::File::open(folder)?.sync_all()
}

fn remove_file(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Digest of what is left of a file, read in pieces.
pub(crate) fn digest_of(
    file: &mut std::fs::File,
    algorithm: Algorithm,
) -> io::Result<ArchiveDigest> {
    let mut hasher = Hasher::new(algorithm);
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(&buffer[..count]),
        }
    }
}
