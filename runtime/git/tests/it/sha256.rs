//! Repositories whose objects are named by SHA-256.

use crate::bounds::link;
use crate::checkout::{budget, files};
use tidegate_git::{Checkout, Error, Options, Outcome, Reference, checkout};
use tidegate_testkit::GitServer;
use tidegate_testkit::git_server::Repository;

fn take(repository: &Repository, reference: &Reference, options: &Options) -> Box<Checkout> {
    let remote = tidegate_git::Remote::new(repository.url()).unwrap();
    match checkout(&remote, reference, options, &budget()).unwrap() {
        Outcome::Fetched(got) => got,
        _ => panic!("nothing came"),
    }
}

#[test]
fn every_kind_of_reference_leads_to_its_tree() {
    let server = GitServer::start().unwrap();
    let repository = server.repository_in("main", "sha256").unwrap();
    repository.write("app/a.yaml", "a: 1\n").unwrap();
    let first = repository.commit("first").unwrap();
    assert_eq!(first.len(), 64);
    repository.tag("v1.0.0", Some("annotated")).unwrap();
    repository.write("app/a.yaml", "a: 2\n").unwrap();
    let second = repository.commit("second").unwrap();
    let commit = |hash: &str| Reference {
        commit: Some(hash.to_owned()),
        ..Reference::default()
    };
    let semver = Reference {
        semver: Some(">=1.0.0".to_owned()),
        ..Reference::default()
    };
    for (reference, revision, content) in [
        (
            Reference::branch("main"),
            format!("main@sha256:{second}"),
            "a: 2\n",
        ),
        (semver, format!("v1.0.0@sha256:{first}"), "a: 1\n"),
        (commit(&first), format!("sha256:{first}"), "a: 1\n"),
    ] {
        let got = take(&repository, &reference, &Options::default());
        assert_eq!(got.revision.to_string(), revision);
        assert_eq!(
            files(&got.tree),
            [("app/a.yaml".to_owned(), content.to_owned())]
        );
        let known = Options {
            known: Some(revision),
            ..Options::default()
        };
        let remote = tidegate_git::Remote::new(repository.url()).unwrap();
        let again = checkout(&remote, &reference, &known, &budget()).unwrap();
        assert!(matches!(again, Outcome::Unchanged(_)));
    }

    let remote = tidegate_git::Remote::new(repository.url()).unwrap();
    let short = commit(&first[..40]);
    let told = checkout(&remote, &short, &Options::default(), &budget()).err();
    assert!(matches!(told, Some(Error::CommitNotFound(_))), "{told:?}");
}

#[test]
fn submodules_come_too() {
    let server = GitServer::start().unwrap();
    let library = server.repository_in("lib", "sha256").unwrap();
    library.write("b.yaml", "b: 1\n").unwrap();
    let head = library.commit("one").unwrap();
    let main = server.repository_in("main", "sha256").unwrap();
    let modules = "[submodule \"lib\"]\n\tpath = lib\n\turl = ../lib.git\n";
    main.write(".gitmodules", modules).unwrap();
    link(&main, "lib", &head);
    let options = Options {
        submodules: true,
        ..Options::default()
    };
    let got = take(&main, &Reference::branch("main"), &options);
    let found = files(&got.tree);
    assert!(
        found.contains(&("lib/b.yaml".to_owned(), "b: 1\n".to_owned())),
        "{found:?}"
    );
}
