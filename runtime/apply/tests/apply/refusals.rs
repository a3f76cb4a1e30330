//! Refusals, deletions and the order of things, against a real API server. Expected texts are Flux's, as recorded.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_apply::{DryRunMode, Inventory, Mapper, read_live, wait_for_termination};

use crate::bench::{Bench, config, counted, deployment};

/// The recorded case `ks-apply-one-bad`.
#[tokio::test]
async fn a_refusal_leaves_its_stage_untouched() {
    let mut bench = Bench::new("apply-one-bad").await;
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": "apply-one-bad"}, "rules": []});
    let bad = bench.object(
        "v1",
        "Service",
        "bad",
        json!({"spec": {"ports": [{"port": 0}]}}),
    );
    let objects = [bench.config_map("a", &json!({})), role, bad];
    assert_eq!(
        bench.log(objects.clone()).await,
        "Service/apply-one-bad/bad dry-run failed (Invalid): Service \"bad\" is invalid: [spec.ports[0].port: \
         Invalid value: 0: must be between 1 and 65535, inclusive, spec.ports[0].targetPort: \
         Invalid value: 0: must be between 1 and 65535, inclusive]\nClusterRole/apply-one-bad created\n"
    );
    // Flux forgets the role.
    let ids: Vec<_> = bench
        .previous
        .inventory
        .entries
        .iter()
        .map(|entry| entry.id.as_str())
        .collect();
    assert_eq!(
        ids,
        ["_apply-one-bad_rbac.authorization.k8s.io_ClusterRole"]
    );

    bench.settings.dry_run = DryRunMode::Never;
    let log = bench.log(objects).await;
    assert!(
        log.starts_with(
            "Service/apply-one-bad/bad dry-run failed (Invalid): Service \"bad\" is invalid"
        ),
        "{log}"
    );
    assert!(
        log.ends_with("\nConfigMap/apply-one-bad/a created\n"),
        "{log}"
    );
    assert_eq!(bench.previous.inventory.entries.len(), 2);
}

/// The recorded cases `ks-apply-crd-and-object`, `ks-apply-cluster-custom` and `ks-prune-crd-gone`.
#[tokio::test]
async fn definitions_come_before_their_objects() {
    let mut bench = Bench::new("apply-definitions").await;
    let definition = |plural: &str, kind: &str, scope: &str| {
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.apply.example.test")},
            "spec": {"group": "apply.example.test", "scope": scope,
                "names": {"plural": plural, "singular": kind.to_lowercase(), "kind": kind},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                    "type": "object", "properties": {"spec": {"type": "object", "properties": {
                        "watts": {"type": "integer", "minimum": 1}, "tint": {"type": "string", "default": "warm"}}}}}}}]}})
    };
    let lamp = |bench: &Bench, spec: Value| {
        bench.object(
            "apply.example.test/v1",
            "Lamp",
            "hall",
            json!({"spec": spec}),
        )
    };
    let skipped =
        json!({"metadata": {"annotations": {"kustomize.toolkit.fluxcd.io/ssa": "Ignore"}}});
    let planets = [
        definition("planets", "Planet", "Cluster"),
        bench.object(
            "apply.example.test/v1",
            "Planet",
            "earth",
            json!({"spec": {"watts": 1}}),
        ),
        bench.object("apply.example.test/v1", "Planet", "mars", skipped),
    ];
    let lamps = definition("lamps", "Lamp", "Namespaced");
    let all = |lamp: Value| {
        planets
            .iter()
            .cloned()
            .chain([lamps.clone(), lamp])
            .collect::<Vec<_>>()
    };

    let wanted = all(lamp(&bench, json!({"watts": 5})));
    assert_eq!(
        bench.log(wanted.clone()).await,
        "CustomResourceDefinition/lamps.apply.example.test created\n\
         CustomResourceDefinition/planets.apply.example.test created\n\
         Lamp/apply-definitions/hall created\nPlanet/earth created"
    );
    let ids: Vec<_> = bench
        .previous
        .inventory
        .entries
        .iter()
        .skip(2)
        .map(|entry| entry.id.as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "apply-definitions_hall_apply.example.test_Lamp",
            "_earth_apply.example.test_Planet",
            "apply-definitions_mars_apply.example.test_Planet",
        ]
    );
    bench.count();
    assert_eq!(bench.log(wanted.clone()).await, "");
    assert_eq!(bench.count(), 0);
    bench.forget();
    assert_eq!(bench.log(wanted.clone()).await, "", "defaults are no drift");

    assert_eq!(
        bench.log(all(lamp(&bench, json!({"watts": 0})))).await,
        "Lamp/apply-definitions/hall dry-run failed (Invalid): Lamp.apply.example.test \"hall\" is invalid: \
         spec.watts: Invalid value: 0: spec.watts in body should be greater than or equal to 1\n"
    );
    assert_eq!(
        bench
            .log(all(lamp(&bench, json!({"watts": 7, "shade": "red"}))))
            .await,
        "Lamp/apply-definitions/hall dry-run failed: failed to create typed patch object \
         (apply-definitions/hall; apply.example.test/v1, Kind=Lamp): .spec.shade: field not declared in schema\n"
    );

    let stale = bench
        .previous
        .inventory
        .without(&Inventory::default())
        .unwrap();
    let pruned = bench.prune(stale.clone()).await;
    assert!(pruned.failure.is_none());
    assert_eq!(
        pruned.changes.to_string(),
        "Planet/apply-definitions/mars deleted\nPlanet/earth deleted\nLamp/apply-definitions/hall deleted\n\
         CustomResourceDefinition/planets.apply.example.test deleted\n\
         CustomResourceDefinition/lamps.apply.example.test deleted"
    );
    let timeout = Duration::from_secs(30);
    wait_for_termination(&bench.client, &bench.mapper, &pruned.changes, timeout)
        .await
        .unwrap();
    bench.mapper = Mapper::new(bench.client.clone());
    let again = bench.prune(stale).await;
    assert_eq!(
        again.changes, pruned.changes,
        "what is gone with its definition counts as deleted"
    );
}

