//! Whole reconciles against an API server that does what is sent to it in the order that suits it.

use crate::Announcer;
use crate::Clock;
use crate::Kind;
use crate::Next;
use crate::Report;
use crate::Run;
use crate::Workers;
use crate::interrupts::Interrupts;
use crate::reconcile::reconcile;
use crate::run::Written;
use crate::workers::tests::Heard;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::Client;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use tidegate_kube::Committer;
use tidegate_kube::Recorder;
use tidegate_kube::Watched;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::sync::watch;

/// How long the server takes for a status that says `slow`: far longer than for any other.
const SLOW: Duration = Duration::from_millis(600);

/// What the server has.
pub(crate) const PODS: [&str; 2] = ["app", "other"];

/// Pods and their statuses, told by their reason.
#[derive(Default)]
pub(crate) struct Server {
    /// What was done, in this order.
    done: Mutex<Vec<String>>,
    /// A slow one arrived.
    arrived: Notify,
}

impl Server {
    pub(crate) async fn start() -> (Arc<Self>, Client) {
        tidegate_kube::install_crypto();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let config = kube::Config::new(address.parse().unwrap());
        let server = Arc::new(Self::default());
        let shared = Arc::clone(&server);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Goes on when the client has gone, as the real one does.
                tokio::spawn(Arc::clone(&shared).answer(stream));
            }
        });
        (server, Client::try_from(config).unwrap())
    }

    async fn answer(self: Arc<Self>, mut stream: TcpStream) {
        let (line, body) = request(&mut stream).await;
        let (code, answer) = if line.starts_with("PATCH /api/v1/namespaces/ns/pods/app/status") {
            let reason = body["status"]["reason"].as_str().unwrap().to_owned();
            if reason.starts_with("slow") {
                self.arrived.notify_one();
                tokio::time::sleep(SLOW).await;
            }
            self.done.lock().unwrap().push(reason.clone());
            (200, pod("app", &reason))
        } else if line.starts_with("GET /api/v1/pods?") {
            if line.contains("watch=true") {
                // Nothing ever happens.
                return std::future::pending().await;
            }
            let items = PODS.map(|name| pod(name, "before"));
            let list = json!({
                "apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "1"}, "items": items,
            });
            (200, list)
        } else {
            (404, json!({"kind": "Status", "code": 404}))
        };
        let answer = answer.to_string();
        let text = format!(
            "HTTP/1.1 {code} -\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
            answer.len()
        );
        let _ = stream.write_all(text.as_bytes()).await;
    }
}

/// The first line and the body.
async fn request(stream: &mut TcpStream) -> (String, Value) {
    let mut got = Vec::new();
    loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await.unwrap();
        assert!(read > 0, "the request ended early");
        got.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&got);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .to_lowercase()
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
            .unwrap_or(0);
        if body.len() >= length {
            let line = head.lines().next().unwrap_or_default().to_owned();
            return (line, serde_json::from_str(body).unwrap_or_default());
        }
    }
}

fn pod(name: &str, reason: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": "ns", "name": name, "uid": name, "resourceVersion": "1"},
        "status": {"reason": reason},
    })
}

fn status(reason: &str) -> Value {
    json!({ "reason": reason })
}

/// What a reconcile says that has nothing more to do.
pub(crate) fn ended(status: Value) -> Report {
    Report {
        status,
        finalizer: None,
        events: Vec::new(),
        next: Next::Never,
        error: None,
    }
}

/// Tells slow progress, and goes on as soon as that is on its way.
pub(crate) struct Steps {
    server: Arc<Server>,
    /// What is written before the end.
    checkpoint: Option<&'static str>,
}

impl Kind for Steps {
    type Object = Pod;
    type Inputs = ();
    type Plan = ();
    type Outcome = ();

    const CONTROLLER: &'static str = "test-controller";

    async fn resolve(&self, _: &Arc<Pod>, _: &Run<Self>) {}

