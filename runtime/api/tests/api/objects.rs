use serde_json::{Value, json};
use tidegate_api::{
    ConditionStatus, CustomResource, DeletionPolicy, Duration, GitRepository, Kustomization,
    ReconcileStatus, SourceKind, SourceObject,
};

/// Reads an object with every field and writes it again.
#[track_caller]
fn check_round_trip<K: CustomResource>(text: &str) -> K {
    let stored: Value = serde_json::from_str(text).expect("JSON");
    let object: K = serde_json::from_value(stored.clone()).expect("an object of this kind");
    assert_eq!(serde_json::to_value(&object).expect("JSON"), stored);
    object
}

/// The names of all fields below `value`, joined by dots; those of lists are the names of their elements.
fn field_names(value: &Value, path: &str, names: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let path = format!("{path}.{name}");
                names.push(path.clone());
                field_names(field, &path, names);
            }
        }
        Value::Array(elements) => elements
            .iter()
            .for_each(|element| field_names(element, path, names)),
        _ => {}
    }
}

/// The names of all fields that a schema has, in the form of [`field_names`].
fn schema_names(schema: &Value, path: &str, names: &mut Vec<String>) {
    if let Some(properties) = schema["properties"].as_object() {
        for (name, property) in properties {
            let path = format!("{path}.{name}");
            names.push(path.clone());
            schema_names(property, &path, names);
        }
    }
    if schema["items"].is_object() {
        schema_names(&schema["items"], path, names);
    }
}

/// Fails when a field of the schema is missing in the object that is said to have every field.
#[track_caller]
fn check_complete<K: CustomResource>(text: &str) {
    let definition = tidegate_api::custom_resource_definition::<K>(&tidegate_api::Labels::new());
    let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"];
    let object: Value = serde_json::from_str(text).expect("JSON");
    for part in ["spec", "status"] {
        let (mut wanted, mut there) = (Vec::new(), Vec::new());
        schema_names(&schema[part], part, &mut wanted);
        field_names(&object[part], part, &mut there);
        let missing: Vec<_> = wanted.iter().filter(|name| !there.contains(name)).collect();
        assert!(
            wanted.len() > 20 && missing.is_empty(),
            "not in the example: {missing:?}"
        );
    }
}

const GIT_REPOSITORY: &str = include_str!("objects/git_repository.json");
const KUSTOMIZATION: &str = include_str!("objects/kustomization.json");

#[test]
fn a_git_repository_with_every_field_is_written_as_it_was_read() {
    let repository: GitRepository = check_round_trip(GIT_REPOSITORY);
    check_complete::<GitRepository>(GIT_REPOSITORY);
    assert_eq!(repository.interval(), Duration::from_secs(3600));
    assert_eq!(repository.spec.timeout().to_string(), "20s");
    assert_eq!(repository.reconcile_request(), Some("2026-03-01T10:00:00Z"));
    assert!(repository.status().conditions().is_true("Ready"));
    assert_eq!(repository.spec.include[0].to_path(), "vendor/base");
}

#[test]
fn a_kustomization_with_every_field_is_written_as_it_was_read() {
    let kustomization: Kustomization = check_round_trip(KUSTOMIZATION);
    check_complete::<Kustomization>(KUSTOMIZATION);
    assert_eq!(
        kustomization.spec.source_ref.source_kind(),
        Some(SourceKind::OciRepository)
    );
    assert_eq!(
        kustomization.spec.source_ref.to_string(),
        "OCIRepository/flux-system/apps"
    );
    assert_eq!(
        kustomization.spec.deletion_policy(),
        Some(DeletionPolicy::WaitForTermination)
    );
    let inventory = kustomization.status.inventory.unwrap();
    assert_eq!(inventory.entries[0].v, "v1");
}

#[test]
fn a_minimal_object_is_written_without_what_is_not_set() {
    let minimal = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "apps", "namespace": "team"},
        "spec": {"interval": "10m0s", "prune": false, "sourceRef": {"kind": "GitRepository", "name": "apps"}},
    });
    let object: Kustomization = check_round_trip(&minimal.to_string());
    assert_eq!(object.spec.timeout().to_string(), "9m30s");
    assert_eq!(object.spec.retry_interval().to_string(), "10m0s");
    assert_eq!(object.spec.source_ref.namespace_or("team"), "team");
}

#[test]
fn one_odd_object_does_not_hide_the_others() {
    let odd = json!({
        "metadata": {"name": "odd"},
        "spec": {
            "interval": "99999999999999h",
            "path": "",
            "deletionPolicy": "Explode",
            "buildMetadata": ["colours"],
            "postBuild": {"substituteStrategy": "Sometimes", "substituteFrom": [{"kind": "Lease", "name": "x"}]},
            "sourceRef": {"kind": "Tape"},
            "fieldOfTheFuture": {"a": 1},
        },
        "status": {"conditions": [{"type": "Ready", "status": "Maybe"}], "history": [{"lastReconciledDuration": ""}]},
    });
    let object: Kustomization = serde_json::from_value(odd).unwrap();
    assert_eq!(object.spec.path, None);
    assert_eq!(object.spec.source_ref.source_kind(), None);
    assert_eq!(object.spec.deletion_policy(), None);
    assert!(!object.spec.deletes_objects());
    assert_eq!(object.spec.post_build.unwrap().substitute_strategy(), None);
    assert_eq!(
        object.status.conditions.status("Ready"),
        Some(ConditionStatus::Unknown)
    );
    assert!(serde_json::from_value::<GitRepository>(json!({})).is_ok());
}

#[test]
fn the_default_of_the_api_server_tells_that_nothing_was_observed() {
    let object: GitRepository =
        serde_json::from_value(json!({"status": {"observedGeneration": -1}})).unwrap();
    assert_eq!(object.status().observed_generation(), -1);
}

#[test]
fn any_source_is_read_by_its_status() {
    let stored = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "OCIRepository",
        "metadata": {"name": "apps"},
        "spec": {"url": "oci://registry/apps"},
        "status": {
            "observedGeneration": 2,
            "url": "http://source-controller/ocirepository/team/apps/latest.tar.gz",
            "artifact": {
                "digest": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "lastUpdateTime": "2026-03-01T10:00:00Z", "path": "p", "revision": "latest@sha256:e3b0", "url": "u",
                "metadata": {"org.opencontainers.image.revision": "main@sha1:1f2e"},
            },
        },
    });
    let object: SourceObject = serde_json::from_value(stored).unwrap();
    assert_eq!(object.status.observed_generation, 2);
    assert_eq!(
        object.status.artifact.unwrap().origin_revision(),
        Some("main@sha1:1f2e")
    );
    let resource = SourceKind::OciRepository.resource();
    assert_eq!(
        (resource.api_version.as_str(), resource.plural.as_str()),
        ("source.toolkit.fluxcd.io/v1", "ocirepositories")
    );
}

#[test]
fn the_timeout_is_never_under_thirty_seconds() {
    let timeout = |spec: Value| {
        let object: Kustomization = serde_json::from_value(json!({"spec": spec})).unwrap();
        object.spec.timeout().to_string()
    };
    assert_eq!(timeout(json!({"interval": "1h"})), "59m30s");
    assert_eq!(timeout(json!({"interval": "45s"})), "30s");
    assert_eq!(timeout(json!({"interval": "1h", "timeout": "5s"})), "30s");
    assert_eq!(timeout(json!({"interval": "1m", "timeout": "5m"})), "5m0s");
}
