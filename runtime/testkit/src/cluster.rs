//! What a test or the demo asks of a cluster, waiting for each answer: objects as JSON, named as `Kind/name`.

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use http::{Method, Request};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::Error;

/// An object by kind and name: `Deployment/web`, `Deployment/namespace/web`, or with the group and version,
/// `apps/v1:Deployment/web`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// Group and version (`v1`, `apps/v1`); none stands for the only served kind of that name.
    pub api_version: Option<String>,
    /// The kind.
    pub kind: String,
    /// The namespace; none stands for the one at hand, or for no namespace.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl Reference {
    /// Reads a reference.
    pub fn parse(text: &str) -> Result<Reference, Error> {
        let (api_version, rest) = match text.split_once(':') {
            Some((api_version, rest)) => (Some(api_version.to_owned()), rest),
            None => (None, text),
        };
        let mut parts: Vec<String> = rest.split('/').map(str::to_owned).collect();
        let (Some(name), 1 | 2) = (parts.pop(), parts.len()) else {
            return Err(Error::Cluster(format!("`{text}` is no `Kind/name`")));
        };
        let kind = parts.remove(0);
        Ok(Reference {
            api_version,
            kind,
            namespace: parts.pop(),
            name,
        })
    }

    /// The reference of an object.
    pub fn of(object: &Value) -> Result<Reference, Error> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match (
            text(&object["apiVersion"]),
            text(&object["kind"]),
            text(&object["metadata"]["name"]),
        ) {
            (Some(api_version), Some(kind), Some(name)) => Ok(Reference {
                api_version: Some(api_version),
                kind,
                namespace: text(&object["metadata"]["namespace"]),
                name,
            }),
            _ => Err(Error::Cluster(
                "an object needs apiVersion, kind and metadata.name".to_owned(),
            )),
        }
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/", self.kind)?;
        if let Some(namespace) = &self.namespace {
            write!(out, "{namespace}/")?;
        }
        out.write_str(&self.name)
    }
}

#[derive(Debug, Clone)]
struct Resource {
    api_version: String,
    kind: String,
    plural: String,
    namespaced: bool,
}

/// A connection to a cluster. Every call blocks, so it must not be made inside an asynchronous runtime.
pub struct Cluster {
    runtime: Runtime,
    client: Client,
    resources: Mutex<Vec<Resource>>,
}

