//! What keeps the demo from harming a cluster that others use: it takes nothing over, and removes only what it made.

use anyhow::{bail, ensure};
use http::Method;
use serde_json::{Value, json};
use tidegate_testkit::cluster::install_definitions;
use tidegate_testkit::{Cluster, Error, Reference};

use crate::demo::{LIMIT, NAMESPACE, WORKLOADS};
use crate::step;

/// Refuses a cluster that has one of the demo's namespaces.
pub(super) fn check_free(cluster: &Cluster) -> anyhow::Result<()> {
    for name in [NAMESPACE, WORKLOADS] {
        if cluster.get(&namespace(name)?, "")?.is_some() {
            return Err(taken(name));
        }
    }
    Ok(())
}

fn taken(name: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "the cluster has a namespace `{name}` already, which the demo would have to make and to delete. \
         Nothing was changed. Use another cluster; or, if it is what a killed demo left, remove it:\n{}",
        removal()
    )
}

/// The commands that remove what a demo left that could not clean up: without a controller nobody takes the finalizers
/// away.
pub(super) fn removal() -> String {
    let patch = format!(
        r#"xargs -r kubectl -n {NAMESPACE} patch --type=merge -p '{{"metadata":{{"finalizers":null}}}}'"#
    );
    [
        format!("kubectl -n {NAMESPACE} get gitrepositories,kustomizations -o name | {patch}"),
        format!("kubectl delete namespace --ignore-not-found {NAMESPACE} {WORKLOADS}"),
    ]
    .map(|command| format!("        {command}"))
    .join("\n")
}

/// Installs the definitions that the cluster does not have. Those that it has are left as they are, and must serve the
/// version that the demo uses.
pub(super) fn install_missing_definitions(cluster: &Cluster) -> anyhow::Result<()> {
    let mut missing: Vec<Value> = Vec::new();
    let mut found = Vec::new();
    for (_, definition) in tidegate_api::all_definitions(&tidegate_api::Labels::new()) {
        let reference = Reference::of(&definition)?;
        let Some(live) = cluster.get(&reference, "")? else {
            missing.push(definition);
            continue;
        };
        let kind = definition["spec"]["names"]["kind"].as_str();
        if let Some(kind @ ("GitRepository" | "Kustomization")) = kind {
            ensure!(
                serves(&live, "v1"),
                "the cluster's definition of {kind} ({}) does not serve version v1. Nothing was changed",
                reference.name
            );
        }
        found.push(reference.name);
    }
    for name in &found {
        step::note(&format!("{name}: there already, left as it is"));
    }
    install_definitions(cluster, &missing)?;
    if !found.is_empty() {
        for definition in &missing {
            step::note(&format!("{}: installed", Reference::of(definition)?.name));
        }
    }
    Ok(())
}

fn serves(definition: &Value, version: &str) -> bool {
    let versions = definition["spec"]["versions"].as_array();
    let mut versions = versions.into_iter().flatten();
    versions.any(|entry| entry["name"] == version && entry["served"] == true)
}

/// Makes the demo's own namespace, which must not be there.
pub(super) fn create_namespace(cluster: &Cluster) -> anyhow::Result<()> {
    check_free(cluster)?;
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        .to_string();
    let path = "/api/v1/namespaces";
    match cluster.request(&Method::POST, path, "application/json", body.into_bytes()) {
        Ok(_) => Ok(()),
        Err(Error::Refused { code: 409, .. }) => Err(taken(NAMESPACE)),
        Err(error) => bail!(error),
    }
}

/// Deletes the namespace that [`create_namespace`] made.
pub(super) fn delete_namespace(cluster: &Cluster) -> anyhow::Result<()> {
    Ok(cluster.delete(&namespace(NAMESPACE)?, "")?)
}

/// Waits until the cluster has neither of the demo's namespaces any more.
pub(super) fn wait_until_free(cluster: &Cluster) -> anyhow::Result<()> {
    for name in [WORKLOADS, NAMESPACE] {
        cluster.wait(&namespace(name)?, "", LIMIT, |object| {
            object.is_none().then_some(())
        })?;
        step::note(&format!("Namespace/{name}: gone"));
    }
    Ok(())
}

fn namespace(name: &str) -> anyhow::Result<Reference> {
    Ok(Reference::parse(&format!("v1:Namespace/{name}"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_counts_when_it_is_served() {
        let definition = json!({"spec": {"versions": [
            {"name": "v1", "served": false}, {"name": "v1beta2", "served": true},
        ]}});
        assert!(!serves(&definition, "v1"));
        assert!(serves(&definition, "v1beta2"));
        assert!(!serves(&json!({}), "v1"));
    }
}
