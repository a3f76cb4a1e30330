//! Watches against a server that does what a test tells it.

use super::ManagedKind;
use super::Moved;
use super::Moves;
use super::Needs;
use super::OwnerLabels;
use super::Place;
use super::Seen;
use crate::Cluster;
use crate::Key;
use crate::Scope;
use crate::limits::Limits;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::broadcast;

const LABELS: OwnerLabels = OwnerLabels {
    name: "owner/name",
    namespace: "owner/namespace",
};

/// How long anything here takes at most.
const SOON: Duration = Duration::from_secs(20);

/// What the server does about a request.
enum Answer {
    /// This code and document.
    Document(u16, Value),
    /// A watch that tells these and then waits until the client goes.
    Watch(Vec<Value>),
    /// The connection ends without a word.
    Nothing,
}

/// Answers requests in the order of their coming.
#[derive(Default)]
struct Server {
    answers: Mutex<VecDeque<Answer>>,
    /// What it was asked for, and `gone: …` for a watch that the client left.
    asked: Mutex<Vec<String>>,
}

impl Server {
    async fn start(
        owners: Scope,
        answers: impl IntoIterator<Item = Answer>,
    ) -> (Arc<Self>, Arc<Moves>) {
        crate::install_crypto();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = Arc::new(Self {
            answers: Mutex::new(answers.into_iter().collect()),
            asked: Mutex::default(),
        });
        let shared = Arc::clone(&server);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&shared).answer(stream));
            }
        });
        let config = kube::Config::new(address.parse().unwrap());
        let cluster = Cluster::with_limits(config, "test", Limits::default()).unwrap();
        (server, Moves::new(cluster.client(), LABELS, owners))
    }

    async fn answer(self: Arc<Self>, mut stream: TcpStream) {
        let Some(line) = request(&mut stream).await else {
            return;
        };
        let is_watch = line.contains("watch=true");
        let path = line.split(['?', ' ']).nth(1).unwrap_or_default();
        let verb = if is_watch { "watch" } else { "ask" };
        let asked = format!("{verb} {path}");
        self.asked.lock().unwrap().push(asked.clone());
        let answer = self.answers.lock().unwrap().pop_front();
        match answer.unwrap_or_else(|| panic!("{asked}: nothing to answer")) {
            Answer::Document(code, document) => {
                let document = document.to_string();
                let text = format!(
                    "HTTP/1.1 {code} -\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{document}",
                    document.len()
                );
                let _ = stream.write_all(text.as_bytes()).await;
            }
            Answer::Watch(events) => {
                let head = "HTTP/1.1 200 -\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
                let _ = stream.write_all(head.as_bytes()).await;
                for event in events {
                    let text = format!("{event}\n");
                    let chunk = format!("{:x}\r\n{text}\r\n", text.len());
                    let _ = stream.write_all(chunk.as_bytes()).await;
                }
                let _ = stream.read(&mut [0; 16]).await;
                self.asked.lock().unwrap().push(format!("gone: {path}"));
            }
            Answer::Nothing => {}
        }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Waits until it was asked for something.
    async fn wait_for(&self, asked: &str) {
        until(asked, || self.asked().iter().any(|it| it == asked)).await;
    }
}

/// The first line.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut got = Vec::new();
    loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await.ok()?;
        got.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&got);
        if read == 0 {
            return None;
        }
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .to_lowercase()
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
            .unwrap_or(0);
        if body.len() >= length {
            return head.lines().next().map(str::to_owned);
        }
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, waiting).await.expect(what);
}

async fn next(moved: &mut broadcast::Receiver<Moved>) -> (String, bool) {
    let moved = tokio::time::timeout(SOON, moved.recv()).await;
    let moved = moved.expect("a move").unwrap();
    (moved.object.name, moved.is_idle)
}

fn object(name: &str, version: u64) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "namespace": "ns", "name": name, "uid": name, "resourceVersion": version.to_string(),
            "labels": {"owner/name": "app", "owner/namespace": "flux"},
        },
    })
}

fn list(version: u64, items: &[Value]) -> Answer {
    let list = json!({
        "apiVersion": "v1", "kind": "ConfigMapList", "items": items,
        "metadata": {"resourceVersion": version.to_string()},
    });
    Answer::Document(200, list)
}

fn refused(code: u16) -> Answer {
    let status = json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code,
        "reason": "Whatever", "message": "no",
    });
    Answer::Document(code, status)
}

