use crate::{Entry, EntryKind, ReadError};
use std::collections::BTreeMap;

/// Names in a path at most: trees are walked by recursion.
const PATH_PARTS: usize = 256;

/// Bytes of a path at most, as in Linux: Flux has such paths on a disk.
const PATH_BYTES: usize = 4096;

/// Characters of a path that messages show.
const SHOWN: usize = 120;

/// A path that may not stand in a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// Absolute, empty, or with an empty, `.` or `..` part, or a NUL byte.
    #[error("path {0:?} is not a relative path in normal form")]
    Malformed(String),
    /// A file and a directory, or two files, of one path.
    #[error("path {0:?} is there twice")]
    Taken(String),
    /// Only the first part of the path is here.
    #[error("path {0:?} has more than {PATH_PARTS} parts")]
    TooDeep(String),
    /// Only the first part of the path is here.
    #[error("path {0:?} has more than {PATH_BYTES} bytes")]
    TooLong(String),
}

/// The directories and files of a tree, each file with what its owner knows about it.
///
/// What the trees of artifacts, of Git commits and of joined trees have in common: look-ups by path
/// and listings sorted by name, without a work tree on a disk.
#[derive(Debug, Clone)]
pub struct TreeIndex<F> {
    /// Children by directory; the root is `""`.
    directories: BTreeMap<String, BTreeMap<String, Node<F>>>,
    files: usize,
}

#[derive(Debug, Clone)]
enum Node<F> {
    Directory,
    File(F),
}

impl<F> Default for TreeIndex<F> {
    fn default() -> Self {
        Self {
            directories: BTreeMap::from([(String::new(), BTreeMap::new())]),
            files: 0,
        }
    }
}

impl<F> TreeIndex<F> {
    /// An empty tree: just the root.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.files == 0
    }

    /// Adds a file and the directories above it.
    pub fn insert(&mut self, path: &str, file: F) -> Result<(), PathError> {
        check(path)?;
        let (parent, name) = split(path);
        self.add_directories(parent)?;
        let children = self.directories.entry(parent.to_owned()).or_default();
        if children.contains_key(name) {
            return Err(PathError::Taken(path.to_owned()));
        }
        children.insert(name.to_owned(), Node::File(file));
        self.files += 1;
        Ok(())
    }

    /// Adds a directory and those above it; one that is there already stays.
    pub fn insert_directory(&mut self, path: &str) -> Result<(), PathError> {
        if path.is_empty() {
            return Ok(());
        }
        check(path)?;
        self.add_directories(path)
    }

    /// Takes a file out. The directories above it stay.
    pub fn remove(&mut self, path: &str) -> Option<F> {
        let (parent, name) = split(path);
        let children = self.directories.get_mut(parent)?;
        match children.remove(name)? {
            Node::File(file) => {
                self.files -= 1;
                Some(file)
            }
            Node::Directory => {
                children.insert(name.to_owned(), Node::Directory);
                None
            }
        }
    }

    /// The file at `path`.
    pub fn file(&self, path: &str) -> Result<&F, ReadError> {
        match self.node(path) {
            Some(Node::File(file)) => Ok(file),
            Some(Node::Directory) => Err(ReadError::NotAFile),
            None if path.is_empty() => Err(ReadError::NotAFile),
            None => Err(ReadError::NotFound),
        }
    }

    /// What stands at `path`; `size` is asked of a file's owner.
    pub fn stat(&self, path: &str, size: impl Fn(&F) -> u64) -> Option<Entry> {
        if path.is_empty() {
            return Some(Entry {
                name: String::new(),
                kind: EntryKind::Directory,
                size: 0,
            });
        }
        Some(entry(split(path).1, self.node(path)?, &size))
    }

    /// The entries of a directory, sorted by name bytewise; `size` is asked of a file's owner.
    pub fn entries(&self, path: &str, size: impl Fn(&F) -> u64) -> Result<Vec<Entry>, ReadError> {
        match self.directories.get(path) {
            Some(children) => Ok(children
                .iter()
                .map(|(name, node)| entry(name, node, &size))
                .collect()),
            None if self.node(path).is_some() => Err(ReadError::NotADirectory),
            None => Err(ReadError::NotFound),
        }
    }

    /// Every file with its path. The order is by directory, then by name.
    pub fn files(&self) -> impl Iterator<Item = (String, &F)> {
        self.directories.iter().flat_map(|(directory, children)| {
            children.iter().filter_map(move |(name, node)| match node {
                Node::File(file) => Some((join(directory, name), file)),
                Node::Directory => None,
            })
        })
    }

    /// Every directory except the root.
    pub fn directories(&self) -> impl Iterator<Item = &str> {
        self.directories
            .keys()
            .map(String::as_str)
            .filter(|path| !path.is_empty())
    }

    fn node(&self, path: &str) -> Option<&Node<F>> {
        let (parent, name) = split(path);
        self.directories.get(parent)?.get(name)
    }

    fn add_directories(&mut self, path: &str) -> Result<(), PathError> {
        if self.directories.contains_key(path) {
            return Ok(());
        }
        let (parent, name) = split(path);
        self.add_directories(parent)?;
        match self
            .directories
            .entry(parent.to_owned())
            .or_default()
            .entry(name.to_owned())
            .or_insert(Node::Directory)
        {
            Node::Directory => {}
            Node::File(_) => return Err(PathError::Taken(path.to_owned())),
        }
        self.directories.insert(path.to_owned(), BTreeMap::new());
        Ok(())
    }
}

