use std::{collections::HashMap, sync::Arc, time::Duration};

use kube::Client;
use parking_lot::{Mutex, RwLock};
use serde_json::Value;
use tokio::time::Instant;

use crate::{error::RequestError, request};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// How long after an apply of its definition a kind may be served otherwise than that says.
const FRESH_FOR: Duration = Duration::from_secs(30);

/// How long discovery, and the paths that it names, may lag behind a definition.
pub(crate) const LAG: Duration = Duration::from_secs(10);

/// How the server serves a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Empty for the core group.
    pub group: String,
    /// The version inside the group: `v1`.
    pub version: String,
    /// The resource in the path: `deployments`.
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

impl Resource {
    /// Every server has them.
    pub(crate) fn pods() -> Self {
        Self {
            group: String::new(),
            version: "v1".to_owned(),
            plural: "pods".to_owned(),
            namespaced: true,
        }
    }

    /// `/api/v1/` or `/apis/<group>/<version>/`.
    pub(crate) fn root(&self) -> String {
        if self.group.is_empty() {
            format!("/api/{}/", self.version)
        } else {
            format!("/apis/{}/{}/", self.group, self.version)
        }
    }

    /// As manifests write it: `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

/// What one cluster serves: kinds to resources. Filled by aggregated discovery on the first question;
/// an unknown kind is asked for once more in its own group version. One for each cluster, shared by all tenants:
/// every authenticated account may read discovery.
pub struct Mapper {
    client: Client,
    served: RwLock<Served>,
    /// When definitions, by group and name, were last applied: discovery and paths may lag behind.
    changed: Mutex<HashMap<(String, String), Instant>>,
    /// Held while asking the server, so that many reconciles wait for one answer.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Served {
    filled: bool,
    /// Grows with every answer of the server.
    edition: u64,
    by_version: HashMap<String, HashMap<String, Arc<Resource>>>,
}

impl Mapper {
    /// `client` is used for discovery only.
    pub fn new(client: Client) -> Arc<Self> {
        Arc::new(Self {
            client,
            served: RwLock::default(),
            changed: Mutex::default(),
            asking: tokio::sync::Mutex::new(()),
        })
    }

    /// The resource of a kind. Asks the server when the kind is not known yet.
    pub async fn resolve(
        &self,
        api_version: &str,
        kind: &str,
    ) -> Result<Arc<Resource>, RequestError> {
        if let Some(found) = self.known(api_version, kind) {
            return Ok(found);
        }
        let edition = self.served.read().edition;
        let _asking = self.asking.lock().await;
        // Somebody else may have asked while we waited.
        if self.served.read().edition != edition
            && let Some(found) = self.known(api_version, kind)
        {
            return Ok(found);
        }
        if !self.served.read().filled {
            self.fill().await?;
            if let Some(found) = self.known(api_version, kind) {
                return Ok(found);
            }
        }
        self.ask(api_version).await?;
        self.known(api_version, kind)
            .ok_or_else(|| RequestError::NoMatch {
                kind: kind.to_owned(),
                api_version: api_version.to_owned(),
            })
    }

    /// The resource of a kind if it is known without asking.
    pub fn known(&self, api_version: &str, kind: &str) -> Option<Arc<Resource>> {
        self.served
            .read()
            .by_version
            .get(api_version)?
            .get(kind)
            .cloned()
    }

