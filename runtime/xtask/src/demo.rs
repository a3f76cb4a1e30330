//! `cargo xtask demo`: the main job on a real API server and a real Git repository, step by step, with times.

mod interrupt;
mod stage;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate_health::Status;
use tidegate_testkit::Reference;
use tidegate_testkit::cluster::{condition, is_ready};

use crate::step;
use crate::workspace::Workspace;
pub(crate) use interrupt::{EXIT_CODE as INTERRUPTED, Interrupted};
use stage::Stage;

/// Namespace of the demo's own objects, and the only one that its engine works for.
pub(crate) const NAMESPACE: &str = "tidegate-demo";
const APPS: &str = "Kustomization/apps";
const INFRASTRUCTURE: &str = "Kustomization/infrastructure";
const SOURCE: &str = "GitRepository/demo";
const LIMIT: Duration = Duration::from_mins(2);
/// Namespace of what the repository brings, and that it brings itself.
const WORKLOADS: &str = "tidegate-demo-apps";

/// Plays the demo; with `keep` everything stays up until a key or a signal ends it.
pub(crate) fn run(workspace: &Workspace, keep: bool) -> anyhow::Result<()> {
    let mut stage = Stage::set_up(workspace)?;
    let result = play(&stage, keep).and_then(|times| {
        report(&times);
        if keep { stage.hold() } else { Ok(()) }
    });
    let is_interrupted = result.as_ref().is_err_and(anyhow::Error::is::<Interrupted>);
    if result.is_err() && !is_interrupted {
        step::note(&format!("the controller's log:\n{}", stage.log_tail()));
    }
    let cleaned = stage.clean_up();
    if let Err(error) = &cleaned {
        step::note(&format!("not all of the demo is gone: {error:#}"));
        step::note(&stage.left());
    }
    // That the cleaning failed is what counts after an interruption.
    if is_interrupted {
        cleaned.and(result)
    } else {
        result.and(cleaned)
    }
}

type Times = Vec<(&'static str, Duration)>;

fn play(stage: &Stage, keep: bool) -> anyhow::Result<Times> {
    let mut times = Times::new();
    let mut act = |what: &'static str, work: &dyn Fn() -> anyhow::Result<()>| {
        step::begin(what);
        let start = Instant::now();
        // An interruption stays what it is.
        work().map_err(|error| {
            if error.is::<Interrupted>() {
                error
            } else {
                error.context(what)
            }
        })?;
        times.push((what, start.elapsed()));
        anyhow::Ok(())
    };
    act(
        "from nothing to healthy: a GitRepository and two Kustomizations, the second dependsOn the first",
        &|| {
            create(stage)?;
            follow(stage, &[SOURCE, INFRASTRUCTURE, APPS])
        },
    )?;
    show_applied(stage)?;
    act("a commit: a new image tag", &|| commit_arrives(stage))?;
    act(
        "a repair: somebody scales a Deployment behind Tidegate's back",
        &|| repaired(stage),
    )?;
    act("a prune: a file leaves the repository", &|| {
        file_pruned(stage)
    })?;
    if !keep {
        act(
            "a deletion: the Kustomizations go, and all they brought with them",
            &|| deleted(stage),
        )?;
    }
    Ok(times)
}

