//! Trees that are not made into artifacts.

use crate::files::Files;
use crate::store::{name, publish};
use std::sync::atomic::AtomicBool;
use tidegate_artifact::{Ignore, Options, Store};
use tidegate_values::{Entry, EntryKind, ReadError, Tree};

fn refusal(store: &Store, tree: &dyn Tree, ignore: &Ignore) -> Option<String> {
    let stop = AtomicBool::new(false);
    let published = store.publish(&name(), "x", "main@sha1:x", tree, ignore, &stop);
    published.err().map(|error| error.to_string())
}

#[test]
fn a_large_file_is_refused_by_name_unless_it_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(folder.path(), "source.test");
    options.file_bytes = 5;
    let store = Store::new(options).unwrap();
    let tree = Files::new(&[("a.yaml", "a: 1\n"), ("media/film", "123456")]);
    assert_eq!(
        refusal(&store, &tree, &Ignore::nothing()).unwrap(),
        "file \"media/film\" is larger than 5 bytes, the limit for a file of an artifact: ignore it or make it smaller"
    );
    let ignore = Ignore::load(&tree, tidegate_artifact::Defaults::Full, Some("/media")).unwrap();
    assert_eq!(refusal(&store, &tree, &ignore), None);
    publish(&store, "y", &Files::new(&[("film", "12345")]));
}

/// A folder in a folder in a folder, without end.
struct Endless;

impl Tree for Endless {
    fn read(&self, _: &str) -> Result<bytes::Bytes, ReadError> {
        Err(ReadError::NotFound)
    }

    fn entries(&self, _: &str) -> Result<Vec<Entry>, ReadError> {
        Ok(vec![Entry {
            name: "d".to_owned(),
            kind: EntryKind::Directory,
            size: 0,
        }])
    }

    fn stat(&self, _: &str) -> Result<Option<Entry>, ReadError> {
        Ok(None)
    }
}

#[test]
fn folders_without_end_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = crate::store::store(folder.path());
    // One that leaves folders out still walks them.
    let all = Ignore::load(
        &Files::new(&[]),
        tidegate_artifact::Defaults::Full,
        Some("d"),
    )
    .unwrap();
    for ignore in [Ignore::nothing(), all] {
        let refused = refusal(&store, &Endless, &ignore).unwrap();
        assert!(refused.ends_with("has more than 256 parts"), "{refused}");
    }
}