fn event(of: &str, object: &Value) -> Value {
    json!({"type": of, "object": object})
}

fn config_maps() -> ManagedKind {
    ManagedKind {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        plural: "configmaps".to_owned(),
    }
}

fn places(namespaces: &[&str]) -> BTreeSet<Place> {
    let place = |namespace: &&str| (config_maps(), (*namespace).to_owned());
    namespaces.iter().map(place).collect()
}

fn seen(moves: &Moves, name: &str, version: &str) -> Seen {
    moves.seen(&config_maps(), &Key::new("ns", name), version)
}

#[tokio::test]
async fn a_watch_goes_on_after_failures_without_a_new_list() {
    let error = json!({"kind": "Status", "status": "Failure", "code": 500, "message": "oh", "reason": "InternalError"});
    let (server, moves) = Server::start(
        Scope::All,
        [
            list(5, &[object("a", 4), object("b", 5)]),
            refused(403),
            Answer::Nothing,
            Answer::Watch(vec![
                event("MODIFIED", &object("a", 6)),
                event("ERROR", &error),
            ]),
        ],
    )
    .await;
    let mut moved = moves.subscribe();
    let owner = Key::new("flux", "app");
    moves.watch(&owner, places(&["ns"]));
    assert_eq!(next(&mut moved).await, ("a".to_owned(), false));
    assert_eq!(next(&mut moved).await, ("b".to_owned(), false));
    until("the failure is known", || {
        seen(&moves, "b", "5") == Seen::Unknown
    })
    .await;
    // The third try to watch succeeds.
    assert_eq!(next(&mut moved).await, ("a".to_owned(), false));
    assert_eq!(seen(&moves, "a", "4"), Seen::Moved);
    assert_eq!(seen(&moves, "b", "5"), Seen::Unknown);
    let path = "/api/v1/configmaps";
    let mut expected = vec![format!("ask {path}")];
    expected.extend([1, 2, 3].map(|_| format!("watch {path}")));
    assert_eq!(server.asked(), expected);
}

#[tokio::test]
async fn a_quiet_watch_is_trusted_again_once_it_is_taken_up() {
    let (_server, moves) = Server::start(
        Scope::All,
        [
            list(5, &[object("a", 4)]),
            refused(403),
            Answer::Watch(Vec::new()),
        ],
    )
    .await;
    moves.watch(&Key::new("flux", "app"), places(&["ns"]));
    until("it is listed", || seen(&moves, "a", "3") == Seen::Moved).await;
    until("the failure is known", || {
        seen(&moves, "a", "4") == Seen::Unknown
    })
    .await;
    until("it is heard again", || {
        seen(&moves, "a", "4") == Seen::Unmoved
    })
    .await;
    assert!(moves.is_at(&config_maps(), &Key::new("ns", "a"), "4"));
}

#[tokio::test]
async fn what_went_before_the_first_list_has_moved() {
    let answers = [list(9, &[]), Answer::Watch(Vec::new())];
    let (_server, moves) = Server::start(Scope::All, answers).await;
    // Written at 7, and deleted at 8.
    moves.watch(&Key::new("flux", "app"), places(&["ns"]));
    until("it is known to be gone", || {
        seen(&moves, "a", "7") == Seen::Moved
    })
    .await;
    // What is written now is told soon.
    assert_eq!(seen(&moves, "a", "10"), Seen::Unmoved);
}

