use super::Reconciler;
use super::outcome::Stored;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::ResourceExt as _;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tidegate_api::Artifact;
use tidegate_api::GitRepository;
use tidegate_artifact::Store;
use tidegate_artifact::VerifyError;
use tidegate_kube::Key;
use tidegate_kube::has_reason;
use tidegate_kube::message_of;
use tidegate_values::Redactor;

/// The contents of a Secret. No `Debug`: nobody prints it.
pub struct SecretData(pub BTreeMap<String, Vec<u8>>);

/// What the references of a GitRepository led to.
pub struct Inputs {
    /// What `secretRef` names; an error is the text of why it could not be read.
    pub secret: Option<Result<SecretData, String>>,
    /// What `proxySecretRef` names.
    pub proxy: Option<Result<SecretData, String>>,
    /// What `include` names, in its order.
    pub includes: Vec<Option<Arc<GitRepository>>>,
    pub stored: Stored,
    /// How many archives of earlier revisions were collected.
    pub collected: usize,
    pub requeue_dependency: Duration,
}

/// Keys of Secrets that hold nothing secret.
const PUBLIC: &[&str] = &[
    "address",
    "ca.crt",
    "caFile",
    "certFile",
    "known_hosts",
    "tls.crt",
];

impl Inputs {
    /// Knows the secrets that were read.
    pub(super) fn redactor(&self) -> Redactor {
        let mut secrets = Vec::new();
        for SecretData(data) in [&self.secret, &self.proxy]
            .into_iter()
            .flatten()
            .filter_map(|read| read.as_ref().ok())
        {
            let secret = |(key, _): &(&String, &Vec<u8>)| !PUBLIC.contains(&key.as_str());
            secrets.extend(data.iter().filter(secret).map(|(_, value)| value.clone()));
            // As the header of basic authentication joins them.
            if let (Some(username), Some(password)) = (data.get("username"), data.get("password")) {
                secrets.push([username.as_slice(), b":", password.as_slice()].concat());
            }
        }
        Redactor::new(secrets)
    }
}

impl Reconciler {
    pub(super) async fn resolve_inputs(&self, object: &GitRepository) -> Inputs {
        let mut inputs = Inputs {
            secret: None,
            proxy: None,
            includes: Vec::new(),
            stored: Stored::None,
            collected: 0,
            requeue_dependency: self.requeue_dependency,
        };
        if object.metadata.deletion_timestamp.is_some() || object.spec.suspend {
            return inputs;
        }
        let namespace = object.namespace().unwrap_or_default();
        if object.spec.check_names().is_ok() {
            if let Some(reference) = &object.spec.secret_ref {
                let name = format!("{namespace}/{}", reference.name);
                let read = self.secret(&namespace, &reference.name).await;
                inputs.secret = Some(read.map_err(|error| {
                    format!("failed to get secret '{name}': {}", message_of(&error))
                }));
            }
            if let Some(reference) = &object.spec.proxy_secret_ref {
                let name = format!("{namespace}/{}", reference.name);
                let read = self.secret(&namespace, &reference.name).await;
                // fluxcd/pkg, `runtime/secrets`, `getSecret`
                inputs.proxy = Some(read.map_err(|error| {
                    if has_reason(&error, "NotFound") {
                        format!("secret '{name}' not found")
                    } else {
                        format!("failed to get secret '{name}': {}", message_of(&error))
                    }
                }));
            }
        }
        let include = |name: &str| self.repositories.get(&Key::new(&namespace, name));
        inputs.includes = object
            .spec
            .include
            .iter()
            .map(|included| include(&included.repository.name))
            .collect();
        inputs.collected = self.collect_garbage(object).await;
        inputs.stored = self.stored(object).await;
        inputs
    }

