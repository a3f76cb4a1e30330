use crate::files::{Files, all, paths};
use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tidegate_artifact::{
    Algorithm, ArchiveDigest, Artifact, ArtifactName, Defaults, Ignore, Options, Store, StoreError,
    VerifyError,
};
use tidegate_values::{Digest, ReadError, Tree};

pub(crate) fn store(folder: &Path) -> Store {
    Store::new(Options::new(folder, "source.test")).unwrap()
}

pub(crate) fn name() -> ArtifactName {
    ArtifactName::new("GitRepository", "apps", "site")
}

pub(crate) fn publish(store: &Store, stem: &str, tree: &dyn Tree) -> Artifact {
    store
        .publish(
            &name(),
            stem,
            "main@sha1:abc",
            tree,
            &Ignore::nothing(),
            &AtomicBool::new(false),
        )
        .unwrap()
}

fn sample() -> Files {
    let long = format!("long/{}/deep.yaml", "n".repeat(150));
    Files::new(&[
        ("b.yaml", "b: 1\n"),
        ("run.sh", "!x\n"),
        ("a/c.yaml", "c: 1\n"),
        ("a.yaml", ""),
        (&long, "l"),
    ])
}

#[test]
fn an_archive_has_flux_s_layout() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let artifact = publish(&store, "abc", &sample().with_directory("empty"));
    assert_eq!(artifact.path, "gitrepository/apps/site/abc.tar.gz");
    assert_eq!(
        artifact.url,
        "http://source.test/gitrepository/apps/site/abc.tar.gz"
    );
    assert_eq!(artifact.last_update_time.subsec_nanosecond(), 0);
    let bytes = std::fs::read(folder.path().join(&artifact.path)).unwrap();
    assert_eq!(
        (artifact.size, artifact.digest),
        (
            bytes.len() as u64,
            ArchiveDigest::of(Algorithm::Sha256, &bytes)
        )
    );

    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
    let mut listed = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header();
        assert_eq!(
            (
                header.uid().unwrap(),
                header.gid().unwrap(),
                header.mtime().unwrap()
            ),
            (0, 0, 0)
        );
        let kind = if header.entry_type().is_dir() {
            'd'
        } else {
            '-'
        };
        let mode = header.mode().unwrap();
        let path = String::from_utf8(entry.path_bytes().into_owned())
            .unwrap()
            .replace(&"n".repeat(150), "N");
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        listed.push(format!("{kind}{mode:o} {path} {}", content.trim_end()));
    }
    // The order is that of Go's filepath.Walk.
    let wanted = [
        "d750 . ",
        "d750 a ",
        "-600 a/c.yaml c: 1",
        "-600 a.yaml ",
        "-600 b.yaml b: 1",
        "d750 empty ",
        "d750 long ",
        "d750 long/N ",
        "-600 long/N/deep.yaml l",
        "-700 run.sh !x",
    ];
    assert_eq!(listed, wanted);
}

#[test]
fn equal_trees_give_equal_bytes() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let digests = folders
        .each_ref()
        .map(|folder| publish(&store(folder.path()), "abc", &sample()).digest);
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn what_is_ignored_stays_out() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let tree = Files::new(&[
        (
            ".sourceignore",
            "*.md\n!/keep/*.md\ndrop/\n!/drop/back.yaml\n",
        ),
        ("x.md", ""),
        ("keep/y.md", ""),
        ("drop/z", ""),
        ("drop/back.yaml", ""),
        (".gitignore", ""),
    ]);
    let ignore = Ignore::load(&tree, Defaults::Full, None).unwrap();
    let stop = AtomicBool::new(false);
    let artifact = store
        .publish(&name(), "1", "r", &tree, &ignore, &stop)
        .unwrap();
    let opened = store.open(&artifact.path, &artifact.digest).unwrap();
    assert_eq!(
        paths(&*opened),
        [".sourceignore", "drop/back.yaml", "keep/y.md"]
    );
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(matches!(
        store.publish(&name(), "2", "r", &tree, &ignore, &stop),
        Err(StoreError::Stopped)
    ));
    assert!(!store.exists("gitrepository/apps/site/2.tar.gz"));
}

#[test]
fn an_artifact_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let artifact = publish(&store(folder.path()), "abc", &sample());
    let reopen = || {
        store(folder.path())
            .open(&artifact.path, &artifact.digest)
            .unwrap()
    };
    let whole = all(&*reopen());
    assert_eq!(whole, all(&sample()));
    assert_eq!(reopen().executable("run.sh"), Ok(true));
    assert_eq!(reopen().digest("b.yaml"), Ok(Digest::of(b"b: 1\n")));

    // Only the archive is left, as when Flux wrote it.
    std::fs::remove_dir_all(folder.path().join(".listings")).unwrap();
    std::fs::remove_dir_all(folder.path().join(".blobs")).unwrap();
    assert_eq!(all(&*reopen()), whole);
    // Half a listing, as no kill leaves it.
    let listing = folder.path().join(".listings").join(&artifact.path);
    let text = std::fs::read(&listing).unwrap();
    std::fs::write(&listing, &text[..text.len() / 2]).unwrap();
    assert_eq!(all(&*reopen()), whole);
}

