use bytes::Bytes;
use sha2::Digest as _;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use tidegate_values::Digest;

/// Contents by their SHA-256, each once.
#[derive(Debug)]
pub(crate) struct Blobs {
    root: PathBuf,
}

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
        Ok(Self { root })
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

    /// The content, checked against its digest: blobs are not synced to the disk one by one, so that a power
    /// failure can leave a short one.
    pub(crate) fn read(&self, digest: &Digest) -> Result<Bytes, BlobError> {
        let content = match std::fs::read(self.path(digest)) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(BlobError::Lost),
            Err(error) => return Err(error.into()),
        };
        if Digest::of(&content) != *digest {
            // So that the next one who has the content writes it anew.
            let _ = std::fs::remove_file(self.path(digest));
            return Err(BlobError::Damaged);
        }
        Ok(content.into())
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

fn has_size(path: &Path, size: u64) -> bool {
    File::open(path)
        .and_then(|file| file.metadata())
        .is_ok_and(|found| found.is_file() && found.len() == size)
}
