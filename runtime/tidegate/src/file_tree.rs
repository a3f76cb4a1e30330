//! The file system as a tree for plugins: the command line builds from it.

use bytes::Bytes;
use std::fs;
use std::io;
use std::io::ErrorKind;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use tempfile::TempDir;
use tidegate_values::Digest;
use tidegate_values::Entry;
use tidegate_values::EntryKind;
use tidegate_values::ReadError;
use tidegate_values::Tree;
use tidegate_values::check_depth;

/// Largest file read, in bytes: a device that never ends must not fill the memory.
const LARGEST: u64 = 1 << 30;

/// A folder of the file system, opened lazily and read-only. Links are followed; those that lead out of the folder
/// can be read through, but [`Tree::real_path`] denies to name where they lead.
pub(crate) struct FileTree {
    root: PathBuf,
    /// The file read last: its digest is asked for next.
    last: Mutex<Option<(String, Bytes)>>,
    /// Removed with the tree.
    _folder: Option<TempDir>,
}

impl FileTree {
    /// The whole file system.
    pub(crate) fn everything() -> Self {
        Self::below("/")
    }

    /// `root` is absolute and free of links.
    pub(crate) fn below(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            last: Mutex::new(None),
            _folder: None,
        }
    }

    /// A folder that goes with the tree.
    pub(crate) fn of(folder: TempDir) -> io::Result<Self> {
        let tree = Self::below(folder.path().canonicalize()?);
        Ok(Self {
            _folder: Some(folder),
            ..tree
        })
    }

    /// Where `path` lies. Folders in folders have an end here as in any other tree.
    fn located(&self, path: &str) -> Result<PathBuf, ReadError> {
        check_depth(path).map_err(|error| ReadError::Host(error.to_string()))?;
        Ok(match path {
            "" => self.root.clone(),
            path => self.root.join(path),
        })
    }

    fn remember(&self, path: &str, content: &Bytes) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some((path.to_owned(), content.clone()));
    }

    fn remembered(&self, path: &str) -> Option<Bytes> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref()
            .filter(|(name, _)| name == path)
            .map(|(_, content)| content.clone())
    }

    fn entry(name: String, metadata: &fs::Metadata) -> Entry {
        let (kind, size) = if metadata.is_dir() {
            (EntryKind::Directory, 0)
        } else {
            (EntryKind::File, metadata.len())
        };
        Entry { name, kind, size }
    }
}

impl Tree for FileTree {
    fn read(&self, path: &str) -> Result<Bytes, ReadError> {
        let file = self.located(path)?;
        let failed = |error: io::Error| refusal("open", &file, &error);
        let metadata = fs::metadata(&file).map_err(failed)?;
        if let Some(kind) = special(metadata.file_type()) {
            let shown = file.display();
            return Err(ReadError::Host(format!(
                "open {shown}: is a {kind}, not a regular file"
            )));
        }
        let opened = fs::File::open(&file).map_err(failed)?;
        let size = metadata.len();
        let too_large = || {
            let shown = file.display();
            ReadError::Host(format!("read {shown}: larger than {LARGEST} bytes"))
        };
        if size > LARGEST {
            return Err(too_large());
        }
        let mut content = Vec::with_capacity(usize::try_from(size + 1).unwrap_or_default());
        opened
            .take(LARGEST + 1)
            .read_to_end(&mut content)
            .map_err(failed)?;
        if content.len() as u64 > LARGEST {
            return Err(too_large());
        }
        let content = Bytes::from(content);
        self.remember(path, &content);
        Ok(content)
    }

    fn entries(&self, path: &str) -> Result<Vec<Entry>, ReadError> {
        let folder = self.located(path)?;
        let failed = |error: io::Error| refusal("open", &folder, &error);
        let mut entries = Vec::new();
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // What was deleted meanwhile is not there.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            entries.push(Self::entry(
                entry.file_name().to_string_lossy().into_owned(),
                &metadata,
            ));
        }
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn stat(&self, path: &str) -> Result<Option<Entry>, ReadError> {
        let file = self.located(path)?;
        match fs::metadata(&file) {
            Ok(metadata) => {
                let name = path.rsplit('/').next().unwrap_or_default().to_owned();
                Ok(Some(Self::entry(name, &metadata)))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(refusal("stat", &file, &error)),
        }
    }

    fn digest(&self, path: &str) -> Result<Digest, ReadError> {
        let content = self.remembered(path).map_or_else(|| self.read(path), Ok)?;
        Ok(Digest::of(&content))
    }

    fn executable(&self, path: &str) -> Result<bool, ReadError> {
        use std::os::unix::fs::PermissionsExt as _;
        let file = self.located(path)?;
        let metadata = fs::metadata(&file).map_err(|error| refusal("stat", &file, &error))?;
        Ok(metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    }

    fn real_path(&self, path: &str) -> Result<String, ReadError> {
        let file = self.located(path)?;
        let real = fs::canonicalize(&file).map_err(|error| refusal("lstat", &file, &error))?;
        let inside = real
            .strip_prefix(&self.root)
            .map_err(|_| ReadError::Denied)?;
        match inside.to_str() {
            Some(inside) => Ok(inside.to_owned()),
            None => Err(ReadError::Host(format!(
                "{}: the path is not UTF-8",
                real.display()
            ))),
        }
    }
}

/// What is neither a file nor a folder: opening or reading it may never end, which is how kustomize takes it.
fn special(kind: fs::FileType) -> Option<&'static str> {
    use std::os::unix::fs::FileTypeExt as _;
    if kind.is_fifo() {
        Some("named pipe")
    } else if kind.is_socket() {
        Some("socket")
    } else if kind.is_char_device() || kind.is_block_device() {
        Some("device")
    } else {
        None
    }
}

