use std::time::Duration;
use tidegate_git::{
    Budget, Checkout, Credentials, Error, Failure, Options, Outcome, Reference, Remote, checkout,
    resolve,
};
use tidegate_testkit::git_server::{Access, GitServer, Repository};
use tidegate_values::{ReadError, Secret, Tree};

pub(crate) fn budget() -> Budget {
    Budget::new(Duration::from_secs(30))
}

pub(crate) fn fetch(
    url: &str,
    reference: &Reference,
    options: &Options,
) -> Result<Box<Checkout>, Error> {
    match checkout(&Remote::new(url)?, reference, options, &budget())? {
        Outcome::Fetched(checkout) => Ok(checkout),
        Outcome::Unchanged(revision) => panic!("unchanged at {revision}"),
        Outcome::Empty => panic!("empty"),
    }
}

/// Every file with its content.
pub(crate) fn files(tree: &dyn Tree) -> Vec<(String, String)> {
    fn below(tree: &dyn Tree, path: &str, found: &mut Vec<(String, String)>) {
        for entry in tree.entries(path).unwrap() {
            let path = if path.is_empty() {
                entry.name
            } else {
                format!("{path}/{}", entry.name)
            };
            match entry.kind {
                tidegate_values::EntryKind::Directory => below(tree, &path, found),
                tidegate_values::EntryKind::File => {
                    let text = String::from_utf8_lossy(&tree.read(&path).unwrap()).into_owned();
                    assert_eq!(entry.size, text.len() as u64, "{path}");
                    found.push((path, text));
                }
            }
        }
    }
    let mut found = Vec::new();
    below(tree, "", &mut found);
    found
}

fn names(tree: &dyn Tree) -> Vec<String> {
    files(tree).into_iter().map(|(path, _)| path).collect()
}

