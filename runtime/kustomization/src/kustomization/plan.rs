//! Decides everything that can be decided without the world.

use super::Inputs;
use super::outcome::Outcome;
use super::outcome::Revision;
use super::resolve::Source;
use crate::Settings;
use kube::ResourceExt as _;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use tidegate_api::Artifact;
use tidegate_api::DeletionPolicy;
use tidegate_api::IgnoreRule;
use tidegate_api::Inventory;
use tidegate_api::Kustomization;
use tidegate_api::SubstituteReference;
use tidegate_api::SubstituteStrategy;
use tidegate_api::meta::annotation;
use tidegate_api::meta::condition;
use tidegate_api::meta::reason;
use tidegate_cel::HealthExpressions;
use tidegate_cel::HealthRules;
use tidegate_flow::has_finalizer;
use tidegate_kube::Cluster;
use tidegate_kube::Key;
use tidegate_values::ObjectRef;

/// What is to be done. The API's structs stop here.
pub enum Plan {
    Finalize(Finalize),
    Apply(Box<Apply>),
}

/// The Kustomization goes away.
pub struct Finalize {
    pub key: Key,
    /// Whether what it applied goes with it.
    pub delete: bool,
    pub wait: bool,
    pub timeout: Duration,
    pub account: Option<String>,
    pub inventory: Inventory,
}

/// Manifests are to be built and applied.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a field of the object or a fact about it, independent of the others"
)]
pub struct Apply {
    pub key: Key,
    pub artifact: Artifact,
    pub revision: Revision,
    /// Inside the artifact, in normal form; empty is the root.
    pub path: String,
    /// The configuration of the kustomize component.
    pub build: Value,
    pub substitution: Option<Substitution>,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub ignore: Vec<IgnoreRule>,
    /// The service account that objects are read and written as; `None`: ourselves.
    pub account: Option<String>,
    pub force: bool,
    pub prune: bool,
    pub health: HealthChecks,
    pub expressions: HealthExpressions,
    pub timeout: Duration,
    /// What the last success left.
    pub inventory: Inventory,
    /// Somebody asked for this by annotation, and was not answered yet.
    pub requested: bool,
    pub is_new_revision: bool,
    pub was_healthy: bool,
    /// The last try succeeded with this spec and revision, and nobody asked for another.
    pub is_settled: bool,
    /// The generation of the spec.
    pub generation: i64,
    pub interval: Duration,
}

/// Variables to be put into what was built.
pub struct Substitution {
    pub inline: BTreeMap<String, String>,
    pub from: Vec<SubstituteReference>,
    pub always: bool,
}

/// What has to be healthy before Ready is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthChecks {
    None,
    /// `wait`: everything that was applied.
    Applied,
    /// `healthChecks`
    Listed(Vec<ObjectRef>),
}

pub(super) fn plan(
    object: &Kustomization,
    inputs: &Inputs,
    settings: &Settings,
) -> Result<Plan, Outcome> {
    let spec = &object.spec;
    if object.metadata.deletion_timestamp.is_some() {
        let finalize = finalize(object, settings);
        // Here, objects of the same names are somebody else's.
        if finalize.delete && spec.kube_config.is_some() {
            return Err(Outcome::NotServed {
                field: "spec.kubeConfig",
            });
        }
        return Ok(Plan::Finalize(finalize));
    }
    if !has_finalizer(object) {
        return Err(Outcome::FinalizerMissing);
    }
    if spec.suspend {
        return Err(Outcome::Suspended);
    }
    check_names(object, settings)?;
    let expressions = health_expressions(object)?;
    for (field, used) in [
        ("spec.decryption", spec.decryption.is_some()),
        ("spec.kubeConfig", spec.kube_config.is_some()),
    ] {
        if used {
            return Err(Outcome::NotServed { field });
        }
    }
    let artifact = artifact(inputs)?;
    let revision = Revision {
        revision: artifact.revision.clone(),
        origin: artifact.origin_revision().map(str::to_owned),
    };
    super::dependencies::check(
        object,
        inputs,
        &revision,
        settings.additive_cel_dependency_check,
    )?;
    let status = &object.status;
    let metadata = spec.common_metadata.clone().unwrap_or_default();
    let key = Key::of(object);
    let generation = object.metadata.generation.unwrap_or_default();
    let requested = object
        .annotations()
        .get(annotation::RECONCILE_REQUESTED_AT)
        .is_some_and(|request| status.last_handled_reconcile_at.as_ref() != Some(request));
    let is_new_revision = status.last_applied_revision.as_ref() != Some(&artifact.revision);
    Ok(Plan::Apply(Box::new(Apply {
        path: normal_path(spec.path.as_deref().unwrap_or_default()),
        build: build_config(object),
        substitution: spec.post_build.as_ref().map(|post_build| Substitution {
            inline: post_build.substitute.clone(),
            from: post_build.substitute_from.clone(),
            always: post_build.substitute_strategy() == Some(SubstituteStrategy::Always),
        }),
        labels: metadata.labels,
        annotations: metadata.annotations,
        ignore: spec.ignore.clone(),
        account: account(object, settings),
        force: spec.force,
        prune: spec.prune,
        health: health_checks(object, &key),
        expressions,
        timeout: spec.timeout().to_std(),
        inventory: status.inventory.clone().unwrap_or_default(),
        requested,
        is_new_revision,
        was_healthy: status.conditions.is_true(condition::HEALTHY),
        is_settled: status.conditions.is_true(condition::READY)
            && status.observed_generation == generation
            && !is_new_revision
            && !requested,
        generation,
        interval: spec.interval.to_std(),
        artifact,
        revision,
        key,
    })))
}

