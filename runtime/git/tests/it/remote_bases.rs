use crate::checkout::files;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use tidegate_git::{Locator, RemoteBases};
use tidegate_testkit::git_server::{Access, GitServer};
use tidegate_values::{RemoteError, RemoteSource as _};

/// `text => repository path [reference]`, or `text => ! error`; the rules are kustomize's.
#[test]
fn locators_are_taken_apart_as_kustomize_does() {
    for line in include_str!("../data/locators.txt")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let (text, wanted) = line.split_once(" => ").unwrap();
        let found = match Locator::parse(text) {
            Ok(found) => {
                let reference = found
                    .reference
                    .map(|reference| format!(" @{reference}"))
                    .unwrap_or_default();
                let path = if found.path.is_empty() {
                    String::new()
                } else {
                    format!(" {}", found.path)
                };
                format!("{}{path}{reference}", found.repository)
            }
            Err(error) => format!("! {error}"),
        };
        assert_eq!(found, wanted, "{text}");
    }
}

#[test]
fn wrong_locators_are_shown_without_secrets_and_on_one_line() {
    for (text, wanted) in [
        (
            "https://host.test/user:hunter22@x/b//../../d",
            "url path exits repo: ***@x/b//../../d",
        ),
        (
            "https://host.test/a/b//c\n/../../d",
            "url path exits repo: a/b//c\u{fffd}/../../d",
        ),
        (
            "/srv\r/me:hunter22@base",
            "uri looks like abs path: ***@base",
        ),
    ] {
        assert_eq!(Locator::parse(text).unwrap_err().to_string(), wanted);
    }
}

#[test]
fn locators_have_options() {
    let parse = |query: &str| {
        let locator = Locator::parse(&format!("https://host.test/a/b?{query}")).unwrap();
        (locator.timeout, locator.submodules)
    };
    assert_eq!(parse(""), (Duration::from_secs(27), true));
    assert_eq!(
        parse("timeout=61&submodules=false"),
        (Duration::from_secs(61), false)
    );
    assert_eq!(
        parse("timeout=1m30s&submodules=0"),
        (Duration::from_secs(90), false)
    );
    assert_eq!(
        parse("timeout=-5&submodules=no"),
        (Duration::from_secs(27), true)
    );
    assert_eq!(parse("timeout=1x"), (Duration::from_secs(27), true));
}

#[test]
fn bases_come_from_repositories() {
    let server = GitServer::start().unwrap();
    let repository = server.repository("team/bases").unwrap();
    repository
        .write("app/kustomization.yaml", "resources: []\n")
        .unwrap();
    let first = repository.commit("first").unwrap();
    repository.tag("v1", Some("one")).unwrap();
    repository.write("app/more.yaml", "a: 1\n").unwrap();
    repository.commit("second").unwrap();
    let bases = RemoteBases::default();
    for (query, count) in [
        ("", 2),
        ("?ref=main", 2),
        ("?ref=v1", 1),
        ("?ref=refs/tags/v1", 1),
        (&format!("?ref={first}"), 1),
    ] {
        let (tree, path) = bases
            .open(&format!("{}//app/{query}", repository.url()))
            .unwrap();
        assert_eq!(path, "app");
        assert_eq!(files(&*tree).len(), count, "{query}");
    }
    let missing = bases
        .open(&format!("{}//app?ref=nowhere", repository.url()))
        .err()
        .unwrap();
    assert!(
        matches!(&missing, RemoteError::NotFound(text) if text.contains("nowhere")),
        "{missing}"
    );
    server.set_down(true);
    assert!(matches!(
        bases.open(repository.url()).err().unwrap(),
        RemoteError::Unavailable(_)
    ));
    for locator in [
        "git@host.test:a/b.git",
        "ssh://host.test/a/b",
        "file:///etc/x.git",
    ] {
        assert!(
            matches!(
                bases.open(locator).err().unwrap(),
                RemoteError::Unavailable(_)
            ),
            "{locator}"
        );
    }
}

#[test]
fn files_come_by_url() {
    let server = GitServer::start().unwrap();
    let repository = server.repository("files").unwrap();
    repository.commit("one").unwrap();
    let bases = RemoteBases::default();
    let url = format!("{}/HEAD", repository.url());
    assert_eq!(
        bases.read(&url).unwrap().as_ref(),
        b"ref: refs/heads/main\n"
    );
    let small = RemoteBases {
        file_bytes: 5,
        ..RemoteBases::default()
    };
    assert!(matches!(
        small.read(&url).err().unwrap(),
        RemoteError::Unavailable(_)
    ));
    let plain = url.replace("/files.git/HEAD", "/x");
    assert_eq!(
        bases.read(&plain),
        Err(RemoteError::NotFound(
            "HTTP Error: status code 404 (Not Found)".into()
        ))
    );
    assert_eq!(
        bases.read(&format!("{plain}/y")),
        Err(RemoteError::NotFound("URL is a git repository".into()))
    );

    let locked = GitServer::start_with(&Access::Bearer("t0ken".into())).unwrap();
    assert!(matches!(
        bases.read(&locked.url("x")).err().unwrap(),
        RemoteError::NotFound(_)
    ));
}

#[test]
fn who_asks_says_how_long_it_may_take() {
    // Takes connections, and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/org/base.git", listener.local_addr().unwrap());
    let bases = RemoteBases::default();
    let short = bases.bounded(Duration::from_millis(100), &Arc::default());
    let stopped = bases.bounded(Duration::from_mins(1), &Arc::new(AtomicBool::new(true)));
    let began = Instant::now();
    for bounded in [short.unwrap(), stopped.unwrap()] {
        let opened = bounded.open(&url).err();
        assert!(matches!(opened, Some(RemoteError::Unavailable(_))));
        let read = bounded.read(&url);
        assert!(matches!(read, Err(RemoteError::Unavailable(_))));
    }
    // A locator without a time of its own has 27 s.
    assert!(began.elapsed() < Duration::from_secs(20));
}
