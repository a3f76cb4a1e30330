use crate::limits::Limits;
use crate::store::Blobs;
use crate::tree::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tidegate_values::{PathError, TreeIndex};

/// Unpacked bytes before which the ratio is not judged: small archives of zeros are no attack.
const RATIO_FROM: u64 = 16 << 20;

/// Why an archive was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    #[error("archive can't be read: {0}")]
    Malformed(#[source] io::Error),
    #[error("archive has more than {0} entries")]
    TooManyEntries(u64),
    #[error("archive unpacks to more than {0} bytes")]
    TooLarge(u64),
    #[error("file {path:?} in archive is larger than {limit} bytes")]
    FileTooLarge { path: String, limit: u64 },
    #[error("archive unpacks to more than {0} times its size")]
    TooDense(u64),
    #[error("in archive: {0}")]
    Path(#[from] PathError),
    #[error("{0:?} in archive is a link that leaves it")]
    EscapingLink(String),
    #[error("{0:?} in archive is no file, directory or symbolic link")]
    Special(String),
    #[error("can't store archive: {0}")]
    Write(#[source] io::Error),
    #[error("unpacking was stopped")]
    Stopped,
}

/// Reads a `tar.gz` into `blobs`. Links inside the archive are left out, as Flux leaves them out
/// (fluxcd/pkg `http/fetch`, `WithSkipSymlinks`).
pub(crate) fn unpack(
    archive: impl Read,
    blobs: &Blobs,
    limits: &Limits,
    stop: &AtomicBool,
) -> Result<TreeIndex<File>, UnpackError> {
    let packed = Arc::new(AtomicU64::new(0));
    let counting = Counting {
        inner: archive,
        count: packed.clone(),
    };
    let mut tar = tar::Archive::new(flate2::read::MultiGzDecoder::new(counting));
    let mut index = TreeIndex::new();
    let (mut entries, mut total) = (0, 0_u64);
    for entry in tar.entries().map_err(UnpackError::Malformed)? {
        let mut entry = entry.map_err(UnpackError::Malformed)?;
        if stop.load(Ordering::Relaxed) {
            return Err(UnpackError::Stopped);
        }
        entries += 1;
        if entries > limits.entries {
            return Err(UnpackError::TooManyEntries(limits.entries));
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let Some(path) = normal(&name)? else { continue };
        let kind = entry.header().entry_type();
        if kind.is_dir() {
            index.insert_directory(&path)?;
        } else if kind.is_file() {
            total = total.saturating_add(entry.size());
            if total > limits.total_bytes {
                return Err(UnpackError::TooLarge(limits.total_bytes));
            }
            let too_large = || UnpackError::FileTooLarge {
                path: path.clone(),
                limit: limits.file_bytes,
            };
            if entry.size() > limits.file_bytes {
                return Err(too_large());
            }
            let executable = entry.header().mode().map_err(UnpackError::Malformed)? & 0o111 != 0;
            let stored = blobs
                .put_stream(&mut entry, limits.file_bytes)
                .map_err(UnpackError::Write)?;
            let (digest, size) = stored.ok_or_else(too_large)?;
            index.insert(
                &path,
                File {
                    digest,
                    size,
                    executable,
                },
            )?;
        } else if kind.is_symlink() {
            let target = entry.link_name_bytes().unwrap_or_default();
            if leaves(&path, &String::from_utf8_lossy(&target)) {
                return Err(UnpackError::EscapingLink(name));
            }
        } else {
            return Err(UnpackError::Special(name));
        }
        if total > RATIO_FROM && total / limits.ratio.max(1) > packed.load(Ordering::Relaxed) {
            return Err(UnpackError::TooDense(limits.ratio));
        }
    }
    Ok(index)
}

/// The path without a leading `./` and a final slash; `None` for the root itself.
fn normal(name: &str) -> Result<Option<String>, PathError> {
    let path = name.strip_suffix('/').unwrap_or(name);
    if path == "." || path.is_empty() {
        return if name == "/" {
            Err(PathError::Malformed(name.to_owned()))
        } else {
            Ok(None)
        };
    }
    Ok(Some(path.strip_prefix("./").unwrap_or(path).to_owned()))
}

/// Whether a link at `path` to `target` leads out of the tree.
fn leaves(path: &str, target: &str) -> bool {
    let mut depth = path.split('/').count() - 1;
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    target.starts_with('/')
}

struct Counting<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