#[tokio::test]
async fn immutable_fields_need_force() {
    let mut bench = Bench::new("apply-force").await;
    let one = deployment(&bench, "d", "one", json!("i"));
    let other = deployment(&bench, "d", "other", json!("i"));
    assert_eq!(
        bench.log([one.clone()]).await,
        "Deployment/apply-force/d created"
    );
    let refused = bench.log([other.clone()]).await;
    assert!(
        refused.starts_with(
            "Deployment/apply-force/d dry-run failed (Invalid): Deployment.apps \"d\" is invalid"
        ),
        "{refused}"
    );
    assert!(refused.contains("field is immutable"), "{refused}");

    bench.settings.force = true;
    assert_eq!(
        bench.log([other.clone()]).await,
        "Deployment/apply-force/d created"
    );
    // By annotation, and with a dry run before.
    bench.settings.force = false;
    let mut annotated = one;
    annotated["metadata"]["annotations"] = json!({"kustomize.toolkit.fluxcd.io/force": "enabled"});
    let both = [annotated, bench.config_map("a", &json!({}))];
    assert_eq!(
        bench.log(both).await,
        "ConfigMap/apply-force/a created\nDeployment/apply-force/d created"
    );

    // The recorded case `ks-apply-force-invalid`; unlike Flux's, the live object stays.
    bench.settings.force = true;
    let objects = bench.previous.inventory.objects().unwrap();
    let read = read_live(&bench.client, &bench.mapper, &objects, 4).await;
    let uid = |read: &[(_, Result<Option<Value>, _>)]| {
        read[1].1.as_ref().unwrap().as_ref().unwrap()["metadata"]["uid"].clone()
    };
    let broken = deployment(&bench, "d", "one", Value::Null);
    assert_eq!(
        bench.log([broken]).await,
        "Deployment/apply-force/d dry-run failed (Invalid): Deployment.apps \"d\" is invalid: \
         spec.template.spec.containers[0].image: Required value\n"
    );
    assert_eq!(
        uid(&read),
        uid(&read_live(&bench.client, &bench.mapper, &objects, 4).await)
    );
}

