use bytes::Bytes;
use parking_lot::Mutex;
use sha2::Digest as _;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use tidegate_values::Digest;

/// Contents by their SHA-256, each once.
#[derive(Debug)]
pub(crate) struct Blobs {
    root: PathBuf,
    /// Those that this process found to be what they should be. Blobs are not synced to the disk one by one, so that
    /// a power failure can leave a damaged one; nobody but this process writes while it runs.
    sound: Mutex<HashSet<Digest>>,
}

/// Blobs known to be sound at the same time, some 4 MB: beyond that all are checked once more.
const SOUND: usize = 100_000;

/// Why a blob could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BlobError {
    #[error("lost")]
    Lost,
    #[error("damaged")]
    Damaged,
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Blobs {
    pub(super) fn open(root: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&root)?;
        Ok(Self {
            root,
            sound: Mutex::default(),
        })
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.root.join(&hex[..2]).join(&hex[2..])
    }

    /// Keeps `content`. What is there already with the right size is trusted: it is checked when it is read.
    pub(crate) fn put(&self, content: &[u8]) -> io::Result<Digest> {
        let digest = Digest::of(content);
        let path = self.path(&digest);
        if has_size(&path, content.len() as u64) {
            return Ok(digest);
        }
        let mut file = self.temporary(&path)?;
        file.write_all(content)?;
        file.persist(path)?;
        Ok(digest)
    }

    /// Keeps what `reader` gives, up to `limit` bytes; `None` when it gives more.
    pub(crate) fn put_stream(
        &self,
        reader: &mut dyn Read,
        limit: u64,
    ) -> io::Result<Option<(Digest, u64)>> {
        let mut file = tempfile::NamedTempFile::new_in(&self.root)?;
        let mut hasher = sha2::Sha256::new();
        let mut size = 0;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = reader.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            size += count as u64;
            if size > limit {
                return Ok(None);
            }
            hasher.update(&buffer[..count]);
            file.write_all(&buffer[..count])?;
        }
        let digest = Digest::from_bytes(hasher.finalize().into());
        let path = self.path(&digest);
        if !has_size(&path, size) {
            std::fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
            file.persist(path)?;
        }
        Ok(Some((digest, size)))
    }

    /// The content of a blob of `size` bytes. Checked against its digest once in the life of this process.
    pub(crate) fn read(&self, digest: &Digest, size: u64) -> Result<Bytes, BlobError> {
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        self.find(digest)?.read_to_end(&mut content)?;
        let is_sound = if self.is_sound(digest) {
            content.len() as u64 == size
        } else {
            Digest::of(&content) == *digest
        };
        self.judge(digest, is_sound)?;
        Ok(content.into())
    }

    /// At most `len` bytes of a blob of `size` bytes, from `offset` on. Only the check reads more, and keeps nothing.
    pub(crate) fn read_range(
        &self,
        digest: &Digest,
        size: u64,
        offset: u64,
        len: u64,
    ) -> Result<Bytes, BlobError> {
        let mut file = self.find(digest)?;
        let is_sound = if self.is_sound(digest) {
            file.metadata()?.len() == size
        } else {
            digest_of(&mut file)? == *digest
        };
        self.judge(digest, is_sound)?;
        let len = size.saturating_sub(offset).min(len);
        let mut content = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        file.read_exact_at(&mut content, offset)?;
        Ok(content.into())
    }

    fn find(&self, digest: &Digest) -> Result<File, BlobError> {
        File::open(self.path(digest)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                self.sound.lock().remove(digest);
                BlobError::Lost
            }
            _ => error.into(),
        })
    }

    fn is_sound(&self, digest: &Digest) -> bool {
        self.sound.lock().contains(digest)
    }

    /// Remembers a blob that is sound, and takes away one that is not, so that the next one who has the content writes
    /// it anew.
    fn judge(&self, digest: &Digest, is_sound: bool) -> Result<(), BlobError> {
        let mut sound = self.sound.lock();
        if is_sound {
            if sound.len() >= SOUND && !sound.contains(digest) {
                sound.clear();
            }
            sound.insert(*digest);
            return Ok(());
        }
        sound.remove(digest);
        let _ = std::fs::remove_file(self.path(digest));
        Err(BlobError::Damaged)
    }

    pub(super) fn has(&self, digest: &Digest, size: u64) -> bool {
        has_size(&self.path(digest), size)
    }

    /// Removes every blob not in `keep`, and what killed writers left. Gives the number of blobs removed.
    pub(super) fn sweep(&self, keep: &HashSet<Digest>) -> io::Result<usize> {
        let mut removed = 0;
        for shard in std::fs::read_dir(&self.root)? {
            let shard = shard?;
            if !shard.file_type()?.is_dir() {
                std::fs::remove_file(shard.path())?;
                continue;
            }
            let prefix = shard.file_name();
            for blob in std::fs::read_dir(shard.path())? {
                let blob = blob?;
                let name = format!(
                    "sha256:{}{}",
                    prefix.to_string_lossy(),
                    blob.file_name().to_string_lossy()
                );
                if !name.parse().is_ok_and(|digest| keep.contains(&digest)) {
                    std::fs::remove_file(blob.path())?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    fn temporary(&self, path: &Path) -> io::Result<tempfile::NamedTempFile> {
        std::fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
        tempfile::NamedTempFile::new_in(&self.root)
    }
}

/// Of what is left of a file, read in pieces.
fn digest_of(file: &mut File) -> io::Result<Digest> {
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Digest::from_bytes(hasher.finalize().into())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

fn has_size(path: &Path, size: u64) -> bool {
    File::open(path)
        .and_then(|file| file.metadata())
        .is_ok_and(|found| found.is_file() && found.len() == size)
}

#[cfg(test)]
mod tests {
    use super::{BlobError, Blobs};
    use std::fs::File;
    use tidegate_values::Digest;

    fn blobs() -> (tempfile::TempDir, Blobs) {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path().join("blobs")).unwrap();
        (folder, blobs)
    }

    #[test]
    fn a_blob_is_checked_once() {
        let (_folder, blobs) = blobs();
        for ranged in [false, true] {
            let read = |digest| {
                if ranged {
                    blobs.read_range(digest, 5, 0, 9)
                } else {
                    blobs.read(digest, 5)
                }
            };
            let digest = blobs.put(if ranged { b"world" } else { b"hello" }).unwrap();
            let path = blobs.path(&digest);
            std::fs::write(&path, "jello").unwrap();
            assert!(matches!(read(&digest), Err(BlobError::Damaged)));
            assert!(!path.exists());
            assert!(matches!(read(&digest), Err(BlobError::Lost)));

            blobs.put(if ranged { b"world" } else { b"hello" }).unwrap();
            read(&digest).unwrap();
            // Who reads it again and again is not to pay for its digest each time.
            std::fs::write(&path, "cello").unwrap();
            assert_eq!(read(&digest).unwrap(), "cello");
            // Its size is looked at always.
            std::fs::write(&path, "cell").unwrap();
            assert!(matches!(read(&digest), Err(BlobError::Damaged)));
        }
    }

    #[test]
    fn a_part_is_read_without_the_rest() {
        const SIZE: u64 = 1 << 40;
        let (_folder, blobs) = blobs();
        let digest = blobs.put(b"0123456789").unwrap();
        for (offset, len, expected) in [
            (0, 4, "0123"),
            (7, 2, "78"),
            (7, 100, "789"),
            (10, 1, ""),
            (u64::MAX, u64::MAX, ""),
        ] {
            let part = blobs.read_range(&digest, 10, offset, len).unwrap();
            assert_eq!(part, expected, "{offset} {len}");
        }
        // Nobody can read all of this.
        let huge = Digest::of(b"a terabyte");
        let file = File::create({
            let path = blobs.path(&huge);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            path
        });
        file.unwrap().set_len(SIZE).unwrap();
        blobs.judge(&huge, true).unwrap();
        let part = blobs.read_range(&huge, SIZE, SIZE - 4, 100).unwrap();
        assert_eq!(part, [0; 4].as_slice());
    }
}