    async fn secret(&self, namespace: &str, name: &str) -> Result<SecretData, kube::Error> {
        let api: Api<Secret> = Api::namespaced(self.cluster.client(), namespace);
        let secret = api.get(name).await?;
        Ok(SecretData(
            secret
                .data
                .unwrap_or_default()
                .into_iter()
                .map(|(key, value)| (key, value.0))
                .collect(),
        ))
    }

    async fn collect_garbage(&self, object: &GitRepository) -> usize {
        let Some(artifact) = object.status.artifact.clone() else {
            return 0;
        };
        let (store, name) = (self.artifacts.clone(), super::plan::artifact_name(object));
        let collected =
            tokio::task::spawn_blocking(move || store.collect_garbage(&name, &artifact.path));
        match collected.await {
            Ok(Ok(collected)) => collected.len(),
            Ok(Err(error)) => {
                tracing::error!(%error, "garbage collection of artifacts failed");
                0
            }
            Err(_) => 0,
        }
    }

    async fn stored(&self, object: &GitRepository) -> Stored {
        let Some(artifact) = object.status.artifact.clone() else {
            return Stored::None;
        };
        let store = self.artifacts.clone();
        let checked = tokio::task::spawn_blocking(move || check(&store, &artifact));
        checked
            .await
            .unwrap_or_else(|error| Stored::Unreadable(error.to_string()))
    }
}

/// source-controller, `reconcileStorage`: what is not as promised is removed, and made anew; what is stays, at the
/// address that we are reached by now. Flux also removes what can't be read; here it stays until it is made anew.
fn check(store: &Store, artifact: &Artifact) -> Stored {
    let Ok(digest) = artifact.digest.parse() else {
        return Stored::Tampered(format!("'{}' is no digest", artifact.digest));
    };
    match store.verify(&artifact.path, &digest) {
        Ok(()) => Stored::Intact {
            url: store.url(&artifact.path),
        },
        Err(VerifyError::Missing) => Stored::Missing,
        Err(error @ VerifyError::Mismatch(_)) => {
            let message = error.to_string();
            match store.remove(&artifact.path) {
                Ok(()) => Stored::Tampered(message),
                Err(error) => {
                    Stored::Tampered(format!("{message}; and it can't be removed: {error}"))
                }
            }
        }
        Err(error) => Stored::Unreadable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::Stored;
    use super::check;
    use serde_json::json;
    use tidegate_api::Artifact;
    use tidegate_artifact::Options;
    use tidegate_artifact::Store;
    use tidegate_values::Digest;

    #[test]
    fn what_is_stored_is_served_at_our_own_address() {
        let folder = tempfile::tempdir().unwrap();
        let path = "gitrepository/team/repo/1.tar.gz";
        let file = folder.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "content").unwrap();
        let artifact = json!({"digest": Digest::of(b"content").to_string(), "path": path, "revision": "main@sha1:1",
            "url": format!("http://gone/{path}"), "lastUpdateTime": "2026-01-01T00:00:00Z"});
        let artifact: Artifact = serde_json::from_value(artifact).unwrap();
        for (advertised, served) in [
            ("here:80", "http://here:80"),
            ("https://x/y", "https://x/y"),
        ] {
            let store = Store::new(Options::new(folder.path(), advertised)).unwrap();
            let url = format!("{served}/{path}");
            assert_eq!(check(&store, &artifact), Stored::Intact { url });
        }

        let store = Store::new(Options::new(folder.path(), "here")).unwrap();
        // A file whose reads fail: it may be as promised, and stays.
        let mut unreadable = artifact.clone();
        unreadable.path = "unreadable/mem".to_owned();
        std::os::unix::fs::symlink("/proc/self", folder.path().join("unreadable")).unwrap();
        assert!(matches!(check(&store, &unreadable), Stored::Unreadable(_)));

        std::fs::write(&file, "other").unwrap();
        assert!(matches!(check(&store, &artifact), Stored::Tampered(_)));
        assert!(!file.exists());
        assert_eq!(check(&store, &artifact), Stored::Missing);
    }
}
