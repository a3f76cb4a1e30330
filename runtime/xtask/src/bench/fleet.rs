//! Scenarios of our own: one directory of many changes, and health that never comes.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate_testkit::cluster::{install_definitions, is_ready};
use tidegate_testkit::{Cluster, ControlPlane, GitServer, Launch, Reference, Repository, Tidegate};

use super::{Options, figures};
use crate::setup::Ready;
use crate::step;

const NAMESPACE: &str = "flux-system";
const TARGET: &str = "apps";
const LIMIT: Duration = Duration::from_mins(30);
const ONE_OF_MANY: u32 = 1000;
const WAITING: u32 = 200;

/// A control plane, an engine and a repository of their own for each case.
struct Rig {
    engine: Tidegate,
    cluster: Cluster,
    repository: Repository,
    _git: GitServer,
    _plane: ControlPlane,
    _folder: TempDir,
}

pub(super) fn run(ready: &Ready, tidegate: &Path, options: &Options) -> anyhow::Result<Vec<Value>> {
    let mut results = Vec::new();
    let start = || Rig::start(ready, tidegate, options);
    if "one-directory-of-1000".contains(&options.only) {
        results.push(step::timed("one directory of 1,000 changes", || {
            one_of_many(&start()?, ONE_OF_MANY)
        })?);
    }
    if "wait-200".contains(&options.only) {
        for unhealthy in [0, WAITING / 5] {
            let what = format!("`wait: true` on {WAITING}, {unhealthy} of them never healthy");
            results.push(step::timed(&what, || {
                waiting(&start()?, WAITING, unhealthy)
            })?);
        }
    }
    Ok(results)
}

impl Rig {
    fn start(ready: &Ready, tidegate: &Path, options: &Options) -> anyhow::Result<Rig> {
        let folder = TempDir::with_prefix("tidegate-bench-")?;
        let plane = ControlPlane::start_in(&ready.controlplane, folder.path().join("plane"))?;
        let cluster = Cluster::connect(&plane.kubeconfig())?;
        let definitions: Vec<Value> = tidegate_api::all_definitions(&tidegate_api::Labels::new())
            .into_iter()
            .map(|(_, definition)| definition)
            .collect();
        install_definitions(&cluster, &definitions)?;
        cluster.create_namespace(NAMESPACE)?;
        cluster.create_namespace(TARGET)?;
        let work = folder.path().join("engine");
        std::fs::create_dir_all(&work)?;
        let mut args = vec![
            "--controllers=source-controller,kustomize-controller".to_owned(),
            format!("--concurrent={}", options.concurrent),
        ];
        args.extend(options.engine_arg.iter().cloned());
        let engine = Tidegate::launch(Launch {
            binary: tidegate.to_path_buf(),
            kubeconfig: plane.kubeconfig(),
            folder: work,
            args,
            environment: ready
                .environment()
                .map(|(name, value)| (name.into(), value))
                .to_vec(),
        })?;
        let git = GitServer::start_in(folder.path().join("git"))?;
        let repository = git.repository("repo")?;
        Ok(Rig {
            engine,
            cluster,
            repository,
            _git: git,
            _plane: plane,
            _folder: folder,
        })
    }

    fn engine_pid(&self) -> anyhow::Result<u32> {
        let path = self.engine.folder().join("tidegate.pid");
        Ok(std::fs::read_to_string(path)?.trim().parse()?)
    }

    fn source(&self) -> anyhow::Result<()> {
        let spec =
            json!({"interval": "60m", "url": self.repository.url(), "ref": {"branch": "main"}});
        let source = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "repo"}, "spec": spec});
        self.cluster.apply(&source, NAMESPACE, "bench")?;
        Ok(())
    }

    fn kustomization(&self, name: &str, wait: bool) -> anyhow::Result<()> {
        let spec = json!({
            "interval": "60m", "timeout": "10m", "path": format!("./apps/{name}"), "prune": true, "wait": wait,
            "targetNamespace": TARGET, "sourceRef": {"kind": "GitRepository", "name": "repo"},
        });
        let object = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": name}, "spec": spec});
        self.cluster.apply(&object, NAMESPACE, "bench")?;
        Ok(())
    }

    /// Waits until `wanted` Kustomizations are as `fits` says.
    fn wait_for(&self, wanted: u32, fits: impl Fn(&Value) -> bool) -> anyhow::Result<()> {
        let deadline = Instant::now() + LIMIT;
        loop {
            let objects = self.cluster.list("Kustomization", NAMESPACE)?;
            let there = objects.iter().filter(|object| fits(object)).count();
            if there >= wanted as usize {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "{there} of {wanted} Kustomizations after {} s",
                LIMIT.as_secs()
            );
            std::thread::sleep(Duration::from_millis(250));
        }
    }

    fn is_at(object: &Value, commit: &str) -> bool {
        object["status"]["lastAppliedRevision"]
            .as_str()
            .is_some_and(|revision| revision.ends_with(commit))
    }
}

