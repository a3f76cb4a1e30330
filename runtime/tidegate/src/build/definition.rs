//! Where the Flux Kustomization comes from: a file, or the cluster.

use crate::cli::kubeconfigs;
use crate::cli::pflag::Parsed;
use anyhow::Context as _;
use anyhow::anyhow;
use anyhow::bail;
use kube::Api;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tidegate_api::Kustomization;
use tidegate_kube::Cluster;
use tidegate_kustomization::Substitution;
use tidegate_yaml::Value;
use tokio::runtime::Runtime;

const GROUP: &str = "kustomize.toolkit.fluxcd.io/";

/// Finds Kustomizations, and the variables that they name.
pub(super) struct Definitions {
    /// `None`: a dry run.
    connection: Option<Connection>,
}

struct Connection {
    runtime: Runtime,
    cluster: Cluster,
    timeout: Duration,
}

impl Connection {
    fn wait<T>(&self, work: impl Future<Output = T>) -> anyhow::Result<T> {
        let limited = async { tokio::time::timeout(self.timeout, work).await };
        self.runtime
            .block_on(limited)
            .map_err(|_| anyhow!("the cluster did not answer within {:?}", self.timeout))
    }
}

impl Definitions {
    pub(super) fn new(parsed: &Parsed) -> anyhow::Result<Self> {
        let timeout = parsed.text("timeout").unwrap_or("5m0s");
        let timeout: tidegate_api::Duration = timeout
            .parse()
            .with_context(|| format!("invalid argument \"{timeout}\" for \"--timeout\" flag"))?;
        if parsed.switch("dry-run") {
            return Ok(Self { connection: None });
        }
        let kubeconfig = parsed.text("kubeconfig").map(Path::new);
        tidegate_kube::install_crypto();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let agent = format!("tidegate/{}", env!("CARGO_PKG_VERSION"));
        let cluster = runtime.block_on(Cluster::connect(&kubeconfigs(kubeconfig), &agent))?;
        Ok(Self {
            connection: Some(Connection {
                runtime,
                cluster,
                timeout: timeout.to_std(),
            }),
        })
    }

    /// The Kustomization: that in `file` goes before that in the cluster, which has to exist all the same.
    pub(super) fn find(
        &self,
        name: &str,
        namespace: &str,
        file: Option<&Path>,
    ) -> anyhow::Result<Kustomization> {
        let live = self.live(name, namespace)?;
        match (file, live) {
            (Some(file), _) => read(file, name, namespace),
            (None, Some(Ok(live))) => Ok(live),
            (None, Some(Err(missing))) => Err(missing),
            (None, None) => bail!("kustomization file is required for dry-run"),
        }
    }

    /// A Kustomization among the manifests: the cluster's, if it has it.
    pub(super) fn find_contained(&self, found: Kustomization) -> anyhow::Result<Kustomization> {
        let name = found.metadata.name.clone().unwrap_or_default();
        let namespace = found.metadata.namespace.clone().unwrap_or_default();
        Ok(self
            .live(&name, &namespace)?
            .and_then(Result::ok)
            .unwrap_or(found))
    }
}

impl Definitions {
    /// The Kustomization in the cluster. `None` in a dry run; the inner error is that there is none.
    fn live(
        &self,
        name: &str,
        namespace: &str,
    ) -> anyhow::Result<Option<anyhow::Result<Kustomization>>> {
        let Some(connection) = &self.connection else {
            return Ok(None);
        };
        let api: Api<Kustomization> = Api::namespaced(connection.cluster.client(), namespace);
        match connection.wait(api.get(name))? {
            Ok(live) => Ok(Some(Ok(live))),
            Err(error) => {
                let text = anyhow::Error::msg(tidegate_kube::message_of(&error));
                if tidegate_kube::has_reason(&error, "NotFound") {
                    Ok(Some(Err(text)))
                } else {
                    Err(text.context(connection.cluster.server().to_owned()))
                }
            }
        }
    }

