use crate::files::{Files, all, paths};
use crate::server::serve;
use crate::store::{publish, store};
use std::io::{Read as _, Write as _};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::time::Duration;
use tidegate_artifact::{Algorithm, ArchiveDigest};
use tidegate_artifact::{Download, DownloadError, Hosts, Limits, Options, Store, UnpackError};

fn quick() -> Download {
    Download {
        retries: 0,
        ..Download::default()
    }
}

#[test]
fn somebody_else_s_archive_is_taken_once() {
    let (theirs, ours) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let tree = Files::new(&[("a/b.yaml", "b: 1\n"), ("run", "!x")]);
    let (theirs, stop) = (store(theirs.path()), AtomicBool::new(false));
    let artifact = publish(&theirs, "abc", &tree);
    let (base, runtime) = serve(tidegate_artifact::server::router(theirs.clone()));
    let ours = store(ours.path());
    let url = format!("{base}/{}", artifact.path);
    let missing = ours.download(
        &format!("{base}/x.tar.gz"),
        &artifact.digest,
        &quick(),
        &stop,
    );
    assert!(matches!(missing, Err(DownloadError::NotFound)));
    let wrong = ours.download(
        &url,
        &ArchiveDigest::of(Algorithm::Sha256, b""),
        &quick(),
        &stop,
    );
    assert!(matches!(wrong, Err(DownloadError::Mismatch(_))));
    assert_eq!(
        all(&*ours
            .download(&url, &artifact.digest, &quick(), &stop)
            .unwrap()),
        all(&tree)
    );
    drop(runtime);
    let again = Store::new(Options::new(ours.path(), "x")).unwrap();
    assert_eq!(
        all(&*again
            .download(&url, &artifact.digest, &quick(), &stop)
            .unwrap()),
        all(&tree)
    );
    assert_eq!(again.sweep().unwrap(), 0, "a download in use is kept");
    let gone = again.download(
        &url,
        &ArchiveDigest::of(Algorithm::Sha256, b""),
        &quick(),
        &stop,
    );
    assert!(matches!(gone, Err(DownloadError::Connection(_))));
    // Our own needs no server at all.
    assert_eq!(
        paths(
            &*theirs
                .download(&artifact.url, &artifact.digest, &quick(), &stop)
                .unwrap()
        ),
        ["a/b.yaml", "run"]
    );
}

/// One connection that gets the first half of `bytes`, and the rest when it is `released`. Tells when the half is sent.
fn stall(bytes: Vec<u8>, asked: mpsc::Sender<()>, released: mpsc::Receiver<()>) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", bytes.len());
        stream.write_all(head.as_bytes()).unwrap();
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        stream.write_all(first).unwrap();
        asked.send(()).unwrap();
        released.recv().unwrap();
        stream.write_all(rest).unwrap();
    });
    base
}

/// A sweep waits for who adds content, and everybody who wants to add waits for the sweep.
#[test]
fn a_server_that_stalls_holds_up_nobody() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [theirs, ours] = folders.each_ref().map(|folder| store(folder.path()));
    let tree = Files::new(&[("a.yaml", "a: 1\n")]);
    let artifact = publish(&theirs, "abc", &tree);
    let archive = std::fs::read(theirs.path().join(&artifact.path)).unwrap();
    let (asked, is_asked) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let url = stall(archive, asked, released);
    let download = std::thread::spawn({
        let ours = ours.clone();
        move || ours.download(&url, &artifact.digest, &quick(), &AtomicBool::new(false))
    });
    is_asked.recv().unwrap();
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        ours.sweep().unwrap();
        publish(&ours, "def", &Files::new(&[("b.yaml", "b: 1\n")]));
        done.send(()).unwrap();
    });
    is_done
        .recv_timeout(Duration::from_secs(30))
        .expect("the sweep waits for the server");
    assert!(!download.is_finished());
    release.send(()).unwrap();
    assert_eq!(all(&*download.join().unwrap().unwrap()), all(&tree));
}

#[test]
fn another_host_is_asked_and_named() {
    let (theirs, ours) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let tree = Files::new(&[("a.yaml", "a: 1\n")]);
    let theirs = store(theirs.path());
    let artifact = publish(&theirs, "abc", &tree);
    let (base, _runtime) = serve(tidegate_artifact::server::router(theirs));
    let mut options = Options::new(ours.path(), "");
    options.hosts = Hosts {
        source_controller: base.strip_prefix("http://").map(str::to_owned),
        source_watcher: None,
    };
    let ours = Store::new(options).unwrap();
    let take = |url: &str| {
        let stop = AtomicBool::new(false);
        ours.download(url, &artifact.digest, &quick(), &stop)
    };
    // A name that nothing has: RFC 6761.
    let refused = take("http://source-watcher.invalid/abc.tar.gz").unwrap_err();
    assert!(matches!(refused, DownloadError::Connection(_)), "{refused}");
    let url = format!("http://source-controller.invalid/{}", artifact.path);
    assert_eq!(all(&*take(&url).unwrap()), all(&tree));
}

