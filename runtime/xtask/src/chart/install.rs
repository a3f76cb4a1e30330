//! The rendered chart on a real API server, and the program run as the chart says.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tidegate_testkit::account::kubeconfig_of;
use tidegate_testkit::cluster::{install_definitions, is_ready};
use tidegate_testkit::{Cluster, ControlPlane, GitServer, Reference, Tidegate};

/// Who applies the chart.
const MANAGER: &str = "helm";
/// A namespace that knows nothing of the installation's.
const TENANT: &str = "team";

/// Installs the chart on control planes of their own, starts `tidegate` with the arguments, as the service account and
/// with the rights that were rendered, and lets it reconcile. With cluster-admin no missing right would be seen, so it is
/// the fewest rights: to act for tenants, and to work in one namespace.
pub(crate) fn check(workspace_root: &Path, tidegate: &Path) -> anyhow::Result<()> {
    for (values, namespace) in [
        (
            ["rbac.clusterAdmin=false", "multitenancy.enabled=true"].as_slice(),
            TENANT,
        ),
        (&["watchAllNamespaces=false"], super::NAMESPACE),
    ] {
        check_with(workspace_root, tidegate, values, namespace)
            .with_context(|| format!("the chart with {values:?}"))?;
    }
    Ok(())
}

fn check_with(
    workspace_root: &Path,
    tidegate: &Path,
    values: &[&str],
    namespace: &str,
) -> anyhow::Result<()> {
    let objects = super::render(&super::helm()?, &super::chart(workspace_root), values)?;
    let plane = ControlPlane::start()?;
    let cluster = Cluster::connect(&plane.kubeconfig())?;
    install(&cluster, &objects)?;
    let folder = tempfile::tempdir()?;
    let (home, account) = super::service_account(&objects)?;
    let kubeconfig = kubeconfig_of(
        &cluster,
        &plane.kubeconfig(),
        (&home, &account),
        folder.path(),
    )?;
    // The Service and the volume are the kubelet's business: the program gets a port and a folder that are there.
    let here = |arg: &String| arg != "run" && !arg.starts_with("--storage-");
    let args: Vec<String> = super::controller_args(&objects)?
        .into_iter()
        .filter(here)
        .collect();
    let mut engine =
        Tidegate::start_in(tidegate, &kubeconfig, folder.path().join("engine"), &args)?;
    let reconciled = reconcile(&cluster, namespace).with_context(|| engine.process().log());
    engine.process().terminate(Duration::from_secs(20))?;
    reconciled?;
    let log = engine.process().log();
    ensure!(!log.contains("no right to"), "a watch was refused:\n{log}");
    Ok(())
}

/// Applies what the chart rendered, definitions first.
pub(crate) fn install(cluster: &Cluster, objects: &[Value]) -> anyhow::Result<()> {
    let (definitions, others): (Vec<&Value>, Vec<&Value>) = objects
        .iter()
        .partition(|object| object["kind"] == "CustomResourceDefinition");
    install_definitions(cluster, definitions)?;
    cluster.create_namespace(super::NAMESPACE)?;
    for object in others {
        cluster
            .apply(object, super::NAMESPACE, MANAGER)
            .with_context(|| format!("{} {}", object["kind"], object["metadata"]["name"]))?;
    }
    Ok(())
}