    /// The variables of `postBuild`; in a dry run those that are given inline.
    pub(super) fn variables(
        &self,
        namespace: &str,
        substitution: &Substitution,
    ) -> anyhow::Result<BTreeMap<String, String>> {
        if let Some(connection) = &self.connection {
            let load = tidegate_kustomization::load_variables(
                &connection.cluster,
                namespace,
                substitution,
            );
            let loaded = connection.wait(load)?.map_err(anyhow::Error::msg)?;
            return Ok(loaded.values);
        }
        let inline = substitution.inline.iter();
        // As fluxcd/pkg has it: line breaks would let a value become more YAML than a value.
        Ok(inline
            .map(|(name, value)| (name.clone(), value.replace('\n', "")))
            .collect())
    }
}

/// Whether an object is a Flux Kustomization.
pub(super) fn is_kustomization(object: &Value) -> bool {
    let text = |field| {
        object
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    text("apiVersion").starts_with(GROUP) && text("kind") == "Kustomization"
}

/// An object as a Kustomization.
pub(super) fn kustomization(object: &Value) -> anyhow::Result<Kustomization> {
    let object: serde_json::Value = serde_json::from_str(&tidegate_yaml::to_json(object)?)?;
    // The field is named: a line of what the object was made into is none of the file.
    Ok(serde_path_to_error::deserialize(object)?)
}

/// The Kustomization of that name in a file with any number of documents; one that names no namespace is in every one.
fn read(file: &Path, name: &str, namespace: &str) -> anyhow::Result<Kustomization> {
    let shown = file.display();
    let content = std::fs::read(file).map_err(|error| {
        anyhow!(
            "failed to read kustomization file {shown}: open {shown}: {}",
            crate::file_tree::reason(&error)
        )
    })?;
    let broken = || format!("failed to unmarshall kustomization file {shown}");
    for document in tidegate_yaml::parse_documents(&content).with_context(broken)? {
        let object = tidegate_yaml::decode(&document).with_context(broken)?;
        let metadata = |field: &str| {
            object
                .get("metadata")
                .and_then(|metadata| metadata.get(field)?.as_str())
                .unwrap_or_default()
        };
        let is_meant = metadata("name") == name
            && matches!(metadata("namespace"), found if found == namespace || found.is_empty());
        if is_kustomization(&object) && is_meant {
            return kustomization(&object).with_context(broken);
        }
    }
    bail!(
        "failed find kustomization with name '{name}' and namespace '{namespace}' in file '{shown}'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: app, namespace: apps}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: app, namespace: other}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: anywhere}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: app, namespace: apps}
spec: {path: ./apps}
";

    #[test]
    fn the_document_of_that_name_and_namespace_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file.yaml");
        std::fs::write(&file, FILE).unwrap();
        let found = read(&file, "app", "apps").unwrap();
        assert_eq!(found.spec.path.as_deref(), Some("./apps"));
        assert_eq!(
            read(&file, "anywhere", "apps").unwrap().metadata.namespace,
            None
        );
        let error = read(&file, "missing", "apps").unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "failed find kustomization with name 'missing' and namespace 'apps' in file '{}'",
                file.display()
            )
        );
    }

    #[test]
    fn a_wrong_field_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file.yaml");
        let wrong = FILE.replace("path: ./apps", "path: ./apps, prune: maybe");
        std::fs::write(&file, wrong).unwrap();
        let error = read(&file, "app", "apps").unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            format!(
                "failed to unmarshall kustomization file {}: \
                 spec.prune: invalid type: string \"maybe\", expected a boolean",
                file.display()
            )
        );
    }

    #[test]
    fn a_broken_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file.yaml");
        std::fs::write(&file, "a: [").unwrap();
        let error = read(&file, "app", "apps").unwrap_err().to_string();
        assert_eq!(
            error,
            format!("failed to unmarshall kustomization file {}", file.display())
        );
        assert!(
            read(&folder.path().join("none"), "app", "apps")
                .unwrap_err()
                .to_string()
                .ends_with("no such file or directory")
        );
    }
}
