//! A tree in memory.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_kustomize::{Entry, FileError, FileType, Files, Remote};

/// The folder that all files are in.
pub(crate) const ROOT: &str = "/build";

#[derive(Debug, Default)]
pub(crate) struct MemoryFiles {
    files: BTreeMap<String, Vec<u8>>,
}

impl MemoryFiles {
    pub(crate) fn new<'t, C: Into<Vec<u8>>>(files: impl IntoIterator<Item = (&'t str, C)>) -> Self {
        let absolute = |(path, content): (&str, C)| (format!("{ROOT}/{path}"), content.into());
        Self {
            files: files.into_iter().map(absolute).collect(),
        }
    }

    fn is_folder(&self, path: &str) -> bool {
        self.files.keys().any(|file| {
            file.strip_prefix(path)
                .is_some_and(|rest| rest.starts_with('/'))
        })
    }
}

impl Files for MemoryFiles {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        match self.files.get(path) {
            Some(content) => Ok(content.clone()),
            None if self.is_folder(path) => Err(FileError::IsADirectory {
                path: path.to_owned(),
            }),
            None => Err(FileError::NotFound {
                operation: "open",
                path: path.to_owned(),
            }),
        }
    }

    fn entries(&self, path: &str) -> Result<Vec<Entry>, FileError> {
        let below = self
            .files
            .keys()
            .filter_map(|file| file.strip_prefix(path)?.strip_prefix('/'));
        let names: BTreeSet<(&str, bool)> = below
            .map(|rest| {
                rest.split_once('/')
                    .map_or((rest, false), |(name, _)| (name, true))
            })
            .collect();
        let entry = |(name, is_folder): (&str, bool)| Entry {
            name: name.to_owned(),
            file_type: if is_folder {
                FileType::Directory
            } else {
                FileType::File
            },
        };
        Ok(names.into_iter().map(entry).collect())
    }

    fn stat(&self, path: &str) -> Result<FileType, FileError> {
        if self.files.contains_key(path) {
            Ok(FileType::File)
        } else if self.is_folder(path) {
            Ok(FileType::Directory)
        } else {
            Err(FileError::NotFound {
                operation: "stat",
                path: path.to_owned(),
            })
        }
    }

    fn real_path(&self, path: &str) -> Result<String, FileError> {
        let mut part = String::new();
        for step in path.split('/').filter(|step| !step.is_empty()) {
            part = format!("{part}/{step}");
            self.stat(&part).map_err(|_| FileError::NotFound {
                operation: "lstat",
                path: part.clone(),
            })?;
        }
        Ok(part)
    }

    fn remote(&self, locator: &str) -> Result<Remote, FileError> {
        Err(FileError::Other(format!("remote '{locator}' in a test")))
    }
}
