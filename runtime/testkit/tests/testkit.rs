//! The kit against the real programs.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tidegate_testkit::git_server::Access;
use tidegate_testkit::tidegate::http_get;
use tidegate_testkit::{ControlPlane, Error, GitServer, Process};

const NO_ENV: [(OsString, OsString); 0] = [];

fn clone(url: &str, into: &Path) -> bool {
    let mut command = Command::new("git");
    command
        .args(["clone", "--quiet", url])
        .arg(into)
        .env("GIT_TERMINAL_PROMPT", "0")
        .stderr(Stdio::null());
    command.status().expect("git runs").success()
}

#[test]
fn a_repository_is_served_over_http() {
    let server = GitServer::start().expect("the server starts");
    let repository = server
        .repository("team/app")
        .expect("the repository is made");
    repository
        .write("a/b.txt", "one")
        .expect("the file is written");
    let first = repository.commit("first").expect("the commit is made");
    repository
        .write("a/b.txt", "two")
        .expect("the file is written");
    let second = repository.commit("second").expect("the commit is made");
    assert_ne!(first, second);

    let folder = tempfile::tempdir().expect("a folder");
    assert!(clone(repository.url(), &folder.path().join("clone")));
    assert_eq!(
        std::fs::read_to_string(folder.path().join("clone/a/b.txt")).expect("the file"),
        "two"
    );

    server.set_down(true);
    assert!(!clone(repository.url(), &folder.path().join("again")));
    assert!(server.requests() > 2);
}

#[test]
fn credentials_are_asked_for() {
    let access = Access::Basic {
        username: "git".into(),
        password: "secret".into(),
    };
    let server = GitServer::start_with(&access).expect("the server starts");
    let repository = server.repository("app").expect("the repository is made");
    repository.commit("empty").expect("the commit is made");
    let folder = tempfile::tempdir().expect("a folder");
    assert!(!clone(repository.url(), &folder.path().join("without")));
    let with = repository.url().replace("http://", "http://git:secret@");
    assert!(clone(&with, &folder.path().join("with")));
}

#[test]
fn a_process_ends_with_its_handle() {
    let folder = tempfile::tempdir().expect("a folder");
    let process = Process::start("sleep", Path::new("sleep"), ["1000"], NO_ENV, folder.path())
        .expect("sleep starts");
    let proc = format!("/proc/{}", process.pid());
    assert!(Path::new(&proc).exists());
    drop(process);
    assert!(!Path::new(&proc).exists());
}

#[test]
fn a_process_that_ends_early_is_an_error_with_its_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut process = Process::start(
        "talker",
        Path::new("sh"),
        ["-c", "echo my last words; exit 3"],
        NO_ENV,
        folder.path(),
    )
    .expect("sh starts");
    let error = process
        .wait_until("nothing", Duration::from_secs(20), || None::<()>)
        .expect_err("it ended");
    assert!(matches!(error, Error::Process { .. }));
    let text = error.to_string();
    assert!(
        text.contains("my last words") && text.contains("ended"),
        "{text}"
    );
}

#[test]
fn the_control_plane_answers() {
    let mut plane = ControlPlane::start().expect("the control plane starts");
    let kubeconfig = std::fs::read_to_string(plane.kubeconfig()).expect("a kubeconfig");
    let port = kubeconfig
        .split("https://127.0.0.1:")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|port| port.parse().ok());
    // Plain HTTP on its TLS port: the API server is there and says so.
    let (status, _) = http_get(port.expect("the server's port"), "/").expect("an answer");
    assert_eq!(status, 400);
    assert!(plane.process().exited().is_none());
}
