//! A cluster administrator in a namespace of its own, as one owner that remembers what it applied.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use kube::{
    Client, Config,
    client::Body,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};
use tidegate_apply::{
    IdleWaiter, Inventory, Mapper, Outcome, Owner, Previous, Pruned, Settings, apply, flatten,
    prepare, prune,
};
use tidegate_testkit::ControlPlane;
use tidegate_values::ObjectRef;

use crate::check::Native;

/// A cluster administrator in a namespace, as one owner that remembers what it applied.
pub(crate) struct Bench {
    pub(crate) client: Client,
    pub(crate) mapper: Arc<Mapper>,
    pub(crate) owner: Owner,
    pub(crate) namespace: String,
    pub(crate) previous: Previous,
    pub(crate) settings: Settings,
    pub(crate) check: Arc<Native>,
    pub(crate) requests: Arc<AtomicUsize>,
}

pub(crate) async fn config() -> Config {
    let read = Kubeconfig::read_from(ControlPlane::shared().kubeconfig()).unwrap();
    Config::from_custom_kubeconfig(read, &KubeConfigOptions::default())
        .await
        .unwrap()
}

/// A client that counts its requests.
pub(crate) fn counted(config: Config, requests: &Arc<AtomicUsize>) -> Client {
    let inner = Client::try_from(config).unwrap();
    let requests = requests.clone();
    let service = tower::service_fn(move |request: Request<Body>| {
        requests.fetch_add(1, Ordering::Relaxed);
        let inner = inner.clone();
        async move { inner.send(request).await }
    });
    Client::new(service, "default")
}

impl Bench {
    pub(crate) async fn new(namespace: &str) -> Self {
        let requests = Arc::new(AtomicUsize::new(0));
        let client = counted(config().await, &requests);
        let check = Arc::new(Native::default());
        let bench = Self {
            mapper: Mapper::new(client.clone()),
            client,
            owner: owner(namespace, "app"),
            namespace: namespace.to_owned(),
            previous: Previous::default(),
            settings: Settings::new("kustomize-controller", check.clone()),
            check,
            requests,
        };
        bench
            .put(
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}),
                "setup",
            )
            .await;
        bench
    }

    pub(crate) async fn apply(&mut self, objects: impl IntoIterator<Item = Value>) -> Outcome {
        let mut objects = flatten(objects);
        prepare(
            &mut objects,
            &self.owner,
            &BTreeMap::new(),
            &BTreeMap::new(),
        );
        let outcome = apply(
            &self.client,
            &self.mapper,
            &self.owner,
            objects,
            &self.previous,
            &self.settings,
            &IdleWaiter,
        )
        .await;
        self.previous.moved.clear();
        self.previous.known.extend(outcome.applied.clone());
        self.previous.inventory = if outcome.failure.is_some() {
            std::mem::take(&mut self.previous.inventory).after_failure(&outcome)
        } else {
            Inventory::of(&outcome.changes)
        };
        outcome
    }

    /// Prunes `stale`; nothing is kept.
    pub(crate) async fn prune(&self, stale: Vec<ObjectRef>) -> Pruned {
        let kept = Inventory::default();
        let (client, mapper, owner) = (&self.client, &self.mapper, &self.owner);
        prune(client, mapper, owner, stale, &kept, 4, &IdleWaiter).await
    }

    /// Applies, and says what happened: the log of changes and the failure.
    pub(crate) async fn log(&mut self, objects: impl IntoIterator<Item = Value>) -> String {
        let outcome = self.apply(objects).await;
        outcome
            .failure_message()
            .unwrap_or_else(|| outcome.changes.log())
    }

    /// As after a restart, or when everything was touched.
    pub(crate) fn forget(&mut self) {
        self.previous.known.clear();
    }

    pub(crate) fn config_map(&self, name: &str, data: &Value) -> Value {
        self.object("v1", "ConfigMap", name, json!({ "data": data }))
    }

    pub(crate) fn object(
        &self,
        api_version: &str,
        kind: &str,
        name: &str,
        content: Value,
    ) -> Value {
        let mut object = json!({"apiVersion": api_version, "kind": kind,
            "metadata": {"name": name, "namespace": self.namespace}});
        let Value::Object(content) = content else {
            panic!("content is a map")
        };
        for (key, value) in content {
            match (key.as_str(), value) {
                ("metadata", Value::Object(more)) => {
                    object["metadata"].as_object_mut().unwrap().extend(more);
                }
                (_, value) => object[key] = value,
            }
        }
        object
    }

    /// Server-side apply by somebody else.
    pub(crate) async fn put(&self, object: Value, manager: &str) {
        let path = format!("{}?fieldManager={manager}&force=true", path(&object));
        self.request("PATCH", &path, "application/apply-patch+yaml", &object)
            .await;
    }

    /// A merge patch by somebody else, as `kubectl edit` sends it.
    pub(crate) async fn edit(&self, name: &str, manager: &str, change: &Value) {
        let path = format!(
            "/api/v1/namespaces/{}/configmaps/{name}?fieldManager={manager}",
            self.namespace
        );
        self.request("PATCH", &path, "application/merge-patch+json", change)
            .await;
    }

    /// What must succeed, sooner or later: while the server switches a definition, it does not serve the path.
    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &Value,
    ) -> Value {
        let body = if body.is_null() {
            Vec::new()
        } else {
            serde_json::to_vec(body).unwrap()
        };
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header("content-type", content_type)
                .body(Body::from(body.clone()));
            let response = self.client.send(request.unwrap()).await.unwrap();
            let status = response.status();
            let bytes = response.into_body().collect().await.unwrap().to_bytes();
            if status.is_success() {
                return serde_json::from_slice(&bytes).unwrap();
            }
            let text = String::from_utf8_lossy(&bytes);
            let is_unserved =
                status == StatusCode::NOT_FOUND && text.trim() == "404 page not found";
            assert!(
                is_unserved && Instant::now() < deadline,
                "{method} {path}: {text}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn live(&self, name: &str) -> Value {
        let path = format!("/api/v1/namespaces/{}/configmaps/{name}", self.namespace);
        self.request("GET", &path, "application/json", &Value::Null)
            .await
    }

    pub(crate) fn count(&self) -> usize {
        self.requests.swap(0, Ordering::Relaxed)
    }
}