    /// The resource of a kind in any version that is served, for objects noted under a version that is gone.
    /// `None` when the server has no such kind.
    pub async fn resolve_any_version(
        &self,
        group: &str,
        kind: &str,
    ) -> Result<Option<Arc<Resource>>, RequestError> {
        let versions = if group.is_empty() {
            vec!["v1".to_owned()]
        } else {
            check_api_version(&format!("{group}/v1"))?;
            match request::get_path(&self.client, &format!("/apis/{group}"), "application/json")
                .await
            {
                Ok(answer) => list(&answer["versions"])
                    .iter()
                    .map(|version| text(&version["groupVersion"]))
                    .collect(),
                Err(error) if error.is_not_found() => return Ok(None),
                Err(error) => return Err(error),
            }
        };
        for version in versions {
            match self.resolve(&version, kind).await {
                Ok(resource) => return Ok(Some(resource)),
                Err(error) if error.is_no_match() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Forgets the kinds of a group: the definition of this name was applied.
    pub(crate) fn note_definition(&self, group: &str, definition: &str) {
        let now = Instant::now();
        let mut changed = self.changed.lock();
        changed.retain(|_, at| now.duration_since(*at) < FRESH_FOR);
        changed.insert((group.to_owned(), definition.to_owned()), now);
        drop(changed);
        self.forget_kinds(group);
    }

    /// Whether what the server serves of a group may lag behind its definitions, whoever applied them through us.
    pub(crate) fn is_fresh(&self, group: &str) -> bool {
        let changed = self.changed.lock();
        changed
            .iter()
            .any(|((changed, _), at)| changed == group && at.elapsed() < FRESH_FOR)
    }

    /// Forgets the kinds of a group: the definition of this name was removed. What is served of its others may lag still.
    pub(crate) fn forget_definition(&self, group: &str, definition: &str) {
        let removed = (group.to_owned(), definition.to_owned());
        self.changed.lock().remove(&removed);
        self.forget_kinds(group);
    }

    fn forget_kinds(&self, group: &str) {
        let mut served = self.served.write();
        served.by_version.retain(|api_version, _| {
            api_version.split_once('/').map_or("", |(group, _)| group) != group
        });
        served.edition += 1;
    }

    /// Asks anew what a group version has: a path of it was gone. What is known stays until the answer is there,
    /// and if there is none.
    pub(crate) async fn refresh(&self, api_version: &str) {
        let _asking = self.asking.lock().await;
        // Without an answer the next question fails by itself.
        let _ = self.ask(api_version).await;
    }

    /// Forgets everything.
    pub fn forget(&self) {
        self.changed.lock().clear();
        let mut served = self.served.write();
        *served = Served {
            edition: served.edition + 1,
            ..Served::default()
        };
    }

    async fn fill(&self) -> Result<(), RequestError> {
        let core = request::get_path(&self.client, "/api", AGGREGATED).await?;
        let groups = request::get_path(&self.client, "/apis", AGGREGATED).await?;
        let mut by_version = HashMap::new();
        // A server without aggregated discovery answers lists without items: every version is then asked for alone.
        for group in list(&core["items"]).iter().chain(list(&groups["items"])) {
            let name = text(&group["metadata"]["name"]);
            for version in list(&group["versions"]) {
                if version["freshness"] == "Stale" {
                    continue;
                }
                let version_name = text(&version["version"]);
                let mut kinds = HashMap::new();
                for resource in list(&version["resources"]) {
                    let response = &resource["responseKind"];
                    let kind = text(&response["kind"]);
                    let belongs = text(&response["group"]) == name
                        || response["group"].as_str().is_none_or(str::is_empty);
                    if kind.is_empty() || !belongs {
                        continue;
                    }
                    kinds.entry(kind).or_insert_with(|| {
                        Arc::new(Resource {
                            group: name.clone(),
                            version: version_name.clone(),
                            plural: text(&resource["resource"]),
                            namespaced: resource["scope"] == "Namespaced",
                        })
                    });
                }
                let api_version = if name.is_empty() {
                    version_name
                } else {
                    format!("{name}/{version_name}")
                };
                by_version.insert(api_version, kinds);
            }
        }
        let mut served = self.served.write();
        served.filled = true;
        served.edition += 1;
        served.by_version = by_version;
        Ok(())
    }

    async fn ask(&self, api_version: &str) -> Result<(), RequestError> {
        check_api_version(api_version)?;
        let (path, group, version) = match api_version.split_once('/') {
            None => (format!("/api/{api_version}"), "", api_version),
            Some((group, version)) => (format!("/apis/{group}/{version}"), group, version),
        };
        let answer = match request::get_path(&self.client, &path, "application/json").await {
            Ok(answer) => answer,
            Err(error) if error.is_not_found() => Value::Null,
            Err(error) => return Err(error),
        };
        let mut kinds = HashMap::new();
        for resource in list(&answer["resources"]) {
            let plural = text(&resource["name"]);
            let other_group = resource["group"]
                .as_str()
                .is_some_and(|other| !other.is_empty() && other != group);
            if plural.contains('/') || other_group {
                continue;
            }
            kinds.entry(text(&resource["kind"])).or_insert_with(|| {
                Arc::new(Resource {
                    group: group.to_owned(),
                    version: version.to_owned(),
                    plural,
                    namespaced: resource["namespaced"] == true,
                })
            });
        }
        let mut served = self.served.write();
        served.edition += 1;
        // What is not served is not kept: manifests can name versions without end.
        if kinds.is_empty() {
            served.by_version.remove(api_version);
        } else {
            served.by_version.insert(api_version.to_owned(), kinds);
        }
        Ok(())
    }
}

/// Whether an API version can stand in the path of a request. What the server does not serve is for it to say.
fn check_api_version(api_version: &str) -> Result<(), RequestError> {
    let is_segment = |part: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        !matches!(part, "" | "." | "..") && part.bytes().all(is_plain)
    };
    let mut parts = api_version.split('/');
    if parts.by_ref().take(2).all(is_segment) && parts.next().is_none() {
        return Ok(());
    }
    Err(RequestError::Impossible(format!(
        "apiVersion {api_version:?} is neither VERSION nor GROUP/VERSION"
    )))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Request, Response};
    use kube::client::Body;

    #[tokio::test]
    async fn what_is_not_served_is_not_kept() {
        let service = tower::service_fn(async |_: Request<Body>| {
            let nothing = Response::builder().status(404).body(Body::empty());
            Ok::<_, std::convert::Infallible>(nothing.unwrap())
        });
        let mapper = Mapper::new(Client::new(service, "default"));
        // As a server without aggregated discovery is known.
        mapper.served.write().filled = true;
        for version in ["g.test/v1", "g.test/v2", "other.test/v1"] {
            let error = mapper.resolve(version, "Lamp").await.unwrap_err();
            assert!(error.is_no_match());
        }
        assert!(mapper.served.read().by_version.is_empty());
    }
}
