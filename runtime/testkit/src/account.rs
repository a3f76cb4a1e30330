//! Speaking to a cluster as a service account.

use std::path::{Path, PathBuf};

use http::Method;
use serde_json::{Value, json};

use crate::{Cluster, Error};

/// Writes a kubeconfig into `folder` that speaks as a service account, with a token of an hour. It is otherwise that of
/// `admin`.
pub fn kubeconfig_of(
    cluster: &Cluster,
    admin: &Path,
    (namespace, name): (&str, &str),
    folder: &Path,
) -> Result<PathBuf, Error> {
    let request = json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": 3600},
    });
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
    let body = request.to_string().into_bytes();
    let answer = cluster.request(&Method::POST, &path, "application/json", body)?;
    let token = answer["status"]["token"]
        .as_str()
        .ok_or_else(|| Error::Cluster("the API server gave no token".to_owned()))?;
    rewritten(admin, &folder.join("kubeconfig"), |config| {
        for user in config["users"].as_array_mut()? {
            user["user"] = json!({"token": token});
        }
        Some(())
    })
}

/// Writes a kubeconfig to `path` that is another one after an `edit`, which is none where that one holds nothing to edit.
pub(crate) fn rewritten(
    kubeconfig: &Path,
    path: &Path,
    edit: impl FnOnce(&mut Value) -> Option<()>,
) -> Result<PathBuf, Error> {
    let unreadable =
        |what: &dyn std::fmt::Display| Error::Cluster(format!("{}: {what}", kubeconfig.display()));
    let text = std::fs::read(kubeconfig).map_err(Error::io(kubeconfig.display().to_string()))?;
    let read = tidegate_yaml::parse_v2(&text).map_err(|error| unreadable(&error))?;
    let json = tidegate_yaml::to_json(&read).map_err(|error| unreadable(&error))?;
    let mut config: Value = serde_json::from_str(&json).map_err(|error| unreadable(&error))?;
    edit(&mut config).ok_or_else(|| unreadable(&"not a whole kubeconfig"))?;
    let yaml = tidegate_yaml::json_to_yaml(config.to_string().as_bytes())
        .map_err(|error| unreadable(&error))?;
    std::fs::write(path, yaml).map_err(Error::io(path.display().to_string()))?;
    Ok(path.to_owned())
}
