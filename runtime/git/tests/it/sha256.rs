//! Repositories whose objects are named by SHA-256.

use crate::bounds::link;
use crate::checkout::{budget, files};
use crate::relay::whole_request;
use std::io::Write as _;
use std::net::TcpListener;
use tidegate_git::{Checkout, Error, Options, Outcome, Reference, RemoteBases, checkout};
use tidegate_testkit::GitServer;
use tidegate_testkit::git_server::Repository;
use tidegate_values::{RemoteError, RemoteSource as _};

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

#[test]
fn a_base_at_a_commit_of_the_other_format_is_not_there() {
    let server = GitServer::start().unwrap();
    for (name, length, other) in [("sha1", 40, 64), ("sha256", 64, 40)] {
        let repository = server.repository_in(name, name).unwrap();
        repository.write("a.yaml", "a: 1\n").unwrap();
        let head = repository.commit("one").unwrap();
        assert_eq!(head.len(), length);
        let open = |reference: &str| {
            let url = format!("{}?ref={reference}", repository.url());
            RemoteBases::default().open(&url)
        };
        assert!(open(&head).is_ok());
        let wrong = "1".repeat(other);
        let told = open(&wrong).err().unwrap();
        let wanted = format!("couldn't find remote ref \"{wrong}\"");
        assert!(
            matches!(&told, RemoteError::NotFound(text) if text.ends_with(&wanted)),
            "{told}"
        );
    }
}

#[test]
fn a_submodule_of_the_other_format_is_refused() {
    let server = GitServer::start().unwrap();
    let options = Options {
        submodules: true,
        ..Options::default()
    };
    for (ours, theirs, length) in [("sha1", "sha256", 40), ("sha256", "sha1", 64)] {
        let library = server
            .repository_in(&format!("{theirs}-lib"), theirs)
            .unwrap();
        library.commit("one").unwrap();
        let main = server.repository_in(&format!("{ours}-main"), ours).unwrap();
        let modules = format!("[submodule \"lib\"]\n\tpath = lib\n\turl = ../{theirs}-lib.git\n");
        main.write(".gitmodules", modules).unwrap();
        link(&main, "lib", &"1".repeat(length));
        let remote = tidegate_git::Remote::new(main.url()).unwrap();
        // What the server can do is asked for, and then remembered.
        for _ in 0..2 {
            let told = checkout(&remote, &Reference::branch("main"), &options, &budget());
            let told = told.err().unwrap().to_string();
            let wanted = format!(
                "submodule 'lib': repository uses {theirs} hashes, but an object has a {ours} hash"
            );
            assert!(told.ends_with(&wanted), "{told}");
        }
    }
}

/// The library was made anew in another format, and its parent follows.
#[test]
fn a_submodule_that_changes_its_format_is_followed() {
    let server = GitServer::start().unwrap();
    let options = Options {
        submodules: true,
        ..Options::default()
    };
    for format in ["sha256", "sha1", "sha256"] {
        for name in ["moving-lib", "moving-main"] {
            let gone = server.repository(name).unwrap();
            std::fs::remove_dir_all(gone.git_dir()).unwrap();
        }
        let library = server.repository_in("moving-lib", format).unwrap();
        library.write("b.yaml", "b: 1\n").unwrap();
        let head = library.commit("one").unwrap();
        let main = server.repository_in("moving-main", format).unwrap();
        let modules = "[submodule \"lib\"]\n\tpath = lib\n\turl = ../moving-lib.git\n";
        main.write(".gitmodules", modules).unwrap();
        link(&main, "lib", &head);
        let got = take(&main, &Reference::branch("main"), &options);
        let found = files(&got.tree);
        let wanted = ("lib/b.yaml".to_owned(), "b: 1\n".to_owned());
        assert!(found.contains(&wanted), "{format}: {found:?}");
    }
}

/// No Git does so; a server that wants to harm does.
#[test]
fn a_server_that_lists_hashes_of_another_format_is_refused() {
    let line = |text: &str| format!("{:04x}{text}\n", text.len() + 5);
    let hash = "1".repeat(64);
    let hello = [
        line("# service=git-upload-pack"),
        "0000".to_owned(),
        line("version 2"),
        line("ls-refs"),
        line("fetch=shallow"),
        line("object-format=sha1"),
        "0000".to_owned(),
    ]
    .concat();
    let listed = line(&format!("{hash} refs/heads/main")) + "0000";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/main.git", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let request = whole_request(&mut stream).unwrap().unwrap_or_default();
            let (kind, body) = if request.starts_with(b"GET ") {
                ("advertisement", &hello)
            } else {
                ("result", &listed)
            };
            let length = body.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-{kind}\r\n\
                 Content-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            let _ = stream.write_all((head + body).as_bytes());
        }
    });
    let remote = tidegate_git::Remote::new(&url).unwrap();
    let told = checkout(
        &remote,
        &Reference::branch("main"),
        &Options::default(),
        &budget(),
    );
    assert_eq!(
        told.err().unwrap().to_string(),
        format!(
            "unable to clone '{url}': repository uses sha1 hashes, but an object has a sha256 hash"
        )
    );
}
