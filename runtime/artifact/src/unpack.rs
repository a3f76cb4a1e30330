mod members;

use self::members::Members;
use crate::limits::Limits;
use crate::store::Blobs;
use crate::tree::File;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use tidegate_values::{EntryKind, PathError, TreeIndex};

/// Why an archive was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    #[error("archive can't be read: {0}")]
    Malformed(#[source] io::Error),
    #[error("archive ends too early")]
    EndsEarly,
    #[error("archive has more than {0} entries")]
    TooManyEntries(u64),
    #[error("archive unpacks to more than {0} bytes")]
    TooLarge(u64),
    #[error("file {path:?} in archive is larger than {limit} bytes")]
    FileTooLarge { path: String, limit: u64 },
    #[error("archive unpacks to more than {0} times its size")]
    TooDense(u64),
    #[error("archive has a {kind} of more than {limit} bytes")]
    ExtensionTooLarge { kind: &'static str, limit: u64 },
    #[error("archive has a path of more than {0} bytes")]
    PathTooLong(usize),
    #[error("archive has a path of more than {0} parts")]
    PathTooDeep(usize),
    #[error("paths in archive take more than {0} bytes")]
    PathsTooLarge(usize),
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
    let (members, follower) = Members::new(archive, limits);
    let mut tar = tar::Archive::new(members);
    let mut index = TreeIndex::new();
    let (mut entries, mut paths) = (0, 0_usize);
    for entry in tar.entries().map_err(malformed)? {
        let mut entry = entry.map_err(malformed)?;
        if stop.load(Ordering::Relaxed) {
            return Err(UnpackError::Stopped);
        }
        entries += 1;
        if entries > limits.entries {
            return Err(UnpackError::TooManyEntries(limits.entries));
        }
        follower.entry(entry.size())?;
        let kind = entry.header().entry_type();
        // `git archive` makes one, with the commit as a comment.
        if kind.is_pax_global_extensions() {
            continue;
        }
        let name = entry.path_bytes();
        if name.len() > limits.path_bytes {
            return Err(UnpackError::PathTooLong(limits.path_bytes));
        }
        let name = String::from_utf8_lossy(&name).into_owned();
        let Some(path) = normal(&name)? else { continue };
        if path.split('/').count() > limits.path_parts {
            return Err(UnpackError::PathTooDeep(limits.path_parts));
        }
        paths = paths.saturating_add(added(&index, &path));
        if paths > limits.paths_bytes {
            return Err(UnpackError::PathsTooLarge(limits.paths_bytes));
        }
        if kind.is_dir() {
            index.insert_directory(&path)?;
        } else if kind.is_file() {
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
                .map_err(|error| refusal(error).unwrap_or_else(UnpackError::Write))?;
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
    }
    Ok(index)
}

/// What [`Members`] says about the archive, or else what the library or the disk says.
fn refusal(error: io::Error) -> Result<UnpackError, io::Error> {
    error.downcast::<UnpackError>()
}

fn malformed(error: io::Error) -> UnpackError {
    refusal(error).unwrap_or_else(UnpackError::Malformed)
}

/// Bytes of the paths that an entry at `path` adds to `index`: its own, and those of directories not there yet.
fn added(index: &TreeIndex<File>, path: &str) -> usize {
    let mut bytes = path.len();
    let mut path = path;
    while let Some((parent, _)) = path.rsplit_once('/') {
        if index.stat(parent, |file| file.size).map(|entry| entry.kind)
            == Some(EntryKind::Directory)
        {
            break;
        }
        bytes += parent.len();
        path = parent;
    }
    bytes
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