impl Cluster {
    /// Connects with the current context of a kubeconfig, or of several, as `KUBECONFIG` lists them: there those that
    /// are missing are passed over.
    pub fn connect(kubeconfig: &Path) -> Result<Cluster, Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("cluster")
            .enable_all()
            .build()
            .map_err(Error::io("a runtime for the cluster's client"))?;
        let client = runtime.block_on(async {
            let read = read(kubeconfig).map_err(|error| error.to_string())?;
            let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await;
            Client::try_from(config.map_err(|error| error.to_string())?)
                .map_err(|error| error.to_string())
        });
        let client =
            client.map_err(|error| Error::Cluster(format!("{}: {error}", kubeconfig.display())))?;
        Ok(Cluster {
            runtime,
            client,
            resources: Mutex::default(),
        })
    }

    /// The client, for what is not here.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Sends a request. The answer is JSON; a refusal is `Err(Error::Refused)`.
    pub fn request(
        &self,
        method: &Method,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<Value, Error> {
        self.send(method, path, content_type, "application/json", body)
    }

    fn send(
        &self,
        method: &Method,
        path: &str,
        content_type: &str,
        accept: &str,
        body: Vec<u8>,
    ) -> Result<Value, Error> {
        let request = Request::builder()
            .method(method.clone())
            .uri(path)
            .header("Content-Type", content_type)
            .header("Accept", accept)
            .body(body)
            .map_err(|error| Error::Cluster(error.to_string()))?;
        self.runtime
            .block_on(self.client.request::<Value>(request))
            .map_err(|error| match error {
                kube::Error::Api(status) => Error::Refused {
                    code: status.code,
                    reason: status.reason.clone(),
                    message: status.message.clone(),
                },
                other => Error::Cluster(format!("{method} {path}: {other}")),
            })
    }

    /// Makes a namespace; one that is there already is fine.
    pub fn create_namespace(&self, name: &str) -> Result<(), Error> {
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        match self.request(
            &Method::POST,
            "/api/v1/namespaces",
            "application/json",
            body.to_string().into_bytes(),
        ) {
            Err(Error::Refused { code: 409, .. }) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Server-side apply, with force. `namespace` is for objects that name none.
    pub fn apply(&self, object: &Value, namespace: &str, manager: &str) -> Result<Value, Error> {
        let path = self.path(&Reference::of(object)?, namespace)?;
        let path = format!("{path}?fieldManager={manager}&force=true");
        self.retrying(
            &Method::PATCH,
            &path,
            "application/apply-patch+yaml",
            object,
        )
    }

    /// The object, or none when it is not there (or its kind is not).
    pub fn get(&self, reference: &Reference, namespace: &str) -> Result<Option<Value>, Error> {
        let path = match self.path(reference, namespace) {
            Ok(path) => path,
            Err(Error::UnknownKind(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        match self.request(&Method::GET, &path, "application/json", Vec::new()) {
            Ok(object) => Ok(Some(object)),
            Err(Error::Refused { code: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Patches an object (`subresource` may be `status`) with a JSON merge patch.
    pub fn merge(
        &self,
        reference: &Reference,
        namespace: &str,
        subresource: &str,
        manager: &str,
        change: &Value,
    ) -> Result<Value, Error> {
        let slash = if subresource.is_empty() { "" } else { "/" };
        let path = format!(
            "{}{slash}{subresource}?fieldManager={manager}",
            self.path(reference, namespace)?
        );
        self.retrying(
            &Method::PATCH,
            &path,
            "application/merge-patch+json",
            change,
        )
    }

    /// Deletes an object in the background; one that is not there is fine.
    pub fn delete(&self, reference: &Reference, namespace: &str) -> Result<(), Error> {
        let path = self.path(reference, namespace)?;
        let body = json!({"propagationPolicy": "Background"})
            .to_string()
            .into_bytes();
        match self.request(&Method::DELETE, &path, "application/json", body) {
            Err(Error::Refused { code: 404, .. }) => Ok(()),
            other => other.map(drop),
        }
    }

    /// All objects of a kind in a namespace.
    pub fn list(&self, kind: &str, namespace: &str) -> Result<Vec<Value>, Error> {
        let resource = self.resource(None, kind)?;
        let path = collection(&resource, namespace);
        let mut answer = self.request(&Method::GET, &path, "application/json", Vec::new())?;
        Ok(answer["items"]
            .as_array_mut()
            .map(std::mem::take)
            .unwrap_or_default())
    }

    /// How many objects of a kind in a namespace have these labels (a selector). As fast as can be: names only.
    pub fn count(&self, kind: &str, namespace: &str, labels: &str) -> Result<usize, Error> {
        const NAMES: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
        let resource = self.resource(None, kind)?;
        let labels = labels.replace('/', "%2F").replace('=', "%3D");
        let path = format!(
            "{}?labelSelector={labels}",
            collection(&resource, namespace)
        );
        let answer = self.send(&Method::GET, &path, "application/json", NAMES, Vec::new())?;
        Ok(answer["items"].as_array().map_or(0, Vec::len))
    }

    /// Asks for a reconcile, as `flux reconcile` does. The returned text is what `status.lastHandledReconcileAt` will
    /// be when it is done.
    pub fn request_reconcile(
        &self,
        reference: &Reference,
        namespace: &str,
    ) -> Result<String, Error> {
        let at = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |time| time.as_nanos())
            .to_string();
        let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": at}}});
        self.merge(reference, namespace, "", "testkit", &patch)?;
        Ok(at)
    }

    /// Polls an object until `done` gives a value, up to `limit`. The error names what was seen last.
    pub fn wait<T>(
        &self,
        reference: &Reference,
        namespace: &str,
        limit: Duration,
        mut done: impl FnMut(Option<&Value>) -> Option<T>,
    ) -> Result<T, Error> {
        let deadline = Instant::now() + limit;
        loop {
            let object = self.get(reference, namespace)?;
            if let Some(value) = done(object.as_ref()) {
                return Ok(value);
            }
            if Instant::now() > deadline {
                let status = object.map_or_else(
                    || "it is not there".to_owned(),
                    |object| format!("{:#}", object["status"]),
                );
                return Err(Error::Cluster(format!(
                    "{reference}: not reached in {} s; {status}",
                    limit.as_secs()
                )));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The path of an object in the API.
    fn path(&self, reference: &Reference, namespace: &str) -> Result<String, Error> {
        let resource = self.resource(reference.api_version.as_deref(), &reference.kind)?;
        let namespace = reference.namespace.as_deref().unwrap_or(namespace);
        Ok(format!(
            "{}/{}",
            collection(&resource, namespace),
            reference.name
        ))
    }

    fn resource(&self, api_version: Option<&str>, kind: &str) -> Result<Resource, Error> {
        let find = |known: &[Resource]| {
            let fits = |resource: &&Resource| {
                resource.kind == kind
                    && api_version.is_none_or(|wanted| wanted == resource.api_version)
            };
            known.iter().find(fits).cloned()
        };
        // A poisoned list is as good as another: it is only ever replaced as a whole.
        let mut known = self
            .resources
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(resource) = find(&known) {
            return Ok(resource);
        }
        // A definition is established a moment before discovery lists it.
        for left in (0..10).rev() {
            *known = self.discover()?;
            match find(&known) {
                Some(resource) => return Ok(resource),
                None if left > 0 && api_version.is_some() => {
                    std::thread::sleep(Duration::from_millis(200));
                }
                None => break,
            }
        }
        Err(Error::UnknownKind(kind.to_owned()))
    }

    /// Every kind that is served; `v1` first, then the groups in the server's order with their preferred version first.
    fn discover(&self) -> Result<Vec<Resource>, Error> {
        let get = |path: &str| self.request(&Method::GET, path, "application/json", Vec::new());
        let mut versions = vec!["v1".to_owned()];
        for group in get("/apis")?["groups"].as_array().into_iter().flatten() {
            let preferred = group["preferredVersion"]["groupVersion"].as_str();
            versions.extend(preferred.map(str::to_owned));
            let all = group["versions"].as_array().into_iter().flatten();
            let others = all
                .filter_map(|version| version["groupVersion"].as_str())
                .filter(|version| Some(*version) != preferred);
            versions.extend(others.map(str::to_owned));
        }
        let mut resources = Vec::new();
        for api_version in versions {
            let Ok(list) = get(&prefix(&api_version)) else {
                continue;
            };
            for entry in list["resources"].as_array().into_iter().flatten() {
                if let (Some(kind), Some(plural)) = (entry["kind"].as_str(), entry["name"].as_str())
                    && !plural.contains('/')
                {
                    resources.push(Resource {
                        api_version: api_version.clone(),
                        kind: kind.to_owned(),
                        plural: plural.to_owned(),
                        namespaced: entry["namespaced"] == true,
                    });
                }
            }
        }
        Ok(resources)
    }

    /// A kind that was defined a moment ago answers 429 or 404 for a while.
    fn retrying(
        &self,
        method: &Method,
        path: &str,
        content_type: &str,
        body: &Value,
    ) -> Result<Value, Error> {
        let body = body.to_string().into_bytes();
        for _ in 0..20 {
            match self.request(method, path, content_type, body.clone()) {
                Err(Error::Refused { code: 429, .. }) => {
                    std::thread::sleep(Duration::from_millis(250));
                }
                other => return other,
            }
        }
        self.request(method, path, content_type, body)
    }
}

/// The first of several counts.
fn read(kubeconfig: &Path) -> Result<Kubeconfig, KubeconfigError> {
    let paths: Vec<_> = std::env::split_paths(kubeconfig).collect();
    if paths.len() < 2 {
        return Kubeconfig::read_from(kubeconfig);
    }
    let found = paths.iter().filter(|path| path.exists());
    found
        .map(Kubeconfig::read_from)
        .try_fold(Kubeconfig::default(), |merged, read| {
            let mut read = read?;
            read.current_context = read.current_context.filter(|name| !name.is_empty());
            merged.merge(read)
        })
}

fn prefix(api_version: &str) -> String {
    format!(
        "{}/{api_version}",
        if api_version.contains('/') {
            "/apis"
        } else {
            "/api"
        }
    )
}

fn collection(resource: &Resource, namespace: &str) -> String {
    let prefix = prefix(&resource.api_version);
    if resource.namespaced {
        format!("{prefix}/namespaces/{namespace}/{}", resource.plural)
    } else {
        format!("{prefix}/{}", resource.plural)
    }
}

/// The condition of a type, of an object that has such.
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object["status"]["conditions"]
        .as_array()?
        .iter()
        .find(|condition| condition["type"] == kind)
}

/// Whether the object's condition `Ready` is true, for its present generation.
pub fn is_ready(object: &Value) -> bool {
    let current = &object["metadata"]["generation"];
    condition(object, "Ready").is_some_and(|ready| {
        ready["status"] == "True"
            && ready
                .get("observedGeneration")
                .is_none_or(|seen| seen == current)
    })
}

/// Applies definitions of custom resources and waits until they can be used.
pub fn install_definitions<'a>(
    cluster: &Cluster,
    definitions: impl IntoIterator<Item = &'a Value>,
) -> Result<(), Error> {
    let applied: Result<Vec<Value>, Error> = definitions
        .into_iter()
        .map(|definition| cluster.apply(definition, "", "testkit"))
        .collect();
    for definition in &applied? {
        cluster.wait(
            &Reference::of(definition)?,
            "",
            Duration::from_secs(30),
            |object| {
                condition(object?, "Established")
                    .filter(|condition| condition["status"] == "True")
                    .map(drop)
            },
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: (Option<&str>, &str, Option<&str>, &str)) {
        let got = Reference::parse(text).expect("a reference");
        assert_eq!(
            (
                got.api_version.as_deref(),
                got.kind.as_str(),
                got.namespace.as_deref(),
                got.name.as_str()
            ),
            expected
        );
    }

    #[test]
    fn references() {
        check("ConfigMap/a", (None, "ConfigMap", None, "a"));
        check("ConfigMap/ns/a", (None, "ConfigMap", Some("ns"), "a"));
        check(
            "apps/v1:Deployment/a",
            (Some("apps/v1"), "Deployment", None, "a"),
        );
        assert!(Reference::parse("a").is_err());
        assert!(Reference::parse("A/b/c/d").is_err());
    }
}
