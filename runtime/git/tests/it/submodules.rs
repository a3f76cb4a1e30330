use crate::checkout::{budget, fetch, files};
use crate::relay::relay_unless;
use std::net::TcpListener;
use tidegate_git::{Credentials, Options, Outcome, Reference, Remote, RemoteBases, checkout};
use tidegate_testkit::GitServer;
use tidegate_testkit::git_server::{Access, Repository};
use tidegate_values::{RemoteSource as _, Secret};

/// A commit with `library`'s head as submodule at `path`.
fn link(repository: &Repository, library: &Repository, path: &str, url: &str) {
    let modules = format!("[submodule \"{path}\"]\n\tpath = {path}\n\turl = {url}\n");
    repository.write(".gitmodules", modules).unwrap();
    repository.commit("modules").unwrap();
    let tree = repository.git(&["rev-parse", "HEAD^{tree}"]).unwrap();
    let folder = std::path::PathBuf::from(
        repository
            .git(&["rev-parse", "--absolute-git-dir"])
            .unwrap(),
    );
    let _ = std::fs::remove_file(folder.join("index"));
    repository.git(&["read-tree", &tree]).unwrap();
    let entry = format!("160000,{},{path}", library.head().unwrap());
    repository
        .git(&["update-index", "--add", "--cacheinfo", &entry])
        .unwrap();
    let tree = repository.git(&["write-tree"]).unwrap();
    let head = repository.head().unwrap();
    let commit = repository
        .git(&["commit-tree", &tree, "-p", &head, "-m", "submodule"])
        .unwrap();
    repository
        .git(&["update-ref", "refs/heads/main", &commit])
        .unwrap();
}

#[test]
fn submodules_come_with_their_dot_git_files() {
    let server = GitServer::start().unwrap();
    let inner = server.repository("inner").unwrap();
    inner.write("i.yaml", "i: 1\n").unwrap();
    inner.commit("inner").unwrap();
    let library = server.repository("lib").unwrap();
    library.write("l.yaml", "l: 1\n").unwrap();
    link(&library, &inner, "inner", "../inner.git");
    // The commit need not be at a tip.
    let pinned = library.head().unwrap();
    let main = server.repository("main").unwrap();
    main.write("a.yaml", "a: 1\n").unwrap();
    link(&main, &library, "vendor/lib", library.url());
    library
        .git(&["commit-tree", "HEAD^{tree}", "-p", &pinned, "-m", "later"])
        .unwrap();

    let reference = Reference::branch("main");
    let with = Options {
        submodules: true,
        ..Options::default()
    };
    let got = fetch(main.url(), &reference, &with).unwrap();
    let found = files(&got.tree);
    let texts: Vec<(&str, &str)> = found
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    assert_eq!(texts[1], ("a.yaml", "a: 1\n"));
    let names: Vec<&str> = texts.iter().map(|(path, _)| *path).collect();
    assert_eq!(
        names,
        [
            ".gitmodules",
            "a.yaml",
            "vendor/lib/.git",
            "vendor/lib/.gitmodules",
            "vendor/lib/inner/.git",
            "vendor/lib/inner/i.yaml",
            "vendor/lib/l.yaml"
        ]
    );
    assert_eq!(texts[2].1, "gitdir: ../../.git/modules/vendor/lib\n");
    assert_eq!(
        texts[4].1,
        "gitdir: ../../../.git/modules/vendor/lib/modules/inner\n"
    );

    let without = fetch(main.url(), &reference, &Options::default()).unwrap();
    assert_eq!(files(&without.tree).len(), 2);
    assert_eq!(
        tidegate_values::Tree::entries(&without.tree, "vendor/lib"),
        Ok(Vec::new()),
        "an empty folder is left"
    );

    std::fs::remove_dir_all(library.git(&["rev-parse", "--absolute-git-dir"]).unwrap()).unwrap();
    let text = fetch(main.url(), &reference, &with)
        .err()
        .unwrap()
        .to_string();
    let wanted = format!(
        "unable to clone '{}': submodule 'vendor/lib': repository not found: ",
        main.url()
    );
    assert_eq!(text, wanted);
}

/// As git and go-git do.
#[test]
fn credentials_in_the_url_of_a_submodule_are_shown_to_its_server() {
    let guarded = GitServer::start_with(&Access::Basic {
        username: "u".to_owned(),
        password: "p@ss/word".to_owned(),
    })
    .unwrap();
    let library = guarded.repository("lib").unwrap();
    library.write("l.yaml", "l: 1\n").unwrap();
    library.commit("lib").unwrap();
    let open = GitServer::start().unwrap();
    let main = open.repository("main").unwrap();
    let get = |user: &str| {
        let url = library.url().replace("http://", &format!("http://{user}@"));
        link(&main, &library, "lib", &url);
        let options = Options {
            submodules: true,
            ..Options::default()
        };
        fetch(main.url(), &Reference::branch("main"), &options)
    };
    let got = get("u:p%40ss%2Fword").unwrap();
    assert!(files(&got.tree).contains(&("lib/l.yaml".to_owned(), "l: 1\n".to_owned())));
    let refused = get("u:another").err().unwrap().to_string();
    assert!(refused.contains("authentication required"), "{refused}");
    assert!(!refused.contains("another"), "{refused}");
}