fn artifact(inputs: &Inputs) -> Result<Artifact, Outcome> {
    match &inputs.source {
        Source::Found(source) => source.status.artifact.clone().ok_or(Outcome::NoArtifact),
        Source::Missing(message) => Err(Outcome::SourceMissing {
            message: message.clone(),
        }),
        Source::Denied(message) => Err(Outcome::AccessDenied {
            message: message.clone(),
        }),
        Source::Unreadable(message) => Err(Outcome::SourceUnreadable {
            message: message.clone(),
        }),
        Source::NotRead => Err(Outcome::NoArtifact),
    }
}

fn finalize(object: &Kustomization, settings: &Settings) -> Finalize {
    let spec = &object.spec;
    let inventory = object.status.inventory.clone().unwrap_or_default();
    Finalize {
        key: Key::of(object),
        // kustomize-controller, `finalizerShouldDeleteResources`.
        delete: !spec.suspend && !inventory.entries.is_empty() && spec.deletes_objects(),
        wait: spec.deletion_policy() == Some(DeletionPolicy::WaitForTermination),
        timeout: spec.timeout().to_std(),
        account: account(object, settings),
        inventory,
    }
}

fn account(object: &Kustomization, settings: &Settings) -> Option<String> {
    object
        .spec
        .service_account_name
        .clone()
        .or_else(|| settings.default_service_account.clone())
}

/// Whatever is referred to can exist.
fn check_names(object: &Kustomization, settings: &Settings) -> Result<(), Outcome> {
    let wrong = |message: String| Outcome::Misconfigured {
        reason: reason::RECONCILIATION_FAILED,
        message,
        revision: None,
    };
    let spec = &object.spec;
    spec.check_names()
        .map_err(|error| wrong(error.to_string()))?;
    match &settings.default_service_account {
        Some(account) if spec.service_account_name.is_none() => Cluster::check_account(account)
            .map_err(|error| wrong(format!("--default-service-account: {error}"))),
        _ => Ok(()),
    }
}

fn health_expressions(object: &Kustomization) -> Result<HealthExpressions, Outcome> {
    let rules = object
        .spec
        .health_check_exprs
        .iter()
        .map(|check| HealthRules {
            api_version: &check.api_version,
            kind: check.kind.as_deref().unwrap_or_default(),
            current: &check.current,
            in_progress: check.in_progress.as_deref(),
            failed: check.failed.as_deref(),
        });
    HealthExpressions::compile(rules).map_err(|error| Outcome::Misconfigured {
        reason: reason::INVALID_CEL_EXPRESSION,
        message: error.to_string(),
        revision: None,
    })
}

fn health_checks(object: &Kustomization, key: &Key) -> HealthChecks {
    let spec = &object.spec;
    if spec.wait {
        return HealthChecks::Applied;
    }
    if spec.health_checks.is_empty() {
        return HealthChecks::None;
    }
    let listed = spec.health_checks.iter().map(|check| ObjectRef {
        // kustomize-controller, `internal/inventory`, `ReferenceToObjMetadataSet`.
        api_version: check
            .api_version
            .clone()
            .unwrap_or_else(|| "apps/v1".to_owned()),
        kind: check.kind.clone(),
        namespace: check
            .namespace
            .clone()
            .unwrap_or_else(|| key.namespace.clone()),
        name: check.name.clone(),
    });
    HealthChecks::Listed(listed.collect())
}

/// What the kustomize component is told: the fields of the Kustomization that go into `kustomization.yaml`.
pub fn build_config(object: &Kustomization) -> Value {
    let spec = &object.spec;
    let mut config = Map::new();
    let mut put = |name: &str, value: Value| {
        let empty = match &value {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        if !empty {
            config.insert(name.to_owned(), value);
        }
    };
    put("generate", json!(true));
    put("loadRestrictor", json!("none"));
    put("reorder", json!("none"));
    put("namespace", json!(spec.target_namespace));
    put("namePrefix", json!(spec.name_prefix));
    put("nameSuffix", json!(spec.name_suffix));
    put("patches", json!(spec.patches));
    put("images", json!(spec.images));
    put("components", json!(spec.components));
    put(
        "ignoreMissingComponents",
        json!(spec.ignore_missing_components),
    );
    put("buildMetadata", json!(spec.build_metadata));
    Value::Object(config)
}

/// `.` and `..` resolved, never above the root, as securejoin has it (cyphar/filepath-securejoin).
fn normal_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::normal_path;

    #[test]
    fn paths_stay_inside_the_artifact() {
        let check = |path: &str, normal: &str| assert_eq!(normal_path(path), normal, "{path}");
        check("", "");
        check("./", "");
        check("./apps/../infra//base/", "infra/base");
        check("../../etc", "etc");
        check("/abs", "abs");
    }
}