    fn plan(&self, _: &Pod, (): &(), _: Timestamp) -> Result<(), ()> {
        Ok(())
    }

    async fn act(&self, _: &Arc<Pod>, (): &(), (): (), run: &Run<Self>) {
        run.progress(status("slow progress"));
        self.server.arrived.notified().await;
        if let Some(reason) = self.checkpoint {
            assert!(run.checkpoint(&status(reason)).await.unwrap());
        }
    }

    fn report(&self, _: &Pod, (): &(), (): &(), _: Timestamp, _: Duration) -> Report {
        ended(status("the end"))
    }

    fn status(object: &Pod) -> Value {
        serde_json::to_value(&object.status).unwrap()
    }
}

/// A reconcile that has the one worker there is.
pub(crate) async fn run(client: Client, interrupts: Arc<watch::Sender<Interrupts>>) -> Run<Steps> {
    let watched = Watched::start(
        Api::<Pod>::all(client.clone()),
        kube::runtime::watcher::Config::default(),
    );
    let object: Pod = serde_json::from_value(pod("app", "before")).unwrap();
    let workers = Workers::new("Pod", 1, Arc::new(Heard::default()));
    let slot = workers.take().await;
    Run {
        clock: Clock,
        written: Mutex::new(Written::new(Steps::status(&object))),
        writing: tokio::sync::Mutex::new(()),
        current: Mutex::new(Arc::new(object)),
        committer: Arc::new(Committer::new(client.clone(), "test", watched)),
        announcer: Announcer::new(Recorder::start(client), None),
        workers,
        slot: Mutex::new(slot),
        taking: tokio::sync::Mutex::new(()),
        interrupts,
        progress: watch::channel(None).0,
    }
}

/// What the server did, in its order.
async fn written(checkpoint: Option<&'static str>) -> Vec<String> {
    let (server, client) = Server::start().await;
    let run = run(client, Arc::default()).await;
    let steps = Steps {
        server: Arc::clone(&server),
        checkpoint,
    };
    assert_eq!(reconcile(&steps, &run).await, (Next::Never, false));
    // Whatever is still on its way arrives.
    tokio::time::sleep(SLOW * 2).await;
    let done = server.done.lock().unwrap();
    done.clone()
}

#[tokio::test]
async fn progress_under_way_never_lands_after_the_end() {
    assert_eq!(written(None).await, ["slow progress", "the end"]);
}

#[tokio::test]
async fn progress_under_way_never_lands_after_a_checkpoint() {
    assert_eq!(
        written(Some("a checkpoint")).await,
        ["slow progress", "a checkpoint", "the end"]
    );
}

#[tokio::test]
async fn long_waits_hold_no_worker_and_short_ones_keep_it() {
    let (_server, client) = Server::start().await;
    let run = run(client, Arc::default()).await;
    let busy = || run.workers.load().busy;

    let (held, ()) = tokio::join!(
        run.waiting_out(async {
            tokio::task::yield_now().await;
            busy()
        }),
        async { assert_eq!(busy(), 1) }
    );
    assert_eq!((held, busy()), (1, 1));

    // Two parts that wait want one worker again, not one each: there is no second.
    let other = Arc::clone(&run.workers);
    let parts = async {
        tokio::join!(
            run.waiting_out(tokio::time::sleep(SLOW * 2)),
            run.waiting_out(tokio::time::sleep(SLOW * 2)),
        );
        Clock.instant()
    };
    let somebody_else = async {
        let _slot = other.take().await.unwrap();
        tokio::time::sleep(SLOW * 2).await;
        Clock.instant()
    };
    let both = async { tokio::join!(parts, somebody_else) };
    let (went_on, freed) = tokio::time::timeout(SLOW * 100, both)
        .await
        .expect("nobody waits for ever");
    assert!(went_on > freed, "they went on without a worker");
    assert_eq!(run.workers.load().waiting, 0);
    assert_eq!(busy(), 1);
}
