//! A role of two kinds, against an API server that knows leases and one object of each kind.

use super::Part;
use crate::cli;
use crate::flags::Flags;
use crate::flags::Role;
use crate::flags::command;
use crate::metrics::Metrics;
use crate::run::Common;
use crate::run::roles::runtime_namespace;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::Method;
use axum::http::StatusCode;
use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::core::v1::Pod;
use kube::Resource;
use kube::runtime::watcher;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use tidegate_artifact::Store;
use tidegate_flow::Announcer;
use tidegate_flow::Backoff;
use tidegate_flow::Controller;
use tidegate_flow::Flow;
use tidegate_flow::Kind;
use tidegate_flow::Next;
use tidegate_flow::Options;
use tidegate_flow::Report;
use tidegate_flow::Run;
use tidegate_kube::Cluster;
use tidegate_kube::Recorder;
use tidegate_kube::Scope;
use tidegate_kube::Watched;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Longer than anything takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// The leases by their names, and who held each in turn.
#[derive(Clone, Default)]
struct Leases(Arc<Mutex<BTreeMap<String, Vec<Value>>>>);

impl Leases {
    fn last(&self, name: &str) -> Option<Value> {
        self.0.lock().unwrap().get(name)?.last().cloned()
    }

    fn put(&self, name: &str, mut lease: Value) -> Value {
        let mut leases = self.0.lock().unwrap();
        let states = leases.entry(name.to_owned()).or_default();
        lease["metadata"]["resourceVersion"] = (states.len() + 1).to_string().into();
        states.push(lease.clone());
        lease
    }

