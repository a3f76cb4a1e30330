//! What the drift check is asked, and that what it says of a single object without a dry run misses nothing that the
//! API server would change.

use serde_json::{Value, json};

use crate::bench::Bench;

#[tokio::test]
async fn a_stage_is_judged_in_one_go() {
    let mut bench = Bench::new("drift-batch").await;
    let wanted: Vec<_> = (0..20)
        .map(|n| bench.config_map(&format!("c{n:02}"), &json!({"k": "1"})))
        .collect();
    bench.apply(wanted.clone()).await;
    bench.apply(wanted.clone()).await;
    assert!(bench.check.calls().is_empty(), "nothing moved");

    bench
        .edit("c03", "somebody", &json!({"data": {"k": "hand"}}))
        .await;
    bench.previous.moved = bench.previous.known.keys().cloned().collect();
    assert_eq!(
        bench.log(wanted).await,
        "ConfigMap/drift-batch/c03 configured"
    );
    let calls = bench.check.calls();
    assert_eq!(calls.len(), 1, "{calls:?}");
    let verdicts: Vec<_> = calls[0].split(", ").collect();
    assert_eq!(verdicts.len(), 20);
    assert_eq!(verdicts[3], "ConfigMap/drift-batch/c03 Drifted");
    let same = verdicts.iter().filter(|it| it.ends_with(" Same")).count();
    assert_eq!(same, 19);
}

