//! The chart as the real helm renders it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use tidegate_testkit::cache_dir;

use crate::{step, tools};

mod install;

pub(crate) use install::check as check_on_cluster;

/// The helm that renders the chart in tests. Users may have another.
const HELM_VERSION: &str = "v4.2.4";

/// Name and namespace of the release that tests render.
const RELEASE: &str = "tidegate";
pub(crate) const NAMESPACE: &str = "flux-system";

/// The folder of the chart.
fn chart(workspace_root: &Path) -> PathBuf {
    workspace_root.join("charts/tidegate")
}

/// The real helm, built once from its Go module into the cache.
pub(crate) fn helm() -> anyhow::Result<PathBuf> {
    let folder = cache_dir().join("helm").join(HELM_VERSION);
    let path = folder.join("helm");
    if path.is_file() {
        return Ok(path);
    }
    let go = tools::go()?;
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    // Several tests want it at the same time: one of them builds.
    let lock = folder.join(".lock");
    let lock = std::fs::File::create(&lock).with_context(|| lock.display().to_string())?;
    lock.lock().context("the lock of helm's folder")?;
    if path.is_file() {
        return Ok(path);
    }
    step::timed(&format!("building helm {HELM_VERSION} (once)"), || {
        // Go writes into a folder of its own: a build that is cut off leaves nothing that looks whole.
        let unfinished =
            tempfile::tempdir_in(&folder).with_context(|| folder.display().to_string())?;
        let mut install = Command::new(go);
        install
            .args([
                "install",
                &format!("helm.sh/helm/v4/cmd/helm@{HELM_VERSION}"),
            ])
            .env("GOBIN", unfinished.path());
        step::output(&mut install)?;
        std::fs::rename(unfinished.path().join("helm"), &path)
            .with_context(|| path.display().to_string())?;
        Ok(())
    })?;
    Ok(path)
}

/// Lints the chart and renders it with the values that matter, and checks what comes out.
pub(crate) fn check(workspace_root: &Path) -> anyhow::Result<()> {
    let helm = helm()?;
    let chart = chart(workspace_root);
    let mut lint = Command::new(&helm);
    step::output(lint.args(["lint", "--strict"]).arg(&chart))?;
    check_defaults(&render(&helm, &chart, &[])?)?;
    check_restricted(&render(
        &helm,
        &chart,
        &["rbac.clusterAdmin=false", "multitenancy.enabled=true"],
    )?)?;
    for values in [
        ["watchAllNamespaces=false"].as_slice(),
        &["watchAllNamespaces=false", "rbac.clusterAdmin=false"],
    ] {
        check_in_one_namespace(&render(&helm, &chart, values)?)
            .with_context(|| format!("{values:?}"))?;
    }
    for wrong in [
        "replica=2",
        "log.level=loud",
        "controllers={helm-controller}",
        "replicas=-1",
    ] {
        ensure!(
            render(&helm, &chart, &[wrong]).is_err(),
            "the chart takes the value {wrong}"
        );
    }
    Ok(())
}

/// The objects that helm renders, definitions first, with `values` set as `--set` takes them.
pub(crate) fn render(helm: &Path, chart: &Path, values: &[&str]) -> anyhow::Result<Vec<Value>> {
    let mut template = Command::new(helm);
    template.args(["template", RELEASE]).arg(chart).args([
        "--namespace",
        NAMESPACE,
        "--include-crds",
    ]);
    for value in values {
        template.args(["--set", value]);
    }
    let text = step::output(&mut template)?;
    let mut objects = Vec::new();
    for document in tidegate_yaml::parse_documents(text.as_bytes())? {
        let json = tidegate_yaml::to_json(&tidegate_yaml::decode(&document)?)?;
        match serde_json::from_str(&json)? {
            Value::Null => {}
            object @ Value::Object(_) => objects.push(object),
            other => bail!("helm rendered something that is no object: {other}"),
        }
    }
    Ok(objects)
}

/// The one object of this kind and name.
pub(crate) fn find<'a>(objects: &'a [Value], kind: &str, name: &str) -> anyhow::Result<&'a Value> {
    let mut found = objects
        .iter()
        .filter(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    let object = found
        .next()
        .with_context(|| format!("the chart renders no {kind} {name}"))?;
    ensure!(
        found.next().is_none(),
        "the chart renders two {kind} {name}"
    );
    Ok(object)
}

/// The arguments that the rendered Deployment gives to the program, with its variables put in as the kubelet does.
pub(crate) fn controller_args(objects: &[Value]) -> anyhow::Result<Vec<String>> {
    let container = container(objects)?;
    let args = container["args"]
        .as_array()
        .context("the container has no args")?;
    let text = |arg: &Value| {
        arg.as_str()
            .map(|arg| arg.replace("$(RUNTIME_NAMESPACE)", NAMESPACE))
    };
    args.iter()
        .map(|arg| text(arg).with_context(|| format!("the argument {arg} is no text")))
        .collect()
}

/// The service account that the rendered Deployment runs as: namespace and name.
pub(crate) fn service_account(objects: &[Value]) -> anyhow::Result<(String, String)> {
    let deployment = find(objects, "Deployment", RELEASE)?;
    let name = deployment["spec"]["template"]["spec"]["serviceAccountName"]
        .as_str()
        .context("no serviceAccountName")?;
    find(objects, "ServiceAccount", name)?;
    Ok((NAMESPACE.to_owned(), name.to_owned()))
}