pub(crate) fn owner(namespace: &str, name: &str) -> Owner {
    Owner {
        group: "kustomize.toolkit.fluxcd.io".into(),
        name: name.into(),
        namespace: namespace.into(),
    }
}

pub(crate) fn path(object: &Value) -> String {
    let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
    let (name, namespace) = (
        text(&object["metadata"]["name"]),
        text(&object["metadata"]["namespace"]),
    );
    match text(&object["kind"]).as_str() {
        "Namespace" => format!("/api/v1/namespaces/{name}"),
        "ConfigMap" => format!("/api/v1/namespaces/{namespace}/configmaps/{name}"),
        "Role" => format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles/{name}"),
        "RoleBinding" => {
            format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings/{name}")
        }
        kind => panic!("no path for {kind}"),
    }
}

pub(crate) fn managers(live: &Value) -> Vec<String> {
    let entries = live["metadata"]["managedFields"].as_array().unwrap();
    let name = |entry: &Value| {
        format!(
            "{}/{}",
            entry["manager"].as_str().unwrap(),
            entry["operation"].as_str().unwrap()
        )
    };
    entries.iter().map(name).collect()
}

pub(crate) fn deployment(bench: &Bench, name: &str, label: &str, image: Value) -> Value {
    let mut container = json!({"name": "c"});
    if !image.is_null() {
        container["image"] = image;
    }
    let content = json!({"spec": {"replicas": 0, "selector": {"matchLabels": {"app": label}}, "template": {
        "metadata": {"labels": {"app": label}}, "spec": {"containers": [container]}}}});
    bench.object("apps/v1", "Deployment", name, content)
}
