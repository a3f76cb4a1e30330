//! The kit against the real programs.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tidegate_testkit::git_server::Access;
use tidegate_testkit::{Cluster, ControlPlane, Error, GitServer, Process, Reference};

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
fn one_repository_is_down_and_others_are_not() {
    let server = GitServer::start().expect("the server starts");
    let [one, other] = ["one", "other"].map(|name| {
        let repository = server.repository(name).expect("the repository is made");
        repository.commit("empty").expect("the commit is made");
        repository
    });
    let folder = tempfile::tempdir().expect("a folder");
    server.set_repository_down("one", true);
    assert!(!clone(one.url(), &folder.path().join("down")));
    assert!(clone(other.url(), &folder.path().join("other")));
    server.set_repository_down("one", false);
    assert!(clone(one.url(), &folder.path().join("up")));
}

#[test]
fn links_and_submodules_are_committed() {
    let server = GitServer::start().expect("the server starts");
    let part = server.repository("part").expect("the repository is made");
    let head = part.commit("empty").expect("the commit is made");
    let whole = server.repository("whole").expect("the repository is made");
    whole.link("a/b", "../c").expect("the link is made");
    whole.submodule("part", &part).expect("it is added");
    whole.commit("first").expect("the commit is made");
    // A submodule stays in later commits.
    whole.commit("second").expect("the commit is made");
    let tree = whole.git(&["ls-tree", "-r", "HEAD"]).expect("the tree");
    assert!(tree.starts_with("120000 blob "), "{tree}");
    assert!(
        tree.ends_with(&format!("160000 commit {head}\tpart")),
        "{tree}"
    );
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
fn objects_come_and_go_in_the_control_plane() {
    let plane = ControlPlane::start().expect("the control plane starts");
    let cluster = Cluster::connect(&plane.kubeconfig()).expect("a client");
    cluster.create_namespace("one").expect("a namespace");
    let name = Reference::parse("Deployment/web").expect("a reference");
    assert_eq!(cluster.get(&name, "one").expect("an answer"), None);

    let pod = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "example.test/web:1"}]}});
    let spec = json!({"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": pod});
    let web = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec});
    cluster.apply(&web, "one", "test").expect("applied");
    let ready = cluster.wait(&name, "one", Duration::from_secs(30), |object| {
        object
            .filter(|object| object["status"]["readyReplicas"] == 2)
            .cloned()
    });
    assert_eq!(
        ready.expect("it becomes ready")["metadata"]["namespace"],
        "one"
    );

    let patched = cluster.merge(
        &name,
        "one",
        "",
        "someone",
        &json!({"spec": {"replicas": 0}}),
    );
    assert_eq!(patched.expect("patched")["spec"]["replicas"], 0);
    cluster.delete(&name, "one").expect("deleted");
    cluster
        .wait(&name, "one", Duration::from_secs(30), |object| {
            object.is_none().then_some(())
        })
        .expect("it goes");
    let refused = cluster.apply(
        &json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {}}),
        "one",
        "test",
    );
    assert!(
        matches!(refused, Err(Error::Refused { code: 422, .. })),
        "{refused:?}"
    );
    let unknown = cluster.apply(
        &json!({"apiVersion": "v1", "kind": "Nothing", "metadata": {"name": "x"}}),
        "one",
        "test",
    );
    assert!(matches!(unknown, Err(Error::UnknownKind(kind)) if kind == "Nothing"));
}
