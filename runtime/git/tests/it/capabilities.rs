//! What a server can do is asked once for many conversations; and again where that was wrong.

use crate::checkout::{budget, fetch};
use tidegate_git::{Options, Outcome, Reference, Remote, checkout};
use tidegate_testkit::GitServer;

/// Requests that a look for news takes, and what came of it.
fn look(server: &GitServer, url: &str, known: &str) -> (usize, Result<Outcome, String>) {
    let before = server.requests();
    let options = Options {
        known: Some(known.to_owned()),
        ..Options::default()
    };
    let remote = Remote::new(url).unwrap();
    let outcome = checkout(&remote, &Reference::branch("main"), &options, &budget());
    let outcome = outcome.map_err(|error| error.to_string());
    (server.requests() - before, outcome)
}

#[test]
fn looking_for_news_takes_one_request() {
    let server = GitServer::start().unwrap();
    let repository = server.repository("asked-once").unwrap();
    let url = repository.url();
    let first = repository.commit("one").unwrap();
    let main = Reference::branch("main");

    let before = server.requests();
    let fetched = fetch(url, &main, &Options::default()).unwrap();
    assert_eq!(server.requests() - before, 3, "hello, references, pack");
    let known = fetched.revision.to_string();
    assert!(known.ends_with(&first), "{known}");

    let (requests, outcome) = look(&server, url, &known);
    assert!(matches!(outcome, Ok(Outcome::Unchanged(_))));
    assert_eq!(requests, 1, "references");

    repository.write("new", "file").unwrap();
    repository.commit("two").unwrap();
    let (requests, outcome) = look(&server, url, &known);
    assert!(matches!(outcome, Ok(Outcome::Fetched(_))));
    assert_eq!(requests, 2, "references, pack");
}

#[test]
fn a_server_that_changed_is_asked_again() {
    let server = GitServer::start().unwrap();
    let repository = server.repository("changes").unwrap();
    repository.commit("one").unwrap();
    let url = repository.url();
    let known = fetch(url, &Reference::branch("main"), &Options::default())
        .unwrap()
        .revision
        .to_string();

    server.set_repository_down("changes", true);
    let (requests, outcome) = look(&server, url, &known);
    let down = outcome.err().unwrap();
    assert!(down.starts_with("unable to list remote for"), "{down}");
    assert!(down.contains("503"), "{down}");
    assert_eq!(requests, 2, "references, hello");
    server.set_repository_down("changes", false);
    let (requests, outcome) = look(&server, url, &known);
    assert!(matches!(outcome, Ok(Outcome::Unchanged(_))));
    assert_eq!(requests, 2, "hello, references");

    let folder = repository.git_dir();
    std::fs::remove_dir_all(folder).unwrap();
    std::fs::create_dir_all(folder).unwrap();
    let init = [
        "init",
        "--quiet",
        "--bare",
        "--initial-branch=main",
        "--object-format=sha256",
        ".",
    ];
    repository.git(&init).unwrap();
    repository.commit("another").unwrap();
    match look(&server, url, &known).1 {
        Ok(Outcome::Fetched(got)) => assert!(got.revision.to_string().starts_with("main@sha256:")),
        Ok(_) => panic!("nothing came"),
        Err(text) => panic!("{text}"),
    }
}