/// What must work: a source and its objects, a new commit long before the interval, and an object that somebody changed.
/// The namespace's own service account may do what its manifests ask for there.
fn reconcile(cluster: &Cluster, namespace: &str) -> anyhow::Result<()> {
    let server = GitServer::start()?;
    let repository = server.repository("apps")?;
    let commit = |value: &str| -> anyhow::Result<()> {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app"}, "data": {"a": value}});
        repository.write("deploy/app.yaml", object.to_string())?;
        repository.commit(value)?;
        Ok(())
    };
    commit("b")?;
    cluster.create_namespace(namespace)?;
    let objects = [
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "deployer"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
            "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": namespace}],
        }),
        json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": {"name": "apps"},
            "spec": {"url": repository.url(), "interval": "1h", "ref": {"branch": "main"}},
        }),
        json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {"name": "apps"},
            "spec": {
                "interval": "1h",
                "path": "./deploy",
                "prune": true,
                "targetNamespace": namespace,
                "sourceRef": {"kind": "GitRepository", "name": "apps"},
            },
        }),
    ];
    for object in &objects {
        cluster.apply(object, namespace, MANAGER)?;
    }
    for object in &objects[1..] {
        let ready = |object: Option<&Value>| object.filter(|object| is_ready(object)).map(drop);
        cluster.wait(
            &Reference::of(object)?,
            namespace,
            Duration::from_mins(1),
            ready,
        )?;
    }
    let map = Reference::parse("v1:ConfigMap/app")?;
    let holds = |value: &str| {
        let held = |object: Option<&Value>| (object?["data"]["a"] == value).then_some(());
        cluster.wait(&map, namespace, Duration::from_mins(1), held)
    };
    holds("b")?;
    commit("c")?;
    cluster.request_reconcile(&Reference::of(&objects[1])?, namespace)?;
    holds("c").context("a new commit")?;
    let stray = json!({"data": {"a": "stray"}});
    cluster.merge(&map, namespace, "", "somebody", &stray)?;
    holds("c").context("an object that somebody changed")?;
    // Progress without a right to tell of it is what a forgotten rule looks like.
    let events = cluster.list("Event", namespace)?;
    ensure!(
        events
            .iter()
            .any(|event| event["involvedObject"]["kind"] == "Kustomization"),
        "no event of the Kustomization"
    );
    let leases = cluster.list("Lease", super::NAMESPACE)?;
    ensure!(
        leases.len() >= 2,
        "a lease for each role is wanted: {leases:?}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_testkit::Error;

    #[test]
    fn the_chart_installs_and_its_account_may_read_and_tell_but_apply_nothing_itself() {
        let root = tidegate_testkit::workspace_root();
        let helm = super::super::helm().unwrap();
        let objects = super::super::render(
            &helm,
            &super::super::chart(&root),
            &["rbac.clusterAdmin=false"],
        )
        .unwrap();
        let plane = ControlPlane::start().unwrap();
        let admin = Cluster::connect(&plane.kubeconfig()).unwrap();
        install(&admin, &objects).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (home, account) = super::super::service_account(&objects).unwrap();
        let kubeconfig = kubeconfig_of(
            &admin,
            &plane.kubeconfig(),
            (&home, &account),
            folder.path(),
        )
        .unwrap();
        let process = Cluster::connect(&kubeconfig).unwrap();
        for kind in [
            "Kustomization",
            "GitRepository",
            "Secret",
            "ConfigMap",
            "ServiceAccount",
            "Lease",
        ] {
            process.list(kind, "default").unwrap();
        }
        let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "a"}});
        process
            .apply(&lease, super::super::NAMESPACE, MANAGER)
            .unwrap();
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
        let refused = process.apply(&map, "default", MANAGER).unwrap_err();
        assert!(
            matches!(refused, Error::Refused { code: 403, .. }),
            "{refused}"
        );
    }

    /// What the API server fills in is part of what users see.
    #[test]
    fn the_api_server_fills_in_flux_s_defaults_and_refuses_what_flux_refuses() {
        let definitions = tidegate_api::all_definitions(&tidegate_api::Labels::new());
        let plane = ControlPlane::start().unwrap();
        let cluster = Cluster::connect(&plane.kubeconfig()).unwrap();
        install_definitions(
            &cluster,
            definitions.iter().map(|(_, definition)| definition),
        )
        .unwrap();
        let repository = |spec: Value| json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "a"}, "spec": spec});
        let stored = repository(
            json!({"url": "https://git.example.com/a", "interval": "1m", "verify": {"secretRef": {"name": "k"}}}),
        );
        let stored = cluster.apply(&stored, "default", MANAGER).unwrap();
        assert_eq!(stored["spec"]["timeout"], "60s");
        assert_eq!(stored["spec"]["verify"]["mode"], "HEAD");
        assert_eq!(stored["status"], json!({"observedGeneration": -1}));
        for (wrong, message) in [
            (json!({"url": "ftp://x", "interval": "1m"}), "spec.url"),
            (
                json!({"url": "https://x", "interval": "1d"}),
                "spec.interval",
            ),
            (
                json!({"url": "https://x", "interval": "1m", "timeout": "1h"}),
                "spec.timeout",
            ),
            (
                json!({"url": "https://x", "interval": "1m", "serviceAccountName": "a"}),
                "serviceAccountName can only be set",
            ),
        ] {
            let refused = cluster
                .apply(&repository(wrong), "default", MANAGER)
                .unwrap_err()
                .to_string();
            assert!(refused.contains(message), "{refused}");
        }
    }
}
