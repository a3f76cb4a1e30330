use bytes::Bytes;
use tidegate_values::{Entry, EntryKind, ReadError, Tree, TreeIndex};

/// A tree in memory: what is executable has a `!` before its content.
pub(crate) struct Files(TreeIndex<Bytes>);

impl Files {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let mut index = TreeIndex::new();
        for (path, content) in files {
            index
                .insert(path, Bytes::copy_from_slice(content.as_bytes()))
                .unwrap();
        }
        Self(index)
    }

    pub(crate) fn with_directory(mut self, path: &str) -> Self {
        self.0.insert_directory(path).unwrap();
        self
    }
}

impl Tree for Files {
    fn read(&self, path: &str) -> Result<Bytes, ReadError> {
        self.0.file(path).cloned()
    }

    fn entries(&self, path: &str) -> Result<Vec<Entry>, ReadError> {
        self.0.entries(path, |file| file.len() as u64)
    }

    fn stat(&self, path: &str) -> Result<Option<Entry>, ReadError> {
        Ok(self.0.stat(path, |file| file.len() as u64))
    }

    fn executable(&self, path: &str) -> Result<bool, ReadError> {
        Ok(self.0.file(path)?.starts_with(b"!"))
    }
}

/// Every file with its content, and every directory with a slash and nothing.
pub(crate) fn all(tree: &dyn Tree) -> Vec<(String, String)> {
    fn below(tree: &dyn Tree, path: &str, found: &mut Vec<(String, String)>) {
        for entry in tree.entries(path).unwrap() {
            let path = if path.is_empty() {
                entry.name
            } else {
                format!("{path}/{}", entry.name)
            };
            if entry.kind == EntryKind::Directory {
                found.push((format!("{path}/"), String::new()));
                below(tree, &path, found);
            } else {
                let content = tree.read(&path).unwrap();
                found.push((path, String::from_utf8(content.to_vec()).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    below(tree, "", &mut found);
    found
}

/// Just the files' paths.
pub(crate) fn paths(tree: &dyn Tree) -> Vec<String> {
    all(tree)
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| !path.ends_with('/'))
        .collect()
}
