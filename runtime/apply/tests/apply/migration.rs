//! The gate `MigrateAPIVersion`, against a real API server.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_apply::DryRunMode;

use crate::bench::Bench;

/// A definition gains a version with a field that has a default (fluxcd/pkg, `ssa/manager_apply_test.go`, the tests of
/// `MigrateAPIVersion`): what is noted at the older version makes the server refuse the newer one.
async fn migration_by_gate(name: &str, mode: DryRunMode) {
    let mut bench = Bench::new(name).await;
    bench.settings.dry_run = mode;
    let group = format!("{name}.example.com");
    let version = |name: &str, storage: bool, with_default: bool| {
        let mut item = json!({"key": {"type": "string"}});
        if with_default {
            item["policy"] = json!({"type": "string", "default": "Ignore"});
        }
        let schema = json!({"type": "object", "properties": {
            "spec": {"type": "object", "properties": {
                "pace": {"type": "string"},
                "from": {"type": "array", "items": {"type": "object", "properties": {
                    "extract": {"type": "object", "properties": item},
                }}},
            }},
            "status": {"type": "object", "properties": {"phase": {"type": "string"}}},
        }});
        json!({"name": name, "served": true, "storage": storage, "subresources": {"status": {}},
            "schema": {"openAPIV3Schema": schema}})
    };
    let definition = |versions: &[Value]| {
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("widgets.{group}")},
            "spec": {"group": group, "scope": "Namespaced", "versions": versions,
                "names": {"kind": "Widget", "listKind": "WidgetList", "plural": "widgets", "singular": "widget"}}})
    };
    let widget = |bench: &Bench, version: &str, pace: &str| {
        let content = json!({"spec": {"pace": pace, "from": [{"extract": {"key": "k"}}]}});
        bench.object(&format!("{group}/{version}"), "Widget", "w", content)
    };
    let place = |version: &str| format!("/apis/{group}/{version}/namespaces/{name}/widgets/w");

    let old = definition(&[version("v1beta1", true, false)]);
    let first = [old, widget(&bench, "v1beta1", "slow")];
    assert_eq!(bench.log(first).await.lines().count(), 2);
    let status = json!({"status": {"phase": "Synced"}});
    let path = format!("{}/status?fieldManager=other-controller", place("v1beta1"));
    bench
        .request("PATCH", &path, "application/merge-patch+json", &status)
        .await;
    let both = definition(&[version("v1beta1", false, false), version("v1", true, false)]);
    bench.forget();
    let log = bench.log([both, widget(&bench, "v1", "slow")]).await;
    let configured = format!("CustomResourceDefinition/widgets.{group} configured");
    assert_eq!(log, configured, "the same at another version is no change");
    let newer = definition(&[version("v1beta1", false, false), version("v1", true, true)]);
    bench.forget();
    let log = bench.log([newer.clone()]).await;
    assert_eq!(log, configured);

    let wanted = [newer, widget(&bench, "v1", "fast")];
    let versions = |live: &Value| {
        let entries = live["metadata"]["managedFields"].as_array().unwrap();
        let version = |entry: &Value| entry["apiVersion"].as_str().unwrap().to_owned();
        entries.iter().map(version).collect::<Vec<_>>()
    };
    let read = async |bench: &Bench| {
        bench
            .request("GET", &place("v1"), "application/json", &Value::Null)
            .await
    };
    let mut before = read(&bench).await;
    // The server takes a moment to serve a changed schema.
    let deadline = Instant::now() + Duration::from_mins(1);
    while before.pointer("/spec/from/0/extract/policy").is_none() {
        assert!(Instant::now() < deadline, "{before}");
        tokio::time::sleep(Duration::from_millis(50)).await;
        before = read(&bench).await;
    }
    assert!(
        versions(&before).contains(&format!("{group}/v1beta1")),
        "{before}"
    );
    let refused = bench.log(wanted.clone()).await;
    assert!(
        refused.contains("field not declared in schema"),
        "{refused}"
    );

    bench.settings.migrate_api_version = true;
    assert_eq!(
        bench.log(wanted.clone()).await,
        format!("Widget/{name}/w configured")
    );
    let after = read(&bench).await;
    assert_eq!(versions(&after), vec![format!("{group}/v1"); 2]);
    assert_eq!(after["spec"]["pace"], "fast");
    assert_eq!(after["status"], before["status"]);

    // What somebody writes at the older version later is moved when the object is sent the next time.
    bench
        .request(
            "PATCH",
            &path,
            "application/merge-patch+json",
            &json!({"status": {"phase": "Lost"}}),
        )
        .await;
    let again = [wanted[0].clone(), widget(&bench, "v1", "faster")];
    assert_eq!(
        bench.log(again).await,
        format!("Widget/{name}/w configured")
    );
    assert_eq!(
        versions(&read(&bench).await),
        vec![format!("{group}/v1"); 2]
    );
}

#[tokio::test]
async fn the_migration_gate_moves_field_owners_to_the_applied_version() {
    migration_by_gate("apply-migrate", DryRunMode::Stage).await;
}

#[tokio::test]
async fn the_migration_gate_needs_no_dry_run() {
    migration_by_gate("apply-migrate-untried", DryRunMode::Never).await;
}
