use crate::digest::{Algorithm, ArchiveDigest, Hasher};
use crate::ignore::Ignore;
use crate::store::{Blobs, StoreError};
use crate::tree::File;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use tidegate_values::{EntryKind, Tree, TreeIndex, check_depth};

/// Modes in an archive (fluxcd/pkg `artifact/storage`, `DefaultFileMode` and its neighbours).
const FILE_MODE: u32 = 0o600;
const EXECUTABLE_MODE: u32 = 0o700;
const DIRECTORY_MODE: u32 = 0o750;

/// What packing found out.
pub(crate) struct Packed {
    pub(crate) digest: ArchiveDigest,
    pub(crate) size: u64,
    pub(crate) index: TreeIndex<File>,
}

/// Writes `tree` to `out` as a `tar.gz` with Flux's layout, and its files to `blobs`.
///
/// Entries come in the order of Go's `filepath.Walk`, the root as `.` first; owners and times are zero, so that
/// equal content gives equal bytes. A file of more than `file_bytes` is refused before it is read: files are packed
/// from memory.
pub(crate) fn pack(
    tree: &dyn Tree,
    ignore: &Ignore,
    blobs: &Blobs,
    algorithm: Algorithm,
    file_bytes: u64,
    out: impl Write,
    stop: &AtomicBool,
) -> Result<Packed, StoreError> {
    let hashing = Hashing {
        inner: out,
        hasher: Hasher::new(algorithm),
        size: 0,
    };
    // The fastest level: the archive is made on every new revision, and mostly read by nobody.
    let gzip = flate2::GzBuilder::new()
        .mtime(0)
        .write(hashing, flate2::Compression::fast());
    let mut packer = Packer {
        tree,
        ignore,
        blobs,
        file_bytes,
        stop,
        index: TreeIndex::new(),
        archive: tar::Builder::new(gzip),
    };
    packer.directory("")?;
    let Packer { index, archive, .. } = packer;
    let hashing = archive
        .into_inner()
        .and_then(flate2::write::GzEncoder::finish)
        .map_err(StoreError::Write)?;
    let digest = hashing.hasher.finish();
    Ok(Packed {
        digest,
        size: hashing.size,
        index,
    })
}

struct Packer<'a, W: Write> {
    tree: &'a dyn Tree,
    ignore: &'a Ignore,
    blobs: &'a Blobs,
    file_bytes: u64,
    stop: &'a AtomicBool,
    index: TreeIndex<File>,
    archive: tar::Builder<W>,
}

impl<W: Write> Packer<'_, W> {
    /// A directory with what is in it. One that is left out is still walked: a file in it may come back.
    fn directory(&mut self, path: &str) -> Result<(), StoreError> {
        if !self.ignore.excludes(path, EntryKind::Directory) {
            self.index.insert_directory(path)?;
            self.header(path, tar::EntryType::Directory, DIRECTORY_MODE, &[])?;
        }
        let unreadable = |path: &str| {
            let path = path.to_owned();
            move |source| StoreError::Read { path, source }
        };
        for entry in self.tree.entries(path).map_err(unreadable(path))? {
            if self.stop.load(Ordering::Relaxed) {
                return Err(StoreError::Stopped);
            }
            let below = if path.is_empty() {
                entry.name
            } else {
                format!("{path}/{}", entry.name)
            };
            match entry.kind {
                EntryKind::Directory => {
                    check_depth(&below)?;
                    self.directory(&below)?;
                }
                EntryKind::File if self.ignore.excludes(&below, EntryKind::File) => {}
                EntryKind::File if entry.size > self.file_bytes => {
                    return Err(StoreError::FileTooLarge {
                        path: below,
                        limit: self.file_bytes,
                    });
                }
                EntryKind::File => {
                    let content = self.tree.read(&below).map_err(unreadable(&below))?;
                    let executable = self.tree.executable(&below).map_err(unreadable(&below))?;
                    let digest = self.blobs.put(&content).map_err(StoreError::Write)?;
                    let mode = if executable {
                        EXECUTABLE_MODE
                    } else {
                        FILE_MODE
                    };
                    self.header(&below, tar::EntryType::Regular, mode, &content)?;
                    self.index.insert(
                        &below,
                        File {
                            digest,
                            size: content.len() as u64,
                            executable,
                        },
                    )?;
                }
            }
        }
        Ok(())
    }

    fn header(
        &mut self,
        path: &str,
        kind: tar::EntryType,
        mode: u32,
        content: &[u8],
    ) -> Result<(), StoreError> {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(content.len() as u64);
        let name = if path.is_empty() { "." } else { path };
        self.archive
            .append_data(&mut header, name, content)
            .map_err(StoreError::Write)
    }
}

/// Counts and hashes what passes.
struct Hashing<W> {
    inner: W,
    hasher: Hasher,
    size: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