/// Two commits on `main`, the first tagged in both ways, and a branch `side` on the first.
fn sample(server: &GitServer) -> (Repository, String, String) {
    let repository = server.repository("sample").unwrap();
    repository.write("a.yaml", "a: 1\n").unwrap();
    repository.write("deep/down/b.yaml", "b: 1\n").unwrap();
    std::os::unix::fs::symlink("a.yaml", repository.tree().join("link")).unwrap();
    let first = repository.commit("first\n\nwith a body").unwrap();
    repository.tag("v1.0.0", Some("one")).unwrap();
    repository.tag("light", None).unwrap();
    repository.git(&["branch", "side"]).unwrap();
    repository.write("run.sh", "#!/bin/sh\n").unwrap();
    let script = repository.tree().join("run.sh");
    std::fs::set_permissions(script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let second = repository.commit("second").unwrap();
    (repository, first, second)
}

#[test]
fn a_branch_comes_as_a_tree() {
    let server = GitServer::start().unwrap();
    let (repository, _, second) = sample(&server);
    let got = fetch(
        repository.url(),
        &Reference::branch("main"),
        &Options::default(),
    )
    .unwrap();
    assert_eq!(got.revision.to_string(), format!("main@sha1:{second}"));
    assert_eq!(got.commit.hash, second);
    assert_eq!(got.commit.short_message(), "second");
    assert_eq!(
        (
            got.commit.author.name.as_str(),
            got.commit.author.email.as_str()
        ),
        ("Tidegate", "tidegate@example.test")
    );
    assert!(got.commit.committer.when.is_some());
    assert_eq!(
        names(&got.tree),
        ["a.yaml", "deep/down/b.yaml", "run.sh"],
        "links are left out"
    );
    assert_eq!(got.tree.executable("run.sh"), Ok(true));
    assert_eq!(got.tree.executable("a.yaml"), Ok(false));
    assert_eq!(got.tree.read("nowhere"), Err(ReadError::NotFound));
}

#[test]
fn every_kind_of_reference_gives_its_revision() {
    let server = GitServer::start().unwrap();
    let (repository, first, second) = sample(&server);
    repository
        .git(&["update-ref", "refs/pull/1/head", &first])
        .unwrap();
    let some = |text: &str| Some(text.to_owned());
    let empty = Reference::default;
    let cases = [
        (
            Reference {
                tag: some("v1.0.0"),
                ..empty()
            },
            format!("v1.0.0@sha1:{first}"),
        ),
        (
            Reference {
                tag: some("light"),
                ..empty()
            },
            format!("light@sha1:{first}"),
        ),
        (
            Reference {
                semver: some(">=1"),
                ..empty()
            },
            format!("v1.0.0@sha1:{first}"),
        ),
        (
            Reference {
                name: some("refs/heads/main"),
                ..empty()
            },
            format!("refs/heads/main@sha1:{second}"),
        ),
        (
            Reference {
                name: some("refs/tags/v1.0.0"),
                ..empty()
            },
            format!("refs/tags/v1.0.0@sha1:{first}"),
        ),
        (
            Reference {
                name: some("refs/tags/v1.0.0^{}"),
                ..empty()
            },
            format!("refs/tags/v1.0.0^{{}}@sha1:{first}"),
        ),
        (
            Reference {
                name: some("refs/pull/1/head"),
                ..empty()
            },
            format!("refs/pull/1/head@sha1:{first}"),
        ),
        (
            Reference {
                commit: some(&first),
                ..empty()
            },
            format!("sha1:{first}"),
        ),
        (
            Reference {
                commit: some(&first.to_uppercase()),
                ..empty()
            },
            // go-git prints what it parsed.
            format!("sha1:{first}"),
        ),
        (
            Reference {
                commit: some(&first),
                branch: some("main"),
                ..empty()
            },
            format!("main@sha1:{first}"),
        ),
        (
            Reference {
                commit: some(&first),
                name: some("refs/heads/main"),
                tag: some("light"),
                ..empty()
            },
            format!("refs/heads/main@sha1:{first}"),
        ),
        (
            Reference {
                tag: some("light"),
                semver: some("2.x"),
                ..empty()
            },
            format!("light@sha1:{first}"),
        ),
        (
            Reference {
                branch: some("main"),
                semver: some(""),
                ..empty()
            },
            format!("main@sha1:{second}"),
        ),
    ];
    for (reference, revision) in cases {
        let got = fetch(repository.url(), &reference, &Options::default()).unwrap();
        assert_eq!(got.revision.to_string(), revision, "{reference:?}");
        assert_eq!(got.commit.hash, got.revision.hash(), "{reference:?}");
        let known = Options {
            known: Some(revision.clone()),
            ..Options::default()
        };
        let again = checkout(
            &Remote::new(repository.url()).unwrap(),
            &reference,
            &known,
            &budget(),
        )
        .unwrap();
        assert!(
            matches!(again, Outcome::Unchanged(found) if found.to_string() == revision),
            "{reference:?}"
        );
        let resolved = resolve(
            &Remote::new(repository.url()).unwrap(),
            &reference,
            &budget(),
        )
        .unwrap();
        assert_eq!(
            resolved.map(|found| found.to_string()),
            Some(revision),
            "{reference:?}"
        );
    }
}

#[test]
fn a_tag_object_is_told_apart() {
    let server = GitServer::start().unwrap();
    let (repository, ..) = sample(&server);
    let tagged = |tag: &str| {
        let reference = Reference {
            tag: Some(tag.to_owned()),
            ..Reference::default()
        };
        fetch(repository.url(), &reference, &Options::default())
            .unwrap()
            .commit
            .tag
    };
    let tag = tagged("v1.0.0").unwrap();
    assert_eq!(
        (tag.name.as_str(), tag.message.trim_end()),
        ("v1.0.0", "one")
    );
    assert_eq!(tag.hash, repository.git(&["rev-parse", "v1.0.0"]).unwrap());
    assert!(tagged("light").is_none());
}

#[test]
fn a_pinned_commit_must_be_on_a_branch() {
    let server = GitServer::start().unwrap();
    let (repository, first, _) = sample(&server);
    for _ in 0..3 {
        repository.commit("more").unwrap();
    }
    for filter in ["true", "false"] {
        repository
            .git(&["config", "uploadpack.allowFilter", filter])
            .unwrap();
        let reference = |commit: &str, branch: Option<&str>| Reference {
            commit: Some(commit.to_owned()),
            branch: branch.map(str::to_owned),
            ..Reference::default()
        };
        let got = fetch(
            repository.url(),
            &reference(&first, Some("main")),
            &Options::default(),
        )
        .unwrap();
        assert_eq!(
            names(&got.tree),
            ["a.yaml", "deep/down/b.yaml"],
            "filter {filter}"
        );
        let head = repository.head().unwrap();
        let missed = fetch(
            repository.url(),
            &reference(&head, Some("side")),
            &Options::default(),
        )
        .err()
        .unwrap();
        assert_eq!(
            missed.to_string(),
            format!("unable to resolve commit object for '{head}': object not found")
        );
        let short = fetch(
            repository.url(),
            &reference(&head[..7], None),
            &Options::default(),
        )
        .err()
        .unwrap();
        assert!(matches!(short, Error::CommitNotFound(_)));
    }
}

#[test]
fn equal_versions_are_decided_by_time() {
    let server = GitServer::start().unwrap();
    let repository = server.repository("builds").unwrap();
    let reference = Reference {
        semver: Some("1.x".into()),
        ..Reference::default()
    };
    repository.commit("old").unwrap();
    repository.tag("1.0.0+zulu", Some("annotated")).unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    let young = repository.commit("young").unwrap();
    repository.tag("1.0.0+alpha", None).unwrap();
    repository.tag("1.1.0-rc.1", None).unwrap();
    repository.tag("2.0", None).unwrap();
    let got = fetch(repository.url(), &reference, &Options::default()).unwrap();
    assert_eq!(
        got.revision.to_string(),
        format!("1.0.0+alpha@sha1:{young}")
    );
}

#[test]
fn sparse_trees_hold_what_was_asked_for() {
    let server = GitServer::start().unwrap();
    let (repository, ..) = sample(&server);
    let sparse = |folders: &[&str]| {
        let sparse = folders.iter().map(|&folder| folder.to_owned()).collect();
        fetch(
            repository.url(),
            &Reference::branch("main"),
            &Options {
                sparse,
                ..Options::default()
            },
        )
    };
    assert_eq!(
        names(&sparse(&["./deep/down"]).unwrap().tree),
        ["deep/down/b.yaml"]
    );
    let missing = sparse(&["deep", "two"]).err().unwrap();
    assert!(
        missing
            .to_string()
            .starts_with("sparse checkout dir 'two' does not exist in repository: ")
    );
}

#[test]
fn credentials_open_what_is_locked() {
    let basic = Access::Basic {
        username: "git".into(),
        password: "s3cret@x".into(),
    };
    let server = GitServer::start_with(&basic).unwrap();
    let (repository, _, second) = sample(&server);
    let go = |remote: &Remote| {
        checkout(
            remote,
            &Reference::branch("main"),
            &Options::default(),
            &budget(),
        )
    };
    let remote = Remote::new(repository.url()).unwrap();
    let refused = go(&remote).err().unwrap();
    assert_eq!(
        refused.to_string(),
        format!(
            "unable to clone '{}': authentication required: who are you?",
            repository.url()
        )
    );
    let password = Secret::new("s3cret@x");
    let open = go(&remote.clone().with_credentials(Credentials::Basic {
        username: "git".into(),
        password,
    }))
    .unwrap();
    assert!(matches!(open, Outcome::Fetched(got) if got.commit.hash == second));
    let in_url = repository
        .url()
        .replacen("http://", "http://git:s3cret%40x@", 1);
    assert!(go(&Remote::new(&in_url).unwrap()).is_ok());
    let wrong = Remote::new(&in_url.replace("s3cret", "guessed")).unwrap();
    let text = format!("{:?} {}", wrong, go(&wrong).err().unwrap());
    assert!(!text.contains("guessed"), "{text}");

    let server = GitServer::start_with(&Access::Bearer("t0ken".into())).unwrap();
    let (repository, ..) = sample(&server);
    let bearer = Credentials::Bearer(Secret::new("t0ken"));
    assert!(
        go(&Remote::new(repository.url())
            .unwrap()
            .with_credentials(bearer))
        .is_ok()
    );
}

/// Servers that know nothing of protocol 2 list all references at once and may refuse commits that are no tips.
#[test]
fn the_first_protocol_does_too() {
    let server = GitServer::start().unwrap();
    let (repository, first, second) = sample(&server);
    repository
        .git(&["config", "uploadpack.allowAnySHA1InWant", "false"])
        .unwrap();
    repository
        .git(&["config", "uploadpack.allowFilter", "false"])
        .unwrap();
    repository
        .git(&["branch", "--force", "side", &second])
        .unwrap();
    let backend = server.url("x").replace("http://", "").replace("/x.git", "");
    let url = format!(
        "{}/sample.git",
        crate::relay::plain_front(backend, "git-protocol")
    );
    let some = |text: &str| Some(text.to_owned());
    let empty = Reference::default;
    let cases = [
        (Reference::branch("main"), &second),
        (
            Reference {
                tag: some("v1.0.0"),
                ..empty()
            },
            &first,
        ),
        (
            Reference {
                semver: some("1.x"),
                ..empty()
            },
            &first,
        ),
        (
            Reference {
                name: some("refs/tags/light"),
                ..empty()
            },
            &first,
        ),
        (
            Reference {
                commit: some(&first),
                branch: some("main"),
                ..empty()
            },
            &first,
        ),
    ];
    for (reference, commit) in cases {
        let got = fetch(&url, &reference, &Options::default()).unwrap();
        assert_eq!(&got.commit.hash, commit, "{reference:?}");
    }
    let missing = fetch(&url, &Reference::branch("nowhere"), &Options::default())
        .err()
        .unwrap();
    assert!(
        missing
            .to_string()
            .ends_with("couldn't find remote ref \"refs/heads/nowhere\""),
        "{missing}"
    );
}

#[test]
fn limits_hold() {
    let server = GitServer::start().unwrap();
    let (repository, ..) = sample(&server);
    repository.write("big", vec![b'x'; 10_000]).unwrap();
    repository.commit("big").unwrap();
    let limited = |change: fn(&mut tidegate_git::Limits)| {
        let mut options = Options::default();
        change(&mut options.limits);
        match fetch(repository.url(), &Reference::branch("main"), &options)
            .err()
            .unwrap()
        {
            Error::Clone {
                cause: Failure::TooLarge { what, .. },
                ..
            } => what,
            other => panic!("{other}"),
        }
    };
    assert_eq!(
        limited(|limits| limits.total_bytes = 10_001),
        "bytes in all files"
    );
    assert_eq!(limited(|limits| limits.entries = 3), "files and folders");
    assert_eq!(limited(|limits| limits.objects = 3), "objects");
    assert_eq!(limited(|limits| limits.pack_bytes = 50), "bytes in a pack");
}