/// The recorded cases `ks-tenant-rights`, `ks-prune-forbidden` and `ks-tenant-health-forbidden`.
#[tokio::test]
async fn a_tenant_does_what_it_may() {
    let mut bench = Bench::new("apply-tenant").await;
    let account = "system:serviceaccount:apply-tenant:tenant";
    let mut as_tenant = config().await;
    as_tenant.auth_info.impersonate = Some(account.to_owned());
    let admin = std::mem::replace(&mut bench.client, counted(as_tenant, &bench.requests));
    let wanted = vec![
        bench.config_map("a", &json!({})),
        bench.config_map("b", &json!({})),
    ];
    let forbidden = |verb: &str, name: &str| {
        format!(
            "configmaps \"{name}\" is forbidden: User \"{account}\" cannot {verb} resource \"configmaps\" \
             in API group \"\" in the namespace \"apply-tenant\""
        )
    };
    let refused = bench.apply(wanted.clone()).await;
    assert!(refused.failure.as_ref().unwrap().is_forbidden());
    let text = format!(
        "ConfigMap/apply-tenant/a dry-run failed (Forbidden): {}\n",
        forbidden("patch", "a")
    );
    assert_eq!(refused.failure_message().unwrap(), text);

    let grant = async |bench: &mut Bench, verbs: Value| {
        let tenant = std::mem::replace(&mut bench.client, admin.clone());
        let role =
            json!({"rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": &verbs}]});
        bench
            .put(
                bench.object("rbac.authorization.k8s.io/v1", "Role", "tenant", role),
                "setup",
            )
            .await;
        let binding = json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "tenant"},
            "subjects": [{"kind": "ServiceAccount", "name": "tenant", "namespace": "apply-tenant"}]});
        bench
            .put(
                bench.object(
                    "rbac.authorization.k8s.io/v1",
                    "RoleBinding",
                    "tenant",
                    binding,
                ),
                "setup",
            )
            .await;
        // The authorizer learns of it from a watch.
        for verb in ["create", "delete", "get", "list", "patch"] {
            let wanted = verbs.as_array().unwrap().contains(&json!(verb));
            let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
                "spec": {"user": account, "resourceAttributes":
                    {"namespace": "apply-tenant", "verb": verb, "resource": "configmaps"}}});
            let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
            let ask = || bench.request("POST", path, "application/json", &review);
            while ask().await["status"]["allowed"] != wanted {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        bench.client = tenant;
    };
    grant(&mut bench, json!(["patch", "create", "get"])).await;
    assert_eq!(
        bench.log(wanted).await,
        "ConfigMap/apply-tenant/a created\nConfigMap/apply-tenant/b created"
    );

    let stale = bench.previous.inventory.objects().unwrap();
    let pruned = bench.prune(stale.clone()).await;
    assert_eq!(
        pruned.failure.unwrap().to_string(),
        format!(
            "delete failed, errors: ConfigMap/apply-tenant/b delete failed: {};ConfigMap/apply-tenant/a delete failed: {};",
            forbidden("delete", "b"),
            forbidden("delete", "a")
        )
    );
    // As the recorded inventory has them: what is kept follows the rest in reverse.
    let mut kept = stale.clone();
    kept.reverse();
    assert_eq!(pruned.survivors, kept);

    grant(&mut bench, json!(["list"])).await;
    let read = read_live(&bench.client, &bench.mapper, &stale, 4).await;
    let error = read[0].1.as_ref().unwrap_err();
    assert!(error.is_forbidden());
    assert_eq!(error.to_string(), forbidden("get", "a"));
}

#[tokio::test]
async fn a_finalizer_is_waited_for() {
    let mut bench = Bench::new("apply-termination").await;
    bench
        .log([
            bench.config_map("a", &json!({})),
            bench.config_map("b", &json!({})),
        ])
        .await;
    bench
        .edit(
            "a",
            "somebody",
            &json!({"metadata": {"finalizers": ["example.test/hold"]}}),
        )
        .await;
    let stale = bench.previous.inventory.objects().unwrap();
    let pruned = bench.prune(stale).await;
    assert_eq!(
        pruned.changes.to_string(),
        "ConfigMap/apply-termination/b deleted\nConfigMap/apply-termination/a deleted"
    );
    let wait =
        |timeout| wait_for_termination(&bench.client, &bench.mapper, &pruned.changes, timeout);
    let error = wait(Duration::from_millis(300)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "ConfigMap/apply-termination/a termination timeout: context deadline exceeded"
    );
    bench
        .edit("a", "somebody", &json!({"metadata": {"finalizers": null}}))
        .await;
    wait(Duration::from_mins(1)).await.unwrap();
}
