//! A tree in memory.

use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidegate_values::{Entry, EntryKind, ReadError, Tree};

/// Files by path.
#[derive(Default)]
pub(crate) struct MemoryTree {
    files: BTreeMap<String, Bytes>,
    /// Reading these fails as a lost blob does.
    pub(crate) lost: Vec<String>,
}

impl MemoryTree {
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), Bytes::copy_from_slice(text.as_bytes())));
        Self {
            files: files.collect(),
            ..Self::default()
        }
    }

    pub(crate) fn shared(self) -> Arc<dyn Tree> {
        Arc::new(self)
    }
}

impl Tree for MemoryTree {
    fn read(&self, path: &str) -> Result<Bytes, ReadError> {
        if self.lost.iter().any(|lost| lost == path) {
            return Err(ReadError::Host(format!("blob of {path} is lost")));
        }
        if let Some(bytes) = self.files.get(path) {
            return Ok(bytes.clone());
        }
        Err(if self.stat(path)?.is_some() {
            ReadError::NotAFile
        } else {
            ReadError::NotFound
        })
    }

    fn entries(&self, path: &str) -> Result<Vec<Entry>, ReadError> {
        match self.stat(path)? {
            None => return Err(ReadError::NotFound),
            Some(entry) if entry.kind == EntryKind::File => return Err(ReadError::NotADirectory),
            Some(_) => {}
        }
        let prefix = if path.is_empty() {
            String::new()
        } else {
            format!("{path}/")
        };
        let mut entries = BTreeMap::new();
        for (file, bytes) in &self.files {
            let Some(rest) = file.strip_prefix(&prefix) else {
                continue;
            };
            let entry = match rest.split_once('/') {
                Some((name, _)) => Entry {
                    name: name.to_owned(),
                    kind: EntryKind::Directory,
                    size: 0,
                },
                None => Entry {
                    name: rest.to_owned(),
                    kind: EntryKind::File,
                    size: bytes.len() as u64,
                },
            };
            entries.insert(entry.name.clone(), entry);
        }
        Ok(entries.into_values().collect())
    }

    fn stat(&self, path: &str) -> Result<Option<Entry>, ReadError> {
        assert!(
            !path.starts_with('/') && !path.split('/').any(|part| part == ".."),
            "the sandbox let `{path}` through"
        );
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        if let Some(bytes) = self.files.get(path) {
            return Ok(Some(Entry {
                name,
                kind: EntryKind::File,
                size: bytes.len() as u64,
            }));
        }
        let prefix = format!("{path}/");
        let found = path.is_empty() || self.files.keys().any(|file| file.starts_with(&prefix));
        Ok(found.then_some(Entry {
            name,
            kind: EntryKind::Directory,
            size: 0,
        }))
    }
}