#[tokio::test]
async fn a_watch_ends_with_the_last_owner_that_needs_it() {
    let (server, moves) = Server::start(
        Scope::All,
        [list(5, &[object("a", 4)]), Answer::Watch(Vec::new())],
    )
    .await;
    let [app, other] = ["app", "other"].map(|name| Key::new("flux", name));
    moves.watch(&app, places(&["ns"]));
    moves.watch(&other, places(&["ns", "more"]));
    server.wait_for("watch /api/v1/configmaps").await;
    moves.watch(&app, places(&[]));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let asked = ["ask /api/v1/configmaps", "watch /api/v1/configmaps"];
    assert_eq!(server.asked(), asked);
    until("it is heard", || seen(&moves, "a", "4") == Seen::Unmoved).await;
    moves.watch(&other, places(&[]));
    server.wait_for("gone: /api/v1/configmaps").await;
    assert_eq!(seen(&moves, "a", "4"), Seen::Unknown);
    assert!(moves.kinds.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_kind_that_is_gone_is_not_asked_for_when_nobody_needs_it() {
    let answers = [list(5, &[]), refused(404), refused(404), refused(404)];
    let (server, moves) = Server::start(Scope::All, answers).await;
    let owner = Key::new("flux", "app");
    moves.watch(&owner, places(&["ns"]));
    server.wait_for("watch /api/v1/configmaps").await;
    moves.watch(&owner, places(&[]));
    let asked = server.asked();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(server.asked(), asked);
}

#[tokio::test]
async fn a_definition_that_comes_back_ends_the_delay() {
    let answers = [list(5, &[])]
        .into_iter()
        .chain((0..4).map(|_| refused(404)))
        .chain([Answer::Watch(Vec::new())]);
    let (server, moves) = Server::start(Scope::All, answers).await;
    let kind = ManagedKind {
        api_version: "example.test/v1".to_owned(),
        kind: "Widget".to_owned(),
        plural: "widgets".to_owned(),
    };
    let place = (kind, "ns".to_owned());
    moves.watch(&Key::new("flux", "app"), BTreeSet::from([place]));
    // The next delay is of four seconds.
    until("it failed", || server.asked().len() == 5).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    for other in ["gadgets.example.test", "widgets.other.test", "widgets"] {
        moves.retry(other);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(server.asked().len(), 5);
    let start = Instant::now();
    moves.retry("widgets.example.test");
    until("it is tried again", || server.asked().len() == 6).await;
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn the_right_to_watch_everywhere_is_asked_for_until_there_is_an_answer() {
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {}, "status": {"allowed": true},
    });
    let (server, moves) = Server::start(
        Scope::Namespace("flux".to_owned()),
        [
            refused(500),
            Answer::Nothing,
            Answer::Document(201, review),
            list(5, &[object("a", 4)]),
            Answer::Watch(Vec::new()),
        ],
    )
    .await;
    moves.watch(&Key::new("flux", "app"), places(&["ns"]));
    // Not in the namespace alone.
    server.wait_for("watch /api/v1/configmaps").await;
    let reviews = "ask /apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    assert_eq!(server.asked()[..3], [reviews; 3]);
}

#[tokio::test]
async fn where_one_watch_cannot_see_all_each_namespace_ends_by_itself() {
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {}, "status": {"allowed": false},
    });
    let (server, moves) = Server::start(
        Scope::Namespace("flux".to_owned()),
        [
            Answer::Document(201, review),
            list(5, &[object("a", 4)]),
            Answer::Watch(Vec::new()),
            list(5, &[]),
            Answer::Watch(Vec::new()),
        ],
    )
    .await;
    let owner = Key::new("flux", "app");
    moves.watch(&owner, places(&["ns"]));
    server
        .wait_for("watch /api/v1/namespaces/ns/configmaps")
        .await;
    moves.watch(&owner, places(&["ns", "more"]));
    server
        .wait_for("watch /api/v1/namespaces/more/configmaps")
        .await;
    moves.watch(&owner, places(&["ns"]));
    server
        .wait_for("gone: /api/v1/namespaces/more/configmaps")
        .await;
    until("it is heard", || seen(&moves, "a", "4") == Seen::Unmoved).await;
}

#[test]
fn needs_are_counted_by_owner() {
    let mut needs = Needs::default();
    let [one, two] = ["one", "two"].map(|name| Key::new("flux", name));
    let vec = |namespaces: &[&str]| places(namespaces).into_iter().collect::<Vec<_>>();
    assert_eq!(
        needs.set(&one, places(&["a", "b"])),
        (vec(&["a", "b"]), vec(&[]))
    );
    assert_eq!(
        needs.set(&two, places(&["b", "c"])),
        (vec(&["c"]), vec(&[]))
    );
    // Said again, it changes nothing.
    assert_eq!(needs.set(&two, places(&["b", "c"])), (vec(&[]), vec(&[])));
    assert_eq!(needs.set(&one, places(&["d"])), (vec(&["d"]), vec(&["a"])));
    assert_eq!(needs.set(&two, places(&[])), (vec(&[]), vec(&["b", "c"])));
    assert_eq!(needs.set(&one, places(&[])), (vec(&[]), vec(&["d"])));
    assert!(needs.places.is_empty() && needs.owners.is_empty());
}