/// The parent's credentials are for its whole host, whatever user a URL there names.
#[test]
fn the_parents_credentials_stand_over_those_in_the_url_of_a_submodule_on_the_same_host() {
    let server = GitServer::start_with(&Access::Basic {
        username: "u".to_owned(),
        password: "p".to_owned(),
    })
    .unwrap();
    let library = server.repository("lib").unwrap();
    library.write("l.yaml", "l: 1\n").unwrap();
    library.commit("lib").unwrap();
    let main = server.repository("main").unwrap();
    let options = Options {
        submodules: true,
        ..Options::default()
    };
    let with_user = |url: &str, user: &str| url.replace("http://", &format!("http://{user}@"));
    let get = |remote: &Remote| {
        let reference = Reference::branch("main");
        match checkout(remote, &reference, &options, &budget()) {
            Ok(Outcome::Fetched(got)) => Ok(files(&got.tree)),
            Ok(_) => panic!("nothing came"),
            Err(error) => Err(error.to_string()),
        }
    };
    let wanted = ("lib/l.yaml".to_owned(), "l: 1\n".to_owned());
    let secret = Remote::new(main.url())
        .unwrap()
        .with_credentials(Credentials::Basic {
            username: "u".to_owned(),
            password: Secret::new("p"),
        });
    for user in ["git", "u", "another:hunter2"] {
        link(&main, &library, "lib", &with_user(library.url(), user));
        let found = get(&secret).unwrap();
        assert!(found.contains(&wanted), "{user}: {found:?}");
    }

    // Flux makes no difference between those of a Secret and those of the parent's own URL; Git does.
    let url = with_user(main.url(), "u:p");
    let in_url = Remote::new(&url).unwrap();
    let base = || RemoteBases::default().open(&url);
    link(&main, &library, "lib", &with_user(library.url(), "git"));
    assert!(get(&in_url).unwrap().contains(&wanted));
    assert!(files(&*base().unwrap().0).contains(&wanted));
    link(&main, &library, "lib", &with_user(library.url(), "u:other"));
    assert!(get(&in_url).unwrap().contains(&wanted));
    let refused = base().err().unwrap().to_string();
    assert!(refused.contains("authentication required"), "{refused}");
    assert!(!refused.contains("other"), "{refused}");
}

/// A user without a password is a credential to go-git, as tokens are; and none to the Git that kustomize calls.
#[test]
fn a_user_in_the_url_of_a_remote_bases_submodule_is_no_credential() {
    // Serves to those who show nothing.
    let server = GitServer::start().unwrap();
    let library = server.repository("lib").unwrap();
    library.write("l.yaml", "l: 1\n").unwrap();
    library.commit("lib").unwrap();
    let main = server.repository("main").unwrap();
    let picky = refusing_front(&server.url("x").replace("/x.git", ""));
    link(
        &main,
        &library,
        "lib",
        &format!("http://git@{picky}/lib.git"),
    );
    for base in [
        format!("http://git@{picky}/main.git"),
        main.url().to_owned(),
    ] {
        let (tree, _) = RemoteBases::default().open(&base).unwrap();
        assert!(files(&*tree).contains(&("lib/l.yaml".to_owned(), "l: 1\n".to_owned())));
    }
    let options = Options {
        submodules: true,
        ..Options::default()
    };
    let refused = fetch(main.url(), &Reference::branch("main"), &options);
    let refused = refused.err().unwrap().to_string();
    assert!(refused.contains("authentication required"), "{refused}");
}

/// A front that refuses whoever shows credentials; gives its host and port.
fn refusing_front(backend: &str) -> String {
    let backend = backend.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let backend = backend.clone();
            std::thread::spawn(move || relay_unless(&mut stream, &backend, "authorization"));
        }
    });
    address
}

#[test]
fn submodules_never_point_into_our_machine() {
    let server = GitServer::start().unwrap();
    let library = server.repository("lib").unwrap();
    library.commit("one").unwrap();
    let main = server.repository("main").unwrap();
    for url in ["/etc", "file:///etc", "ext::sh -c true", "-u./payload"] {
        link(&main, &library, "lib", url);
        let options = Options {
            submodules: true,
            ..Options::default()
        };
        let text = fetch(main.url(), &Reference::branch("main"), &options)
            .err()
            .unwrap()
            .to_string();
        assert!(text.contains("can't be used"), "{url}: {text}");
    }
}