fn create(stage: &Stage) -> anyhow::Result<()> {
    let source = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "demo"},
        "spec": {"interval": "10m", "url": stage.repository.url(), "ref": {"branch": "main"}},
    });
    stage.apply(&source)?;
    let kustomization = |name: &str, more: Value| {
        let mut spec = json!({"interval": "10m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "demo"}});
        merge(&mut spec, more);
        json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": name}, "spec": spec})
    };
    stage.apply(&kustomization(
        "infrastructure",
        json!({"path": "./infrastructure"}),
    ))?;
    let apps = json!({"path": "./apps/production", "wait": true, "timeout": "2m", "dependsOn": [{"name": "infrastructure"}]});
    stage.apply(&kustomization("apps", apps))
}

/// Prints what the objects say about themselves as it changes, until all are ready at the repository's commit.
fn follow(stage: &Stage, objects: &[&str]) -> anyhow::Result<()> {
    let head = stage.repository.head()?;
    let deadline = Instant::now() + LIMIT;
    let mut said: BTreeMap<&str, String> = BTreeMap::new();
    loop {
        stage.interrupt.check()?;
        let mut waiting = 0;
        for name in objects {
            let Some(object) = stage.get(name)? else {
                bail!("{name} is gone")
            };
            let text = readiness(&object);
            if said.get(name) != Some(&text) && !text.is_empty() {
                step::note(&format!("{name}: {text}"));
                said.insert(name, text);
            }
            let revision = [
                &object["status"]["lastAppliedRevision"],
                &object["status"]["artifact"]["revision"],
            ];
            let is_at_head = revision
                .iter()
                .any(|value| value.as_str().is_some_and(|text| text.ends_with(&head)));
            waiting += usize::from(!(is_ready(&object) && is_at_head));
        }
        if waiting == 0 {
            return Ok(());
        }
        ensure!(
            Instant::now() < deadline,
            "not reached in {} s",
            LIMIT.as_secs()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn readiness(object: &Value) -> String {
    let Some(ready) = condition(object, "Ready") else {
        return String::new();
    };
    let text = |key: &str| ready[key].as_str().unwrap_or_default();
    format!(
        "Ready={} {} {}",
        text("status"),
        text("reason"),
        text("message").lines().next().unwrap_or_default()
    )
}

/// The inventories of both, each object with its health.
fn show_applied(stage: &Stage) -> anyhow::Result<()> {
    step::begin("what was applied");
    for name in [INFRASTRUCTURE, APPS] {
        let object = stage
            .get(name)?
            .with_context(|| format!("{name} is gone"))?;
        for entry in object["status"]["inventory"]["entries"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let reference = inventory_reference(entry).context("an inventory entry")?;
            let live = stage.cluster.get(&reference, WORKLOADS)?;
            step::note(&format!(
                "{:<58} {}",
                reference.to_string(),
                live.as_ref().map_or("missing".to_owned(), health)
            ));
        }
    }
    Ok(())
}

/// Flux: an inventory entry is `<namespace>_<name>_<group>_<kind>` and the version beside it (pkg/ssa, object.ObjMetadata).
fn inventory_reference(entry: &Value) -> Option<Reference> {
    let parts: Vec<&str> = entry["id"].as_str()?.split('_').collect();
    let [namespace, name, group, kind] = parts[..] else {
        return None;
    };
    let version = entry["v"].as_str()?;
    Some(Reference {
        api_version: Some(if group.is_empty() {
            version.to_owned()
        } else {
            format!("{group}/{version}")
        }),
        kind: kind.to_owned(),
        namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
        // A colon in a name (of RBAC) is written as two underscores there.
        name: name.to_owned(),
    })
}

/// As the engine judges it, in one line.
fn health(object: &Value) -> String {
    let health = tidegate_health::status(object, Timestamp::now());
    let why = health.error.as_ref().unwrap_or(&health.message);
    match why.lines().next() {
        Some(why) if health.status != Status::Current => format!("{} ({why})", health.status),
        _ => health.status.to_string(),
    }
}

fn commit_arrives(stage: &Stage) -> anyhow::Result<()> {
    let path = "apps/production/kustomization.yaml";
    let old = std::fs::read_to_string(stage.repository.tree().join(path))?;
    let new = old.replace("newTag: 6.9.1", "newTag: 6.9.2");
    ensure!(old != new, "examples/demo has no `newTag: 6.9.1` any more");
    stage.repository.write(path, new)?;
    let commit = stage.repository.commit("podinfo 6.9.2")?;
    step::note(&format!("committed {}", &commit[..12]));
    stage.request(SOURCE)?;
    follow(stage, &[SOURCE, APPS])?;
    let frontend = stage
        .workload("Deployment/frontend")?
        .context("the Deployment is gone")?;
    let image = frontend["spec"]["template"]["spec"]["containers"][0]["image"]
        .as_str()
        .unwrap_or_default();
    ensure!(image.ends_with(":6.9.2"), "the image is still {image}");
    step::note(&format!("Deployment/frontend runs {image}"));
    Ok(())
}

fn repaired(stage: &Stage) -> anyhow::Result<()> {
    let name = Reference::parse("Deployment/frontend")?;
    stage.cluster.merge(
        &name,
        WORKLOADS,
        "",
        "somebody",
        &json!({"spec": {"replicas": 7}}),
    )?;
    step::note("spec.replicas of Deployment/frontend is 7");
    stage.wait(&name, WORKLOADS, |object| {
        object.is_some_and(|object| object["spec"]["replicas"] == 2)
    })?;
    step::note("spec.replicas of Deployment/frontend is 2 again");
    Ok(())
}

fn file_pruned(stage: &Stage) -> anyhow::Result<()> {
    let path = "apps/production/kustomization.yaml";
    let text = std::fs::read_to_string(stage.repository.tree().join(path))?;
    stage
        .repository
        .write(path, text.replace("- disruption-budget.yaml\n", ""))?;
    stage
        .repository
        .remove("apps/production/disruption-budget.yaml")?;
    stage.repository.commit("no disruption budget")?;
    stage.request(SOURCE)?;
    stage.gone("PodDisruptionBudget/frontend")?;
    follow(stage, &[APPS])
}

fn deleted(stage: &Stage) -> anyhow::Result<()> {
    stage.delete(APPS)?;
    for name in [
        "Deployment/frontend",
        "Deployment/backend",
        "Service/frontend",
        "Service/backend",
    ] {
        stage.gone(name)?;
    }
    stage.delete(INFRASTRUCTURE)?;
    stage.gone("LimitRange/defaults")?;
    for name in [APPS, INFRASTRUCTURE] {
        let reference = Reference::parse(name)?;
        stage.wait(&reference, NAMESPACE, |object| object.is_none())?;
        step::note(&format!("{name}: gone"));
    }
    Ok(())
}

fn report(times: &Times) {
    step::begin("times");
    for (what, time) in times {
        let what = what.split(':').next().unwrap_or(what);
        step::result(&format!("    {what:<32} {:>8}", step::seconds(*time)));
    }
}

fn merge(object: &mut Value, more: Value) {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_is_told_in_a_line() {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
        assert_eq!(health(&map), "Current");
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "generation": 1},
            "spec": {"replicas": 2}, "status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 1},
        });
        assert_eq!(health(&deployment), "InProgress (Available: 0/2)");
    }

    #[test]
    fn inventory_entries_are_read() {
        let reference =
            inventory_reference(&json!({"id": "podinfo_web_apps_Deployment", "v": "v1"}))
                .expect("an entry");
        assert_eq!(
            reference,
            Reference::parse("apps/v1:Deployment/podinfo/web").expect("a reference")
        );
        let reference = inventory_reference(&json!({"id": "_podinfo__Namespace", "v": "v1"}))
            .expect("an entry");
        assert_eq!(
            reference,
            Reference::parse("v1:Namespace/podinfo").expect("a reference")
        );
    }
}
