//! Builds that need something to talk to: a Git server, an API server.

use crate::case::tidegate;
use anyhow::ensure;
use libtest_mimic::Failed;
use libtest_mimic::Trial;
use serde_json::json;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Output;
use tidegate_testkit::Cluster;
use tidegate_testkit::ControlPlane;
use tidegate_testkit::GitServer;
use tidegate_testkit::cluster;

const CONFIG_MAP: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  key: ${value}\n";
const OVERLAY: &str = "namePrefix: a-\nresources:\n- ../base\n";
/// By kustomize v5.8.1 of a clone of the repository.
const BUILT: &str =
    "apiVersion: v1\ndata:\n  key: ${value}\nkind: ConfigMap\nmetadata:\n  name: a-settings\n";

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, play: fn() -> anyhow::Result<()>| {
        Trial::test(name, move || {
            play().map_err(|error| Failed::from(format!("{error:#}")))
        })
    };
    vec![
        trial("repository-as-the-folder", repository_as_the_folder),
        trial("repository-as-a-base", repository_as_a_base),
        trial("repository-by-git", repository_by_git),
        trial("repository-missing", repository_missing),
        trial("file-of-a-server-missing", file_of_a_server_missing),
        trial("server-not-there", server_not_there),
        trial("kustomization-of-the-cluster", kustomization_of_the_cluster),
    ]
}

fn run<A: AsRef<OsStr>>(
    folder: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> anyhow::Result<Output> {
    Ok(tidegate()?.current_dir(folder).args(arguments).output()?)
}

fn check(output: &Output, wanted: &str) -> anyhow::Result<()> {
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {errors}", output.status);
    let got = String::from_utf8_lossy(&output.stdout);
    ensure!(got == wanted, "wanted:\n{wanted}\ngot:\n{got}\n{errors}");
    Ok(())
}

fn check_error(output: &Output, wanted: &str) -> anyhow::Result<()> {
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(1),
        "{}: {errors}",
        output.status
    );
    ensure!(output.stdout.is_empty(), "something was printed");
    ensure!(errors.contains(wanted), "wanted: {wanted}\ngot: {errors}");
    Ok(())
}

fn server() -> anyhow::Result<GitServer> {
    let server = GitServer::start()?;
    let repository = server.repository("manifests")?;
    repository.write("base/kustomization.yaml", "resources:\n- settings.yaml\n")?;
    repository.write("base/settings.yaml", CONFIG_MAP)?;
    repository.write("overlay/kustomization.yaml", OVERLAY)?;
    repository.commit("Manifests")?;
    repository.tag("v1", None)?;
    repository.write(
        "overlay/kustomization.yaml",
        "namePrefix: later-\nresources:\n- ../base\n",
    )?;
    repository.commit("A change")?;
    Ok(server)
}

fn repository_as_the_folder() -> anyhow::Result<()> {
    let (server, folder) = (server()?, tempfile::tempdir()?);
    let url = server.url("manifests");
    check(
        &run(
            folder.path(),
            ["kustomize", &format!("{url}//overlay?ref=v1")],
        )?,
        BUILT,
    )?;
    let later = BUILT.replace("a-settings", "later-settings");
    check(
        &run(
            folder.path(),
            ["kustomize", "build", &format!("{url}//overlay")],
        )?,
        &later,
    )
}

fn repository_as_a_base() -> anyhow::Result<()> {
    let (server, folder) = (server()?, tempfile::tempdir()?);
    let base = format!("{}//base?ref=v1", server.url("manifests"));
    std::fs::write(
        folder.path().join("kustomization.yaml"),
        format!("namePrefix: a-\nresources:\n- {base}\n"),
    )?;
    check(&run(folder.path(), ["kustomize"])?, BUILT)
}

/// The others have no `git` on the path, and our own client reads over HTTP. Here it is git that does, and it reads from
/// the disk too. The texts are those of kustomize v5.8.1, the clone's folder aside.
fn repository_by_git() -> anyhow::Result<()> {
    let (server, folder) = (server()?, tempfile::tempdir()?);
    let repository = server.repository("manifests")?;
    let url = format!("file://{}", repository.git_dir().display());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let build_of = |url: &str, rest: &str| -> anyhow::Result<Output> {
        let mut command = tidegate()?;
        command.args(["kustomize", &format!("{url}{rest}")]);
        Ok(command.env("PATH", &path).output()?)
    };
    let build = |rest: &str| build_of(&url, rest);
    check(&build("//overlay?ref=v1")?, BUILT)?;
    check(
        &build_of(&server.url("manifests"), "//overlay?ref=v1")?,
        BUILT,
    )?;
    check_error(
        &build("//overlay?ref=none")?,
        &format!(
            "git fetch --depth=1 {url} none': fatal: couldn't find remote ref none\n: exit status 128\n"
        ),
    )?;
    check_error(
        &build("//overlay/none/more?ref=v1")?,
        "Error: evalsymlink failure on '/tmp/kustomize-repository/overlay/none/more' : \
         lstat /tmp/kustomize-repository/overlay/none: no such file or directory\n",
    )?;
    check_error(
        &build("//base/settings.yaml?ref=v1")?,
        "Error: '/tmp/kustomize-repository/base/settings.yaml' refers to file 'settings.yaml'; expecting directory\n",
    )?;
    check_error(
        &build("//overlay?ref=v1&timeout=0.000001s")?,
        "Error: hit 1µs timeout running '",
    )?;
    // Not an option of git's.
    let trap = folder.path().join("trap");
    let option = format!("//overlay?ref=--upload-pack=touch%20{}", trap.display());
    check_error(&build(&option)?, "may begin with a dash")?;
    ensure!(!trap.exists(), "a ref of the URL ran a program");
    Ok(())
}