/// What the guest may know, or a text that ends the call.
fn refusal(operation: &str, path: &Path, error: &io::Error) -> ReadError {
    match error.kind() {
        // What a listing shows of such a name leads nowhere.
        ErrorKind::NotFound if path.to_string_lossy().contains(char::REPLACEMENT_CHARACTER) => {
            ReadError::Host(format!(
                "{operation} {}: the name is not UTF-8",
                path.display()
            ))
        }
        ErrorKind::NotFound => ReadError::NotFound,
        ErrorKind::NotADirectory => ReadError::NotADirectory,
        ErrorKind::IsADirectory => ReadError::NotAFile,
        _ => ReadError::Host(format!("{operation} {}: {}", path.display(), reason(error))),
    }
}

/// An error of the operating system as Go words it: without its number, beginning in lower case.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error ").next().unwrap_or_default();
    let mut characters = text.chars();
    characters
        .next()
        .map(|first| first.to_lowercase().collect::<String>() + characters.as_str())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> (tempfile::TempDir, FileTree) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("sub/file"), "content").unwrap();
        std::os::unix::fs::symlink("sub", folder.path().join("link")).unwrap();
        std::os::unix::fs::symlink("/", folder.path().join("out")).unwrap();
        let root = folder.path().canonicalize().unwrap();
        (folder, FileTree::below(root))
    }

    #[test]
    fn links_are_followed_and_named_inside_the_root_only() {
        let (_folder, tree) = tree();
        assert_eq!(tree.read("link/file").unwrap(), "content");
        assert_eq!(tree.real_path("link/file").unwrap(), "sub/file");
        assert_eq!(tree.real_path("").unwrap(), "");
        assert_eq!(tree.real_path("out"), Err(ReadError::Denied));
        assert_eq!(
            tree.stat("link").unwrap().unwrap().kind,
            EntryKind::Directory
        );
    }

    #[test]
    fn a_link_in_a_listing_is_no_folder() {
        let (_folder, tree) = tree();
        let entries = tree.entries("").unwrap();
        let found: Vec<_> = entries
            .iter()
            .map(|entry| (entry.name.as_str(), entry.kind))
            .collect();
        let wanted = [
            ("link", EntryKind::File),
            ("out", EntryKind::File),
            ("sub", EntryKind::Directory),
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn what_may_never_end_is_refused_by_its_name() {
        let (folder, tree) = tree();
        let socket = folder.path().join("socket.yaml");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.path().join("zero.yaml")).unwrap();
        for (name, kind) in [("socket.yaml", "socket"), ("zero.yaml", "device")] {
            let Err(ReadError::Host(text)) = tree.read(name) else {
                panic!("{name} was read")
            };
            assert!(
                text.ends_with(&format!("{name}: is a {kind}, not a regular file")),
                "{text}"
            );
        }
    }

    #[test]
    fn folders_in_folders_have_an_end() {
        let (folder, tree) = tree();
        let fine = vec!["d"; 255].join("/");
        fs::create_dir_all(folder.path().join(&fine).join("d/d")).unwrap();
        fs::write(folder.path().join(&fine).join("file"), "x").unwrap();
        assert_eq!(tree.read(&format!("{fine}/file")).unwrap(), "x");
        let deep = format!("{fine}/d/d");
        let wanted = format!("path \"{}…\" has more than 256 parts", "d/".repeat(60));
        let refused = || ReadError::Host(wanted.clone());
        assert_eq!(tree.entries(&format!("{fine}/d")).unwrap().len(), 1);
        assert_eq!(tree.entries(&deep), Err(refused()));
        assert_eq!(tree.stat(&deep), Err(refused()));
        assert_eq!(tree.read(&deep), Err(refused()));
        assert_eq!(tree.real_path(&deep), Err(refused()));
        let long = vec!["n".repeat(200); 21].join("/");
        let Err(ReadError::Host(text)) = tree.stat(&long) else {
            panic!("{long} was looked at")
        };
        assert!(text.ends_with("has more than 4096 bytes"), "{text}");
    }

    #[test]
    fn what_cannot_be_read_is_told_apart() {
        let (folder, tree) = tree();
        let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"a\xff");
        fs::write(folder.path().join(name), "").unwrap();
        let listed = &tree.entries("").unwrap()[0].name;
        let Err(ReadError::Host(text)) = tree.read(listed) else {
            panic!("{listed} was found")
        };
        assert!(text.ends_with("the name is not UTF-8"), "{text}");
        assert_eq!(tree.read("nothing"), Err(ReadError::NotFound));
        assert_eq!(tree.read("sub"), Err(ReadError::NotAFile));
        assert_eq!(tree.read("sub/file/x"), Err(ReadError::NotADirectory));
        assert_eq!(tree.entries("sub/file"), Err(ReadError::NotADirectory));
        assert_eq!(tree.stat("nothing"), Ok(None));
        assert_eq!(tree.digest("sub/file").unwrap(), Digest::of(b"content"));
    }
}
