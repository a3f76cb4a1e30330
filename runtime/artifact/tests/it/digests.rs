//! Digests of archives, in every algorithm of Flux.

use crate::files::{Files, all};
use crate::server::serve;
use crate::store::publish;
use std::sync::atomic::AtomicBool;
use tidegate_artifact::{Algorithm, ArchiveDigest, Download, Options, Store, VerifyError};

/// What the tools say of the bytes `abc`: `printf abc | sha1sum`, `sha256sum`, `sha384sum`, `sha512sum` (GNU coreutils 9.1), and the
/// reference implementation of BLAKE3.
const ABC: [&str; 5] = [
    "sha1:a9993e364706816aba3e25717850c26c9cd0d89d",
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha384:cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    "blake3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
];

#[test]
fn digests_are_those_of_the_tools() {
    for (algorithm, wanted) in Algorithm::ALL.into_iter().zip(ABC) {
        let digest = ArchiveDigest::of(algorithm, b"abc");
        assert_eq!(digest.to_string(), wanted);
        assert_eq!(wanted.parse(), Ok(digest));
        assert_eq!(digest.algorithm(), algorithm);
        assert_ne!(digest, ArchiveDigest::of(algorithm, b"abd"));
    }
}

#[test]
fn what_is_no_digest_is_shown() {
    let [sha1, sha256, sha384, ..] = ABC;
    let other_length = sha384.replace("sha384", "sha256");
    let short = &sha256[..sha256.len() - 2];
    let long = format!("{sha1}00");
    for text in [
        "",
        "sha256",
        "sha256:",
        "sha256:x\ny",
        &other_length,
        short,
        &long,
        "md5:00",
    ] {
        let error = text.parse::<ArchiveDigest>().unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{text:?} is no digest")),
            "{error}"
        );
    }
}

/// Published by one store with each algorithm, taken by another over HTTP, verified, and opened again from the listing.
#[test]
fn archives_have_the_digest_that_was_asked_for() {
    let tree = Files::new(&[("a.yaml", "a: 1\n"), ("b/c.yaml", "c: 1\n")]);
    for algorithm in Algorithm::ALL {
        let folder = tempfile::tempdir().unwrap();
        let open = || {
            let mut options = Options::new(folder.path(), "source.test");
            options.algorithm = algorithm;
            Store::new(options).unwrap()
        };
        let theirs = open();
        let artifact = publish(&theirs, "abc", &tree);
        let archive = std::fs::read(folder.path().join(&artifact.path)).unwrap();
        assert_eq!(artifact.digest, ArchiveDigest::of(algorithm, &archive));
        theirs.verify(&artifact.path, &artifact.digest).unwrap();
        let wrong = ArchiveDigest::of(algorithm, b"abc");
        assert!(matches!(
            theirs.verify(&artifact.path, &wrong),
            Err(VerifyError::Mismatch(_))
        ));
        let again = open().open(&artifact.path, &artifact.digest);
        assert_eq!(all(&*again.unwrap()), all(&tree));

        let (base, _server) = serve(tidegate_artifact::server::router(theirs.clone()));
        let url = format!("{base}/{}", artifact.path);
        let elsewhere = tempfile::tempdir().unwrap();
        let ours = crate::store::store(elsewhere.path());
        let take = |digest: &ArchiveDigest| {
            let stop = AtomicBool::new(false);
            ours.download(&url, digest, &Download::default(), &stop)
        };
        let refused = take(&wrong).unwrap_err().to_string();
        assert!(
            refused.ends_with(&format!("provided '{wrong}'")),
            "{refused}"
        );
        let taken = take(&artifact.digest.to_string().parse().unwrap()).unwrap();
        assert_eq!(all(&*taken), all(&tree));
        assert_eq!(taken.archive_digest(), artifact.digest);
    }
}