fn entry<F>(name: &str, node: &Node<F>, size: &impl Fn(&F) -> u64) -> Entry {
    match node {
        Node::Directory => Entry {
            name: name.to_owned(),
            kind: EntryKind::Directory,
            size: 0,
        },
        Node::File(file) => Entry {
            name: name.to_owned(),
            kind: EntryKind::File,
            size: size(file),
        },
    }
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() {
        name.to_owned()
    } else {
        format!("{directory}/{name}")
    }
}

/// Refuses paths that are too long or too deep to stand in a tree. Who walks a tree that may be anybody's asks before
/// each step down, so that depth never becomes a matter of the stack.
pub fn check_depth(path: &str) -> Result<(), PathError> {
    let shown = || {
        let mut text: String = path.chars().take(SHOWN).collect();
        if text.len() < path.len() {
            text.push('…');
        }
        text
    };
    if path.split('/').nth(PATH_PARTS).is_some() {
        return Err(PathError::TooDeep(shown()));
    }
    if path.len() > PATH_BYTES {
        return Err(PathError::TooLong(shown()));
    }
    Ok(())
}

/// Refuses every path that is not relative and in normal form.
fn check(path: &str) -> Result<(), PathError> {
    check_depth(path)?;
    let well_formed =
        path.split('/').all(|part| !matches!(part, "" | "." | "..")) && !path.contains('\0');
    if well_formed {
        Ok(())
    } else {
        Err(PathError::Malformed(path.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::{PathError, TreeIndex};
    use crate::{EntryKind, ReadError};

    #[test]
    fn lists_by_name_and_makes_directories() {
        let mut index = TreeIndex::new();
        for path in ["b/c.yaml", "a.yaml", "b/a/x", "b.yaml"] {
            index.insert(path, 1_u64).expect("these paths are fine");
        }
        let names = |path| {
            index
                .entries(path, |size| *size)
                .map(|all| all.into_iter().map(|entry| entry.name).collect::<Vec<_>>())
        };
        assert_eq!(
            names(""),
            Ok(vec!["a.yaml".into(), "b".into(), "b.yaml".into()])
        );
        assert_eq!(names("b"), Ok(vec!["a".into(), "c.yaml".into()]));
        assert_eq!(names("c"), Err(ReadError::NotFound));
        assert_eq!(names("a.yaml"), Err(ReadError::NotADirectory));
        assert_eq!(
            index.stat("b/a", |_| 0).map(|entry| entry.kind),
            Some(EntryKind::Directory)
        );
        assert_eq!(index.file("b"), Err(ReadError::NotAFile));
        assert_eq!(index.len(), 4);
    }

    #[test]
    fn refuses_paths_that_leave_or_collide() {
        let mut index = TreeIndex::new();
        index.insert("a/b", ()).expect("a fine path");
        for path in ["", "/a", "../a", "a/../b", "a//b", "./a", "a/", "a\0b"] {
            assert_eq!(
                index.insert(path, ()),
                Err(PathError::Malformed(path.into())),
                "{path:?}"
            );
        }
        assert_eq!(
            index.insert("a/b/c", ()),
            Err(PathError::Taken("a/b".into()))
        );
        assert_eq!(index.insert("a", ()), Err(PathError::Taken("a".into())));
    }

    #[test]
    fn refuses_paths_without_end() {
        let mut index = TreeIndex::new();
        let deep = |parts| vec!["a"; parts].join("/");
        for path in [deep(256), "b".repeat(4096)] {
            assert_eq!(index.insert(&path, ()), Ok(()));
        }
        for path in [deep(257), deep(5_000), deep(1_000_000)] {
            for refused in [index.insert(&path, ()), index.insert_directory(&path)] {
                let shown = format!("{}…", &path[..120]);
                assert_eq!(refused, Err(PathError::TooDeep(shown)));
            }
        }
        let long = index.insert(&"\u{e4}".repeat(2049), ()).unwrap_err();
        let shown = "\u{e4}".repeat(120);
        assert_eq!(
            long.to_string(),
            format!("path \"{shown}…\" has more than 4096 bytes")
        );
    }
}