fn repository_missing() -> anyhow::Result<()> {
    let (server, folder) = (server()?, tempfile::tempdir()?);
    let url = format!("{}//overlay?ref=none", server.url("manifests"));
    check_error(&run(folder.path(), ["kustomize", &url])?, "Error: ")
}

/// The text is that of kustomize v5.8.1.
fn file_of_a_server_missing() -> anyhow::Result<()> {
    let (server, folder) = (server()?, tempfile::tempdir()?);
    let repository = server.url("manifests");
    let host = repository.rsplit_once('/').map_or("", |(host, _)| host);
    std::fs::write(
        folder.path().join("kustomization.yaml"),
        format!("resources:\n- {host}/none.yaml\n"),
    )?;
    let wanted = format!(
        "Error: accumulating resources: accumulating resources from '{host}/none.yaml': \
         HTTP Error: status code 404 (Not Found)\n"
    );
    check_error(&run(folder.path(), ["kustomize"])?, &wanted)
}

/// As kustomize v5.8.1 has it, the words for the connection itself aside.
fn server_not_there() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let url = format!("http://127.0.0.1:{}/a.yaml", tidegate_testkit::free_port()?);
    std::fs::write(
        folder.path().join("kustomization.yaml"),
        format!("resources:\n- {url}\n"),
    )?;
    let output = run(folder.path(), ["kustomize"])?;
    let start = format!(
        "Error: accumulating resources: accumulation err='accumulating resources from '{url}': "
    );
    check_error(&output, &start)?;
    check_error(
        &output,
        "': must build at directory: not a valid directory: evalsymlink failure on '",
    )
}

fn kustomization_of_the_cluster() -> anyhow::Result<()> {
    let kubeconfig = ControlPlane::shared().kubeconfig();
    let cluster = Cluster::connect(&kubeconfig)?;
    let definitions = tidegate_api::all_definitions(&BTreeMap::new());
    cluster::install_definitions(
        &cluster,
        definitions.iter().map(|(_, definition)| definition),
    )?;
    let namespace = "build-command";
    cluster.create_namespace(namespace)?;
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("settings.yaml"), CONFIG_MAP)?;
    let arguments = |more: &[&str]| -> Vec<String> {
        let fixed = [
            "build",
            "kustomization",
            "app",
            "--path=.",
            "-n",
            namespace,
            "--kubeconfig",
        ];
        let fixed = fixed
            .map(str::to_owned)
            .into_iter()
            .chain([kubeconfig.display().to_string()]);
        fixed
            .chain(more.iter().map(|text| (*text).to_owned()))
            .collect()
    };

    let missing = "✗ failed to get kustomization object: kustomizations.kustomize.toolkit.fluxcd.io \"app\" not found";
    check_error(&run(folder.path(), arguments(&[]))?, missing)?;

    let kustomization = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": { "name": "app", "namespace": namespace },
        "spec": {
            "interval": "10m",
            "prune": true,
            "suspend": true,
            "namePrefix": "live-",
            "sourceRef": { "kind": "GitRepository", "name": "none" },
            "postBuild": { "substituteFrom": [{ "kind": "ConfigMap", "name": "values" }] },
        },
    });
    cluster.apply(&kustomization, namespace, "test")?;
    let unread = "✗ var substitution failed for 'live-settings': substitute from 'ConfigMap/values' error: \
                  configmaps \"values\" not found";
    check_error(&run(folder.path(), arguments(&[]))?, unread)?;

    let values = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "values" },
        "data": { "value": "from the cluster" },
    });
    cluster.apply(&values, namespace, "test")?;
    let wanted = format!(
        "apiVersion: v1\ndata:\n  key: from the cluster\nkind: ConfigMap\nmetadata:\n  labels:\n    \
         kustomize.toolkit.fluxcd.io/name: app\n    kustomize.toolkit.fluxcd.io/namespace: {namespace}\n  \
         name: live-settings\n---\n"
    );
    check(&run(folder.path(), arguments(&[]))?, &wanted)?;

    let local = serde_json::to_string(&kustomization)?.replace("live-", "local-");
    std::fs::create_dir(folder.path().join("definitions"))?;
    std::fs::write(folder.path().join("definitions/app.json"), local)?;
    let output = run(
        folder.path(),
        arguments(&["--kustomization-file", "definitions/app.json"]),
    )?;
    check(&output, &wanted.replace("live-", "local-"))
}