#[test]
fn lost_and_damaged_blobs_are_errors_of_the_host_and_heal() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let artifact = publish(&store, "abc", &sample());
    let hex = Digest::of(b"b: 1\n").hex();
    let blob = folder.path().join(".blobs").join(&hex[..2]).join(&hex[2..]);
    for damage in [Some("b: 2\n"), None] {
        match damage {
            Some(text) => std::fs::write(&blob, text).unwrap(),
            None => std::fs::remove_file(&blob).unwrap(),
        }
        let tree = store.open(&artifact.path, &artifact.digest).unwrap();
        assert!(
            matches!(tree.read("b.yaml"), Err(ReadError::Host(_))),
            "{damage:?}"
        );
        let tree = store.open(&artifact.path, &artifact.digest).unwrap();
        assert_eq!(
            tree.read("b.yaml").unwrap().as_ref(),
            b"b: 1\n",
            "{damage:?}"
        );
    }
}

#[test]
fn tampering_and_loss_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let artifact = publish(&store, "abc", &sample());
    store.verify(&artifact.path, &artifact.digest).unwrap();
    let promised = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
        .parse()
        .unwrap();
    let told = store.verify(&artifact.path, &promised).unwrap_err();
    assert_eq!(
        told.to_string(),
        format!("computed digest doesn't match '{promised}'")
    );
    assert!(store.open(&artifact.path, &promised).is_err());
    store.remove(&artifact.path).unwrap();
    assert!(matches!(
        store.verify(&artifact.path, &artifact.digest),
        Err(VerifyError::Missing)
    ));
    for path in [
        "",
        "../x",
        "/etc/passwd",
        "a/../../b",
        ".blobs/aa",
        "a//b",
        "a/.hidden",
    ] {
        assert!(!store.exists(path), "{path}");
        assert!(store.remove(path).is_err(), "{path}");
    }
}

/// No digest was made, so nothing tells that it is another.
#[test]
fn what_can_not_be_read_is_not_called_tampered() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(Options::new(folder.path(), "here")).unwrap();
    // Readable by its mode, and each read ends in an I/O error.
    std::os::unix::fs::symlink("/proc/self", folder.path().join("gitrepository")).unwrap();
    let digest = ArchiveDigest::of(Algorithm::Sha256, b"");
    for path in ["gitrepository/mem", &format!("{}/a", "x".repeat(300))] {
        let told = store.verify(path, &digest).unwrap_err();
        assert!(matches!(told, VerifyError::Io(_)), "{told}");
    }
    for path in ["nowhere", "gitrepository/mem/below", "gitrepository/fd"] {
        let told = store.verify(path, &digest).unwrap_err();
        assert!(matches!(told, VerifyError::Missing), "{told}");
    }
}

#[test]
fn old_archives_go_and_blobs_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let revision = |number: usize| {
        let (shared, own) = ("shared".repeat(50), format!("own {number}"));
        publish(
            &store,
            &number.to_string(),
            &Files::new(&[("shared", &shared), ("own", &own)]),
        )
        .path
    };
    let made: Vec<String> = (1..=4).map(revision).collect();
    for (age, path) in [(10, &made[0]), (9, &made[1]), (8, &made[2])] {
        let file = std::fs::File::open(folder.path().join(path)).unwrap();
        file.set_modified(file.metadata().unwrap().modified().unwrap() - Duration::from_secs(age))
            .unwrap();
    }
    assert_eq!(
        store.collect_garbage(&name(), &made[3]).unwrap(),
        [made[0].clone(), made[1].clone()]
    );
    let file = std::fs::File::open(folder.path().join(&made[2])).unwrap();
    file.set_modified(file.metadata().unwrap().modified().unwrap() - Duration::from_secs(90))
        .unwrap();
    assert_eq!(
        store.collect_garbage(&name(), &made[3]).unwrap(),
        [made[2].clone()]
    );
    assert_eq!(
        store.collect_garbage(&name(), &made[3]).unwrap(),
        Vec::<String>::new()
    );

    // What is still read somewhere stays readable: here it is what the store remembers.
    assert_eq!(store.sweep().unwrap(), 0);
    drop(store);
    let store = self::store(folder.path());
    assert_eq!(store.sweep().unwrap(), 3);
    assert_eq!(store.sweep().unwrap(), 0);
    let bytes = std::fs::read(folder.path().join(&made[3])).unwrap();
    let digest = ArchiveDigest::of(Algorithm::Sha256, &bytes);
    assert_eq!(
        paths(&*store.open(&made[3], &digest).unwrap()),
        ["own", "shared"]
    );

    assert!(store.remove_all(&name()).unwrap());
    assert!(!store.remove_all(&name()).unwrap());
    assert!(!folder.path().join("gitrepository/apps/site").exists());
}

/// Locks are of open files: two stores of one process are as those of two processes.
#[test]
fn a_folder_is_one_process_s() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(folder.path());
    let second = store(folder.path());
    assert!(first.claim("process 7 on host-a").unwrap());
    assert!(!first.clone().claim("process 7 on host-a").unwrap());
    assert_eq!(
        second.claim("process 8 on host-b").unwrap_err().to_string(),
        format!("{:?} is in use by process 7 on host-a", folder.path())
    );
    // Whoever stands by reads what is there.
    let artifact = publish(&first, "abc", &sample());
    assert!(second.verify(&artifact.path, &artifact.digest).is_ok());
    drop(first);
    assert!(second.claim("process 8 on host-b").unwrap());
    let third = store(folder.path()).claim("x").unwrap_err().to_string();
    assert!(third.ends_with("by process 8 on host-b"), "{third}");
}