fn workload(bench: &Bench) -> Value {
    let pod = json!({
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "volumes": [{"name": "scratch", "emptyDir": {}}],
        "initContainers": [{"name": "one", "image": "i"}, {"name": "two", "image": "i"}],
        "containers": [{"name": "main", "image": "i", "args": ["a", "b"], "env": [{"name": "A", "value": "1"}],
            "ports": [{"containerPort": 53}], "resources": {"limits": {"cpu": "1000m"}},
            "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]}],
    });
    let spec = json!({"replicas": 0, "selector": {"matchLabels": {"app": "x"}},
        "template": {"metadata": {"labels": {"app": "x"}}, "spec": pod}});
    let content = json!({"metadata": {"labels": {"l": "1"}}, "spec": spec});
    bench.object("apps/v1", "Deployment", "d", content)
}

/// What comes of an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// It is somebody's own.
    Kept,
    PutRight,
    /// The API server takes neither, as with any apply: what matters is that it was asked.
    Refused,
}

/// Edits as a merge patch.
fn edits() -> Vec<(&'static str, Value, Expected)> {
    use Expected::{Kept, PutRight, Refused};
    let pod = |change: Value| json!({"spec": {"template": {"spec": change}}});
    let main = |change: Value| {
        let mut container = json!({"name": "main", "image": "i", "args": ["a", "b"], "env": [{"name": "A", "value": "1"}],
            "ports": [{"containerPort": 53, "protocol": "TCP"}], "resources": {"limits": {"cpu": "1"}},
            "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]});
        for (key, value) in change.as_object().unwrap() {
            container[key] = value.clone();
        }
        pod(json!({ "containers": [container] }))
    };
    vec![
        (
            "a field of theirs",
            json!({"spec": {"minReadySeconds": 3}}),
            Kept,
        ),
        (
            "a label of theirs",
            json!({"metadata": {"labels": {"theirs": "1"}}}),
            Kept,
        ),
        (
            "a label",
            json!({"metadata": {"labels": {"l": "2"}}}),
            PutRight,
        ),
        (
            "a label gone",
            json!({"metadata": {"labels": {"l": null}}}),
            PutRight,
        ),
        ("a number", json!({"spec": {"replicas": 1}}), PutRight),
        (
            "more in an atomic map",
            pod(json!({"nodeSelector": {"more": "1"}})),
            PutRight,
        ),
        (
            "more in an atomic list",
            pod(
                json!({"tolerations": [{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Exists"}]}),
            ),
            PutRight,
        ),
        (
            "more in an item of an atomic list",
            pod(
                json!({"tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute"}]}),
            ),
            PutRight,
        ),
        (
            "another choice of a union",
            pod(json!({"volumes": [{"name": "scratch", "hostPath": {"path": "/"}}]})),
            Refused,
        ),
        (
            "another order of keyed items",
            pod(
                json!({"initContainers": [{"name": "two", "image": "i"}, {"name": "one", "image": "i"}]}),
            ),
            PutRight,
        ),
        (
            "an item gone",
            pod(json!({"initContainers": [{"name": "one", "image": "i"}]})),
            PutRight,
        ),
        (
            "an item of theirs",
            main(json!({"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]})),
            Kept,
        ),
        (
            "an item in place of ours",
            main(json!({"ports": [{"containerPort": 53, "protocol": "UDP"}]})),
            PutRight,
        ),
        (
            "a value in an item",
            main(json!({"image": "other"})),
            PutRight,
        ),
        (
            "an atomic list in an item",
            main(json!({"args": ["a"]})),
            PutRight,
        ),
        (
            "a map in an item gone",
            main(json!({"resources": {}})),
            PutRight,
        ),
    ]
}

#[tokio::test]
async fn nothing_is_missed_without_a_dry_run() {
    let mut bench = Bench::new("drift-alone").await;
    let wanted = workload(&bench);
    let path = "/apis/apps/v1/namespaces/drift-alone/deployments/d";
    for (name, edit, expected) in edits() {
        bench.apply([wanted.clone()]).await;
        let patch = format!("{path}?fieldManager=somebody");
        bench
            .request("PATCH", &patch, "application/merge-patch+json", &edit)
            .await;
        bench.previous.moved = bench.previous.known.keys().cloned().collect();
        bench.count();
        bench.check.calls();
        let outcome = bench.apply([wanted.clone()]).await;
        let requests = bench.count();
        let calls = bench.check.calls();
        assert_eq!(calls.len(), 1, "{name}: {calls:?}");
        let remove = || bench.request("DELETE", path, "application/json", &Value::Null);
        if expected == Expected::Refused {
            let text = outcome.failure.map(|failure| failure.to_string());
            assert!(text.is_some_and(|text| text.contains("more than 1 volume type")));
            remove().await;
            bench.forget();
            continue;
        }
        assert_eq!(outcome.failure, None, "{name}");
        if expected == Expected::PutRight {
            assert_eq!(
                outcome.changes.log(),
                "Deployment/drift-alone/d configured",
                "{name}"
            );
            assert_eq!(requests, 2, "{name}: a read and an apply");
        }
        // What another apply would change now is what the check missed.
        let live = bench
            .request("GET", path, "application/json", &Value::Null)
            .await;
        let trial = format!("{path}?dryRun=All&fieldManager=kustomize-controller&force=true");
        let mut applied = wanted.clone();
        applied["metadata"]["labels"] = live["metadata"]["labels"].clone();
        applied["metadata"]["labels"]
            .as_object_mut()
            .unwrap()
            .remove("theirs");
        applied["spec"]["template"]["spec"]["containers"][0]["ports"][0]["protocol"] = json!("TCP");
        let tried = bench
            .request("PATCH", &trial, "application/apply-patch+yaml", &applied)
            .await;
        // Annotations are the deployment controller's.
        for part in ["/spec", "/metadata/labels"] {
            assert_eq!(tried.pointer(part), live.pointer(part), "{name}");
        }
        remove().await;
        bench.forget();
    }
}

#[tokio::test]
async fn what_moved_and_is_as_wanted_is_not_sent() {
    let mut bench = Bench::new("drift-same").await;
    let wanted = bench.object(
        "v1",
        "Service",
        "s",
        json!({"spec": {"selector": {"app": "x"},
        "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "web", "port": 80}]}}),
    );
    bench.apply([wanted.clone()]).await;
    let path = "/api/v1/namespaces/drift-same/services/s?fieldManager=somebody";
    let theirs = json!({"metadata": {"annotations": {"theirs": "1"}}});
    bench
        .request("PATCH", path, "application/merge-patch+json", &theirs)
        .await;
    bench.previous.moved = bench.previous.known.keys().cloned().collect();
    bench.count();
    assert_eq!(bench.log([wanted.clone()]).await, "");
    assert_eq!(bench.count(), 1, "a read");
    assert_eq!(bench.check.calls(), ["Service/drift-same/s Same"]);
    assert_eq!(bench.log([wanted]).await, "");
    assert_eq!(bench.count(), 0, "what was read is remembered");
}
