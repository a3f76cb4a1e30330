//! Where texts stand that must not stand there.

use std::path::{Path, PathBuf};

use crate::play::Case;
use crate::scenario::Who;

impl Case<'_> {
    /// Which of the texts stand in the log, a status of Flux's kinds, an event or what the receiver got.
    pub(crate) fn leaks(&self, texts: &[String]) -> anyhow::Result<Vec<String>> {
        let mut places = vec![("the engine's log".to_owned(), self.world.log())];
        for space in &self.spaces {
            for kind in ["GitRepository", "Kustomization"] {
                for object in self.world.cluster.list(kind, space)? {
                    places.push((
                        format!("{kind}/{}", object["metadata"]["name"]),
                        object["status"].to_string(),
                    ));
                }
            }
        }
        let events = self.events()?.into_iter();
        places.extend(events.map(|event| ("an event".to_owned(), event.to_string())));
        let posted = self.posted().into_iter();
        places.extend(posted.map(|event| ("a posted event".to_owned(), event.to_string())));
        Ok(texts
            .iter()
            .flat_map(|text| {
                places
                    .iter()
                    .filter(move |(_, content)| content.contains(text.as_str()))
                    .map(move |(place, _)| format!("`{text}` stands in {place}"))
            })
            .collect())
    }

    /// Which of the texts stand in files of the engine's storage, where these are no files that were committed.
    pub(crate) fn stored(&self, texts: &[String]) -> anyhow::Result<Vec<String>> {
        let folder = self
            .world
            .with_engine(Who::Engine, |engine| Ok(engine.folder().join("data")))?;
        let mut found = Vec::new();
        for path in files_below(&folder)? {
            let Some(content) = read(&path)? else {
                continue;
            };
            for text in texts {
                let holds = content
                    .windows(text.len())
                    .any(|part| part == text.as_bytes());
                if holds && !self.was_committed(&path)? {
                    let path = path.strip_prefix(&folder)?.display();
                    found.push(format!("`{text}` stands in the storage's {path}"));
                }
            }
        }
        Ok(found)
    }

    fn was_committed(&self, path: &Path) -> anyhow::Result<bool> {
        let path = path.display().to_string();
        for name in self.committed.borrow().iter() {
            let repository = self.repository(name)?;
            let hash = repository.git(&["hash-object", &path])?;
            if repository.git(&["cat-file", "-e", hash.trim()]).is_ok() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// What is removed meanwhile is left out.
fn files_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    Ok(files)
}

fn read(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        content => Ok(Some(content?)),
    }
}