/// Serves an archive of these entries and takes it: `(type, path, content or target)`.
fn take(
    entries: &[(tar::EntryType, &str, &[u8])],
    limits: Limits,
) -> Result<Vec<String>, UnpackError> {
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(
        Vec::new(),
        flate2::Compression::best(),
    ));
    for (kind, path, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        // Past the library's own checks.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        let body: &[u8] = if kind.is_file() {
            content
        } else {
            header.as_old_mut().linkname[..content.len()].copy_from_slice(content);
            &[]
        };
        header.set_size(body.len() as u64);
        header.set_cksum();
        archive.append(&header, body).unwrap();
    }
    take_bytes(archive.into_inner().unwrap().finish().unwrap(), limits)
}

pub(crate) fn take_bytes(bytes: Vec<u8>, limits: Limits) -> Result<Vec<String>, UnpackError> {
    let digest = ArchiveDigest::of(Algorithm::Sha256, &bytes);
    let router = axum::Router::new().fallback(async move || bytes);
    let (base, _runtime) = serve(router);
    let folder = tempfile::tempdir().unwrap();
    match store(folder.path()).download(
        &base,
        &digest,
        &Download { limits, ..quick() },
        &AtomicBool::new(false),
    ) {
        Ok(tree) => Ok(paths(&*tree)),
        Err(DownloadError::Unpack(error)) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn harmful_archives_are_refused() {
    use tar::EntryType as Kind;
    let limits = Limits::default();
    let file = |path: &'static str| (Kind::Regular, path, &b"x"[..]);
    let harmless = take(
        &[
            (Kind::Directory, "./", b""),
            (Kind::Directory, "d/", b""),
            file("./d/x"),
            (Kind::Symlink, "d/l", b"../d/x"),
        ],
        limits,
    );
    assert_eq!(harmless.unwrap(), ["d/x"], "links inside are left out");
    for path in ["../x", "/etc/x", "a/../../x", "a//x", "a/./x", "/"] {
        assert!(
            matches!(take(&[file(path)], limits), Err(UnpackError::Path(_))),
            "{path}"
        );
    }
    for (kind, target) in [
        (Kind::Symlink, &b"../../etc"[..]),
        (Kind::Symlink, b"/etc/passwd"),
    ] {
        assert!(
            matches!(
                take(&[(kind, "d/l", target)], limits),
                Err(UnpackError::EscapingLink(_))
            ),
            "{target:?}"
        );
    }
    for kind in [Kind::Link, Kind::Char, Kind::Block, Kind::Fifo] {
        assert!(
            matches!(
                take(&[(kind, "x", b"d/x")], limits),
                Err(UnpackError::Special(_))
            ),
            "{kind:?}"
        );
    }
    assert!(matches!(
        take(&[file("x"), file("x")], limits),
        Err(UnpackError::Path(_))
    ));
    assert!(matches!(
        take(&[file("x"), file("x/y")], limits),
        Err(UnpackError::Path(_))
    ));
    let few = Limits {
        entries: 1,
        ..limits
    };
    assert!(matches!(
        take(&[file("x"), file("y")], few),
        Err(UnpackError::TooManyEntries(1))
    ));
    let small = Limits {
        total_bytes: 1,
        ..limits
    };
    assert!(matches!(
        take(&[file("x"), file("y")], small),
        Err(UnpackError::TooLarge(1))
    ));
    let short = Limits {
        file_bytes: 0,
        ..limits
    };
    assert!(matches!(
        take(&[file("x")], short),
        Err(UnpackError::FileTooLarge { .. })
    ));
    let zeros = vec![0; 40 << 20];
    assert!(matches!(
        take(&[(Kind::Regular, "x", &zeros)], limits),
        Err(UnpackError::TooDense(200))
    ));
    let mut cut = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    cut.write_all(b"this is no archive, but long enough to be looked at")
        .unwrap();
    assert!(take_bytes(cut.finish().unwrap(), limits).is_err());
    assert!(take_bytes(b"no gzip".to_vec(), limits).is_err());
}