fn settings(name: &str, value: u32) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  value: \"{value}\"\n"
    )
}

fn one_of_many(rig: &Rig, count: u32) -> anyhow::Result<Value> {
    let names: Vec<String> = (0..count).map(|index| format!("app-{index:04}")).collect();
    for name in &names {
        rig.repository
            .write(&format!("apps/{name}/settings.yaml"), settings(name, 0))?;
    }
    rig.repository.commit("all")?;
    rig.source()?;
    for name in &names {
        rig.kustomization(name, false)?;
    }
    rig.wait_for(count, is_ready)?;
    std::thread::sleep(Duration::from_secs(5));

    let pid = rig.engine_pid()?;
    let (cpu, requests, start) = (
        figures::cpu(pid)?,
        figures::requests(&rig.engine)?,
        Instant::now(),
    );
    let changed = &names[names.len() / 2];
    rig.repository.write(
        &format!("apps/{changed}/settings.yaml"),
        settings(changed, 1),
    )?;
    let commit = rig.repository.commit("one")?;
    rig.cluster
        .request_reconcile(&Reference::parse("GitRepository/repo")?, NAMESPACE)?;
    let object = Reference::parse(&format!("ConfigMap/{changed}"))?;
    rig.cluster.wait(&object, TARGET, LIMIT, |object| {
        (object?["data"]["value"] == "1").then_some(())
    })?;
    let applied = start.elapsed();
    rig.wait_for(count, |object| Rig::is_at(object, &commit))?;
    let requests = figures::requests(&rig.engine)? - requests;
    Ok(json!({
        "engine": "tidegate", "case": "one-directory-of-1000", "n": count,
        "median_s": figures::round(applied.as_secs_f64()), "wall_s": figures::round(start.elapsed().as_secs_f64()),
        "engine_cpu_s": figures::round(figures::cpu(pid)? - cpu), "engine_peak_rss_mib": figures::peak_mib(pid)?,
        "engine_requests": requests, "requests_each": figures::round(f64::from(u32::try_from(requests)?) / f64::from(count)),
    }))
}

fn waiting(rig: &Rig, count: u32, unhealthy: u32) -> anyhow::Result<Value> {
    let names: Vec<String> = (0..count).map(|index| format!("app-{index:04}")).collect();
    for (index, name) in (0..).zip(&names) {
        // Spread evenly over the queue.
        let never = unhealthy > 0 && index % (count / unhealthy) == 0;
        rig.repository.write(
            &format!("apps/{name}/deployment.yaml"),
            deployment(name, never),
        )?;
    }
    rig.repository.commit("all")?;
    rig.source()?;
    let pid = rig.engine_pid()?;
    let (cpu, start) = (figures::cpu(pid)?, Instant::now());
    for name in &names {
        rig.kustomization(name, true)?;
    }
    rig.wait_for(count - unhealthy, is_ready)?;
    Ok(json!({
        "engine": "tidegate", "case": format!("wait-{count}-unhealthy-{unhealthy}"), "n": count,
        "wall_s": figures::round(start.elapsed().as_secs_f64()), "engine_cpu_s": figures::round(figures::cpu(pid)? - cpu),
        "engine_peak_rss_mib": figures::peak_mib(pid)?,
    }))
}

fn deployment(name: &str, never_ready: bool) -> String {
    let annotations = if never_ready {
        json!({"testplane/ready": "false"})
    } else {
        json!({})
    };
    let container = json!({"name": "app", "image": "example.test/app:1"});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}, "annotations": annotations}, "spec": {"containers": [container]}},
        },
    })
    .to_string()
}
