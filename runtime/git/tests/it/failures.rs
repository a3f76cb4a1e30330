use crate::checkout::{budget, fetch};
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tidegate_git::{Budget, Options, Outcome, Reference, Remote, checkout};
use tidegate_testkit::GitServer;

fn message(url: &str, reference: &Reference, known: Option<&str>) -> String {
    let options = Options {
        known: known.map(str::to_owned),
        ..Options::default()
    };
    fetch(url, reference, &options).err().unwrap().to_string()
}

/// Texts as the behaviour of Flux was recorded.
#[test]
fn messages_are_flux_s() {
    let server = GitServer::start().unwrap();
    let repository = server.repository("here").unwrap();
    let main = Reference::branch("main");
    let url = repository.url();
    let tag = Reference {
        tag: Some("v1".into()),
        ..Reference::default()
    };
    let name = |name: &str| Reference {
        name: Some(name.into()),
        ..Reference::default()
    };
    let versions = |range: &str| Reference {
        semver: Some(range.into()),
        ..Reference::default()
    };

    let empty = checkout(
        &Remote::new(url).unwrap(),
        &main,
        &Options::default(),
        &budget(),
    )
    .unwrap();
    assert!(matches!(empty, Outcome::Empty));
    assert_eq!(
        message(url, &main, Some("x")),
        format!("unable to list remote for '{url}': remote repository is empty")
    );
    assert_eq!(
        message(url, &name("refs/heads/main"), None),
        format!("unable to list remote for '{url}': remote repository is empty")
    );
    assert_eq!(
        message(url, &tag, None),
        format!("unable to clone: remote repository is empty: git repository: '{url}'")
    );

    repository.commit("one").unwrap();
    repository.tag("1.0.0", None).unwrap();
    let gone = url.replace("here", "gone");
    assert_eq!(
        message(&gone, &main, None),
        format!("unable to clone '{gone}': repository not found: ")
    );
    assert_eq!(
        message(&gone, &main, Some("x")),
        format!("unable to list remote for '{gone}': repository not found: ")
    );
    assert_eq!(
        message(&gone, &name("refs/heads/main"), None),
        format!("unable to list remote for '{gone}': repository not found: ")
    );
    let other = Reference::branch("feature/x");
    for known in [None, Some("x")] {
        let wanted =
            format!("unable to clone '{url}': couldn't find remote ref \"refs/heads/feature/x\"");
        assert_eq!(message(url, &other, known), wanted);
    }
    assert_eq!(
        message(url, &tag, None),
        format!("unable to clone '{url}': couldn't find remote ref \"refs/tags/v1\"")
    );
    assert_eq!(
        message(url, &Reference::default(), None),
        format!("unable to clone '{url}': couldn't find remote ref \"refs/heads/master\"")
    );
    assert_eq!(
        message(url, &name("refs/x"), None),
        "unable to resolve ref 'refs/x' to a specific commit"
    );
    assert_eq!(
        message(url, &name("refs/heads/main/"), None),
        "ref refs/heads/main/ is invalid; Git refs cannot begin or end with a slash '/'"
    );
    assert_eq!(
        message(url, &versions("2.x"), None),
        "no match found for semver: 2.x"
    );
    assert_eq!(
        message(url, &versions("nine"), None),
        "semver parse error: improper constraint: \"nine\""
    );
    server.set_down(true);
    assert_eq!(
        message(url, &main, None),
        format!("unable to clone '{url}': unexpected status code 503: down")
    );
}

#[test]
fn other_hashes_are_refused() {
    let url = server(concat!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n",
        "Content-Length: 107\r\n\r\n",
        "001e# service=git-upload-pack\n0000",
        "000eversion 2\n000cls-refs\n0012fetch=shallow\n0019object-format=sha512\n0000",
    ));
    let text = message(&url, &Reference::branch("main"), None);
    assert!(
        text.ends_with("repository uses sha512 hashes, which are not supported"),
        "{text}"
    );
}

/// Answers every connection with `answer`, or never when that is empty.
fn server(answer: &'static str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            if !answer.is_empty() {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(answer.as_bytes());
            }
            held.push(stream);
        }
    });
    format!("http://{address}/x.git")
}

#[test]
fn a_server_that_hangs_is_left() {
    let stalled = "HTTP/1.1 200 OK\r\ncontent-type: application/x-git-upload-pack-advertisement\r\ncontent-length: 999\r\n\r\n001e# service=git-upload-pack\n";
    for answer in ["", stalled] {
        let url = server(answer);
        let start = Instant::now();
        let remote = Remote::new(&url).unwrap();
        let outcome = checkout(
            &remote,
            &Reference::default(),
            &Options::default(),
            &Budget::new(Duration::from_secs(1)),
        );
        assert_eq!(
            outcome.err().unwrap().to_string(),
            format!("unable to clone '{url}': context deadline exceeded")
        );
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "{:?}",
            start.elapsed()
        );

        let stop = Arc::new(AtomicBool::new(false));
        let budget = Budget::with_stop(Duration::from_mins(5), stop.clone());
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            stop.store(true, Ordering::Relaxed);
        });
        let outcome = checkout(&remote, &Reference::default(), &Options::default(), &budget);
        assert_eq!(
            outcome.err().unwrap().to_string(),
            format!("unable to clone '{url}': context canceled")
        );
        assert!(
            start.elapsed() < Duration::from_mins(1),
            "{:?}",
            start.elapsed()
        );
    }
}

#[test]
fn a_server_that_is_no_git_is_told() {
    let url =
        server("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 5\r\n\r\nhello");
    let text = message(&url, &Reference::default(), None);
    assert!(
        text.starts_with(&format!("unable to clone '{url}': ")),
        "{text}"
    );
    let url = server("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno");
    assert_eq!(
        message(&url, &Reference::default(), None),
        format!("unable to clone '{url}': authorization failed: no")
    );
    let url = server("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(
        message(&url, &Reference::default(), None),
        format!("unable to clone '{url}': authentication required")
    );
    let url = server(
        "HTTP/1.1 404 Not Found\r\ncontent-length: 73\r\n\r\n\
         <!DOCTYPE html>\n<html><head><title>Not here</title></head>\n<body>x</html>",
    );
    assert_eq!(
        message(&url, &Reference::default(), None),
        format!("unable to clone '{url}': repository not found: Not here")
    );
    let text = message("http://127.0.0.1:9/main", &Reference::default(), None);
    assert!(
        text.starts_with("unable to clone 'http://127.0.0.1:9/main': can't connect: "),
        "{text}"
    );
}

#[test]
fn a_secret_that_comes_back_is_masked() {
    // `git:s3cret-word` in base64, as a server may echo it.
    let url =
        server("HTTP/1.1 418 No\r\ncontent-length: 36\r\n\r\nbad s3cret-word Z2l0OnMzY3JldC13b3Jk");
    let credentials = tidegate_git::Credentials::Basic {
        username: "git".into(),
        password: tidegate_values::Secret::new("s3cret-word"),
    };
    let remote = Remote::new(&url).unwrap().with_credentials(credentials);
    let told = checkout(
        &remote,
        &Reference::default(),
        &Options::default(),
        &budget(),
    );
    let wanted = format!("unable to clone '{url}': unexpected status code 418: bad *** ***");
    assert_eq!(told.err().unwrap().to_string(), wanted);
}