    /// Who held a lease last; empty when nobody.
    fn holder(&self, name: &str) -> Option<String> {
        let lease = self.last(name)?;
        let spec = &lease["spec"];
        Some(
            spec["holderIdentity"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    }

    fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().keys().cloned().collect()
    }

    async fn until(&self, name: &str, fits: impl Fn(&str) -> bool) {
        let found = async {
            while !self.holder(name).is_some_and(|holder| fits(&holder)) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let names = || format!("{:?}", self.names());
        assert!(
            tokio::time::timeout(LIMIT, found).await.is_ok(),
            "{}",
            names()
        );
    }
}

/// What the API server says to a request.
async fn answer(leases: Leases, request: Request) -> (StatusCode, String) {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    if let Some((_, name)) = path.split_once("/leases") {
        assert!(path.contains(&format!("/namespaces/{}/", runtime_namespace())));
        let name = name.trim_start_matches('/');
        let answer = if head.method == Method::GET {
            leases.last(name)
        } else {
            let bytes = to_bytes(body, 1 << 20).await.unwrap();
            let lease: Value = serde_json::from_slice(&bytes).unwrap();
            let name = lease["metadata"]["name"].as_str().unwrap().to_owned();
            Some(leases.put(&name, lease))
        };
        let missing =
            json!({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404});
        return match answer {
            Some(lease) => (StatusCode::OK, lease.to_string()),
            None => (StatusCode::NOT_FOUND, missing.to_string()),
        };
    }
    if head
        .uri
        .query()
        .is_some_and(|query| query.contains("watch=true"))
    {
        // Nothing ever happens.
        return std::future::pending().await;
    }
    let kind = match path {
        "/api/v1/pods" => "Pod",
        "/api/v1/configmaps" => "ConfigMap",
        other => panic!("a request for {other}"),
    };
    let object = json!({"apiVersion": "v1", "kind": kind, "metadata": {"namespace": "ns", "name": "a", "uid": kind}});
    let list = json!({
        "apiVersion": "v1", "kind": format!("{kind}List"), "metadata": {"resourceVersion": "1"}, "items": [object],
    });
    (StatusCode::OK, list.to_string())
}

/// An API server; its address.
async fn serve(leases: Leases) -> String {
    let router = Router::new().fallback(move |request| answer(leases.clone(), request));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    address
}

/// The kinds whose objects were worked on.
type Seen = watch::Sender<BTreeSet<String>>;

/// A kind whose work is to be seen.
struct Fake<O> {
    seen: Arc<Seen>,
    object: PhantomData<fn() -> O>,
}

impl<O> Kind for Fake<O>
where
    O: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + serde::de::DeserializeOwned
        + serde::Serialize
        + fmt::Debug
        + Send
        + Sync
        + 'static,
{
    type Object = O;
    type Inputs = ();
    type Plan = ();
    type Outcome = ();

    const CONTROLLER: &'static str = "test-controller";

    async fn resolve(&self, _: &Arc<O>, _: &Run<Self>) {}

    fn plan(&self, _: &O, (): &(), _: Timestamp) -> Result<(), ()> {
        Ok(())
    }

    async fn act(&self, _: &Arc<O>, (): &(), (): (), _: &Run<Self>) {
        self.seen.send_modify(|seen| {
            seen.insert(O::kind(&()).into_owned());
        });
    }

    fn report(&self, object: &O, (): &(), (): &(), _: Timestamp, _: Duration) -> Report {
        Report {
            status: Self::status(object),
            finalizer: None,
            events: Vec::new(),
            next: Next::Never,
            error: None,
        }
    }

    fn status(_: &O) -> Value {
        json!({})
    }
}

fn controller<O>(cluster: &Cluster, seen: &Arc<Seen>) -> Controller
where
    Fake<O>: Kind<Object = O>,
    O: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + serde::de::DeserializeOwned
        + fmt::Debug
        + Send
        + Sync
        + 'static,
{
    let api = Scope::All.api::<O>(cluster.client());
    let (flow, pending) = Flow::new(Watched::start(api, watcher::Config::default()));
    let kind = Fake {
        seen: Arc::clone(seen),
        object: PhantomData,
    };
    Controller::new(flow, pending, Arc::new(kind))
}

/// All kinds of a role work under one lease: none before it is held, all from then on, and it is given up after all.
#[tokio::test]
async fn the_kinds_of_a_role_share_its_lease() {
    const LEASE: &str = "source-controller-leader-election";
    tidegate_kube::install_crypto();
    let leases = Leases::default();
    let held = json!({"holderIdentity": "another", "leaseDurationSeconds": 3600});
    leases.put(LEASE, json!({"metadata": {"name": LEASE}, "spec": held}));
    let folder = tempfile::tempdir().unwrap();
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "a",
        "clusters": [{"name": "a", "cluster": {"server": serve(leases.clone()).await}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "users": [{"name": "a", "user": {}}],
    });
    let path = folder.path().join("kubeconfig");
    std::fs::write(&path, config.to_string()).unwrap();
    let cluster = Arc::new(
        Cluster::connect(&cli::kubeconfigs(Some(&path)), "test")
            .await
            .unwrap(),
    );
    let matches = command().get_matches_from([
        "run",
        "--controllers=source-controller",
        "--enable-leader-election",
        "--leader-election-retry-period=20ms",
    ]);
    let flags = Arc::new(Flags::new(matches, None).unwrap());
    let (stopping, stop) = watch::channel(false);
    let announcer = Announcer::new(Recorder::start(cluster.client()), None);
    let common = Common {
        announcers: BTreeMap::from([(Role::Source, announcer)]),
        metrics: Metrics::new(cluster.requests()),
        cluster: Arc::clone(&cluster),
        stop,
    };
    std::fs::create_dir(folder.path().join("store")).unwrap();
    let store = Store::new(tidegate_artifact::Options::new(
        folder.path().join("store"),
        "x",
    ));
    let store = store.unwrap();
    let (seen, mut sees) = watch::channel(BTreeSet::new());
    let seen = Arc::new(seen);
    let (first, wait_first) = tokio::sync::oneshot::channel();
    let options = Options {
        concurrent: 1,
        backoff: Backoff::default(),
    };
    let controllers = vec![
        controller::<Pod>(&cluster, &seen),
        controller::<ConfigMap>(&cluster, &seen),
    ];
    let worked = Arc::clone(&seen);
    let part = Part::new(Role::Source, options, controllers).leading(async move {
        let _ = first.send(worked.borrow().is_empty());
        Ok(())
    });
    let lists = part.lists();
    assert_eq!(lists.len(), 2);
    let playing = tokio::spawn(part.play(flags, common, store));

    for list in lists {
        tokio::time::timeout(LIMIT, list).await.expect("a list");
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(sees.borrow().is_empty(), "a process that stands by works");
    assert_eq!(leases.holder(LEASE).as_deref(), Some("another"));

    leases.put(
        LEASE,
        json!({"metadata": {"name": LEASE}, "spec": {"holderIdentity": ""}}),
    );
    let both = BTreeSet::from(["ConfigMap".to_owned(), "Pod".to_owned()]);
    let all = sees.wait_for(|seen| *seen == both);
    assert!(
        tokio::time::timeout(LIMIT, all).await.is_ok(),
        "{:?}",
        seen.borrow()
    );
    assert_eq!(
        wait_first.await,
        Ok(true),
        "worked on before what comes first"
    );
    assert_eq!(leases.names(), [LEASE]);
    leases.until(LEASE, |holder| !holder.is_empty()).await;

    stopping.send_replace(true);
    let ended = tokio::time::timeout(LIMIT, playing).await.expect("it ends");
    ended.unwrap().unwrap();
    leases.until(LEASE, str::is_empty).await;
}
