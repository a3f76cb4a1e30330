use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// The files of a layer, by path from the root without a leading slash. Folders above a file are there by themselves.
#[derive(Default)]
pub(super) struct Files(BTreeMap<String, Entry>);

enum Entry {
    Folder { mode: u32, owner: u32 },
    File { content: Content, mode: u32 },
}

enum Content {
    Text(String),
    On(PathBuf),
}

impl Files {
    pub(super) fn add_folder(&mut self, path: &str, mode: u32, owner: u32) -> anyhow::Result<()> {
        self.add(path, Entry::Folder { mode, owner })
    }

    pub(super) fn add_text(&mut self, path: &str, text: &str) -> anyhow::Result<()> {
        let content = Content::Text(text.to_owned());
        self.add(
            path,
            Entry::File {
                content,
                mode: 0o644,
            },
        )
    }

    /// The content of `file`, links followed.
    pub(super) fn add_file(&mut self, path: &str, file: &Path, mode: u32) -> anyhow::Result<()> {
        ensure!(file.is_file(), "there is no file {}", file.display());
        let content = Content::On(file.to_owned());
        self.add(path, Entry::File { content, mode })
    }

    fn add(&mut self, path: &str, entry: Entry) -> anyhow::Result<()> {
        let mut above = path;
        while let Some((folder, _)) = above.rsplit_once('/') {
            self.0.entry(folder.to_owned()).or_insert(Entry::Folder {
                mode: 0o755,
                owner: 0,
            });
            above = folder;
        }
        let replaced = self.0.insert(path.to_owned(), entry);
        ensure!(replaced.is_none(), "{path} is in the image twice");
        Ok(())
    }

    /// The layer as an archive. Owners and times say nothing of this machine, so that equal files give equal bytes.
    pub(super) fn archive(&self) -> anyhow::Result<Vec<u8>> {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, entry) in &self.0 {
            match entry {
                Entry::Folder { mode, owner } => {
                    let mut header = header(tar::EntryType::Directory, *mode, *owner, 0);
                    archive.append_data(&mut header, format!("{path}/"), &[][..])?;
                }
                Entry::File { content, mode } => {
                    let bytes = match content {
                        Content::Text(text) => text.clone().into_bytes(),
                        Content::On(file) => {
                            fs::read(file).with_context(|| file.display().to_string())?
                        }
                    };
                    let size = bytes.len() as u64;
                    let mut header = header(tar::EntryType::Regular, *mode, 0, size);
                    archive.append_data(&mut header, path, bytes.as_slice())?;
                }
            }
        }
        Ok(archive.into_inner()?)
    }
}

/// Of an entry without a time.
pub(super) fn header(kind: tar::EntryType, mode: u32, owner: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(owner.into());
    header.set_gid(owner.into());
    header.set_mtime(0);
    header.set_size(size);
    header
}