fn container(objects: &[Value]) -> anyhow::Result<&Value> {
    let deployment = find(objects, "Deployment", RELEASE)?;
    let containers = deployment["spec"]["template"]["spec"]["containers"]
        .as_array()
        .context("no containers")?;
    // `flux logs` takes the container of this name.
    containers
        .iter()
        .find(|container| container["name"] == "manager")
        .context("no container named manager")
}

fn check_defaults(objects: &[Value]) -> anyhow::Result<()> {
    for object in objects {
        // `flux check`, `flux logs` and `flux uninstall` go by this label.
        ensure!(
            object["metadata"]["labels"]["app.kubernetes.io/part-of"] == "flux",
            "not part of flux: {}",
            object["metadata"]
        );
    }
    let definition = find(
        objects,
        "CustomResourceDefinition",
        "gitrepositories.source.toolkit.fluxcd.io",
    )?;
    ensure!(
        definition["metadata"]["labels"]["app.kubernetes.io/version"].is_string(),
        "`flux check` finds no version"
    );
    find(
        objects,
        "CustomResourceDefinition",
        "kustomizations.kustomize.toolkit.fluxcd.io",
    )?;
    // Cloud identities are federated with these names.
    find(objects, "ServiceAccount", "source-controller")?;
    find(objects, "ServiceAccount", "kustomize-controller")?;
    let args = controller_args(objects)?;
    ensure!(
        args.first().is_some_and(|arg| arg == "run"),
        "the arguments {args:?} do not begin with `run`"
    );
    let service = find(objects, "Service", "source-controller")?;
    ensure!(
        service["spec"]["ports"][0]["port"] == 80
            && service["spec"]["ports"][0]["targetPort"] == "http",
        "{service}"
    );
    let address = format!("--storage-adv-addr=source-controller.{NAMESPACE}.svc.cluster.local.");
    ensure!(
        args.contains(&address),
        "artifact URLs do not name the Service: {args:?}"
    );
    let container = container(objects)?;
    for (name, number) in [("http", 9090), ("http-prom", 8080), ("healthz", 9440)] {
        let ports = container["ports"].as_array().context("no ports")?;
        ensure!(
            ports
                .iter()
                .any(|port| port["name"] == name && port["containerPort"] == number),
            "no port {name}"
        );
    }
    ensure!(
        container["securityContext"]["readOnlyRootFilesystem"] == true,
        "the root file system can be written"
    );
    ensure!(
        bound_to(objects, "cluster-admin")?.contains(&service_account(objects)?.1),
        "not bound to cluster-admin"
    );
    Ok(())
}

fn check_restricted(objects: &[Value]) -> anyhow::Result<()> {
    ensure!(
        bound_to(objects, "cluster-admin")?.is_empty(),
        "bound to cluster-admin"
    );
    let impersonator = format!("impersonator-{RELEASE}-{NAMESPACE}");
    ensure!(
        bound_to(objects, &impersonator)?.contains(&service_account(objects)?.1),
        "may act as nobody"
    );
    let args = controller_args(objects)?;
    for wanted in [
        "--no-cross-namespace-refs=true",
        "--no-remote-bases=true",
        "--default-service-account=default",
    ] {
        ensure!(args.iter().any(|arg| arg == wanted), "no {wanted}");
    }
    Ok(())
}

/// An installation for one namespace takes no right outside of it.
fn check_in_one_namespace(objects: &[Value]) -> anyhow::Result<()> {
    for object in objects {
        let kind = object["kind"].as_str().unwrap_or_default();
        ensure!(
            !kind.starts_with("ClusterRole"),
            "rights in the whole cluster: {object}"
        );
        ensure!(
            kind == "CustomResourceDefinition" || object["metadata"]["namespace"] == NAMESPACE,
            "not in the namespace: {object}"
        );
    }
    let role = find(
        objects,
        "Role",
        &format!("crd-controller-{RELEASE}-{NAMESPACE}"),
    )?;
    let rules = role["rules"].as_array().context("a Role without rules")?;
    ensure!(
        rules.len() > 5 && rules.iter().all(|rule| rule["nonResourceURLs"].is_null()),
        "the API server takes no such Role: {role}"
    );
    ensure!(
        controller_args(objects)?.contains(&"--watch-all-namespaces=false".to_owned()),
        "all namespaces are watched"
    );
    Ok(())
}

/// Names of the service accounts that a ClusterRole is bound to.
fn bound_to(objects: &[Value], role: &str) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for binding in objects.iter().filter(|object| {
        object["kind"] == "ClusterRoleBinding" && object["roleRef"]["name"] == role
    }) {
        for subject in binding["subjects"]
            .as_array()
            .context("a binding without subjects")?
        {
            names.push(
                subject["name"]
                    .as_str()
                    .context("a subject without name")?
                    .to_owned(),
            );
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_helm_renders_what_the_flux_command_and_the_program_expect() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .expect("the workspace's root");
        check(root).expect("a chart that holds");
    }
}
