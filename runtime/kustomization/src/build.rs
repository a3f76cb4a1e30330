//! From an artifact to objects: kustomize, then variables, each in the sandbox.

mod guest;

pub use guest::WITHOUT_WORKER;

use crate::Reconciler;
use crate::identity;
use crate::kustomization::outcome::Failure;
use crate::kustomization::plan::Apply;
use crate::kustomization::plan::Substitution;
use crate::refusal;
use crate::secrets;
use crate::variables;
use serde_json::Value;
use serde_json::json;
use sha2::Digest as _;
use std::collections::BTreeMap;
use std::collections::HashSet;
use std::sync::Arc;
use tidegate_apply::Object;
use tidegate_artifact::ArtifactTree;
use tidegate_flow::Run;
use tidegate_sandbox::Call;
use tidegate_sandbox::Emission;
use tidegate_sandbox::Format;
use tidegate_sandbox::Location;
use tidegate_sandbox::Manifest;
use tidegate_values::Digest;
use tidegate_values::ObjectRef;
use tidegate_values::Redactor;
use tidegate_values::without_url_users;

/// How messages name the top of the artifact: by its path in the storage, which tells source and revision. Flux's
/// name the folder that it unpacked into.
pub(crate) fn root_of(plan: &Apply) -> String {
    format!("/{}", plan.artifact.path)
}

/// What came out of a build.
pub(crate) struct Built {
    /// `sha256:…` of the manifests, joined as `kustomize build` prints them: the digest in the history.
    pub(crate) digest: String,
    pub(crate) objects: Vec<Object>,
    /// Jobs that the cluster deletes when they are done.
    pub(crate) jobs: HashSet<ObjectRef>,
    /// Knows the secrets that went in, and those among the objects.
    pub(crate) redactor: Redactor,
}

/// One rendered document: its text, and what it says.
struct Rendered {
    text: bytes::Bytes,
    value: Value,
}

pub(crate) async fn build(
    reconciler: &Reconciler,
    plan: &Apply,
    tree: Arc<ArtifactTree>,
    run: &Run<Reconciler>,
) -> Result<Built, Failure> {
    let (mut rendered, mut redactor) = kustomize(reconciler, plan, tree, run).await?;
    if let Some(substitution) = &plan.substitution {
        rendered = substitute(reconciler, plan, substitution, rendered, &mut redactor, run).await?;
        redactor.extend(rendered.iter().flat_map(|it| secrets::values(&it.value)));
    }
    let mut hash = sha2::Sha256::new();
    for (index, document) in rendered.iter().enumerate() {
        if index > 0 {
            hash.update(b"---\n");
        }
        hash.update(&document.text);
    }
    let digest = Digest::from_bytes(hash.finalize().into()).to_string();
    let objects = tidegate_apply::flatten(rendered.into_iter().map(|document| document.value));
    let jobs = objects
        .iter()
        .filter(|object| object.is_job_with_ttl())
        .map(Object::reference)
        .collect();
    Ok(Built {
        digest,
        objects,
        jobs,
        redactor,
    })
}

async fn kustomize(
    reconciler: &Reconciler,
    plan: &Apply,
    tree: Arc<ArtifactTree>,
    run: &Run<Reconciler>,
) -> Result<(Vec<Rendered>, Redactor), Failure> {
    let plugin = Arc::clone(&reconciler.plugins.kustomize);
    let call = Call {
        tenant: plan.key.namespace.clone(),
        source: Some(tree),
        path: plan.path.clone(),
        facts: BTreeMap::from([("root.display".to_owned(), root_of(plan))]),
        config: plan.build.to_string(),
        remote: (!reconciler.settings.no_remote_bases).then(|| Arc::clone(&reconciler.remote)),
        ..Call::default()
    };
    let name = plugin.name().to_owned();
    let mut report = reconciler
        .call(run, call, move |call| plugin.render(call))
        .await?;
    let emissions = std::mem::take(&mut report.emissions);
    let rendered = match &report.outcome {
        Ok(()) => rendered_of(plan, emissions),
        Err(refused) => Err(build_failure(refused.clone())),
    };
    // Of a build that failed no secret is known.
    let redactor = rendered
        .as_deref()
        .map_or_else(|_| Redactor::default(), secrets_of);
    report.hand_log_on(&name, |text| redactor.redact(&without_url_users(text)));
    Ok((rendered?, redactor))
}

fn rendered_of(plan: &Apply, emissions: Vec<Emission>) -> Result<Vec<Rendered>, Failure> {
    let mut rendered = Vec::with_capacity(emissions.len());
    for emission in emissions {
        let value = read(&emission.bytes).map_err(|error| {
            let file = file_of(plan, emission.source.as_ref());
            Failure::Build(format!(
                "failed to read what was built of '{file}': {error}"
            ))
        })?;
        identity::check_built(&value, || file_of(plan, emission.source.as_ref()))
            .map_err(Failure::Build)?;
        rendered.push(Rendered {
            text: emission.bytes,
            value,
        });
    }
    Ok(rendered)
}

/// What a document was built from, as messages name it; empty if that is not known.
fn file_of(plan: &Apply, source: Option<&Location>) -> String {
    match source {
        Some(source) if source.path.starts_with('/') => source.path.clone(),
        Some(source) => format!("{}/{}", root_of(plan), source.path),
        None => String::new(),
    }
}

async fn substitute(
    reconciler: &Reconciler,
    plan: &Apply,
    substitution: &Substitution,
    rendered: Vec<Rendered>,
    redactor: &mut Redactor,
    run: &Run<Reconciler>,
) -> Result<Vec<Rendered>, Failure> {
    let Some(first) = rendered
        .iter()
        .find(|document| !variables::is_left_alone(&document.value))
    else {
        return Ok(rendered);
    };
    let variables = variables::load(&reconciler.cluster, &plan.key.namespace, substitution)
        .await
        .map_err(|error| {
            Failure::Build(format!(
                "post build failed for '{}': {error}",
                resource_id(&first.value)
            ))
        })?;
    redactor.extend(&variables.secrets);
    let plugin = Arc::clone(&reconciler.plugins.substitute);
    let config = json!({
        "vars": variables.values,
        "strict": reconciler.settings.strict_substitutions,
        "strategy": if substitution.always { "Always" } else { "WithVariables" },
    });
    let manifests = rendered.iter().map(|document| Manifest {
        id: reference(&document.value),
        format: Format::Yaml,
        bytes: document.text.clone(),
        origin: None,
    });
    let call = Call {
        tenant: plan.key.namespace.clone(),
        config: config.to_string(),
        manifests: manifests.collect(),
        ..Call::default()
    };
    let name = plugin.name().to_owned();
    let report = reconciler
        .call(run, call, move |call| plugin.transform(call))
        .await?;
    report.hand_log_on(&name, |text| redactor.redact(&without_url_users(text)));
    report
        .outcome
        .map_err(|refused| redacted(failure(refused), redactor))?;
    let mut substituted = Vec::with_capacity(report.emissions.len());
    let one_each = report.emissions.len() == rendered.len();
    for (index, emission) in report.emissions.into_iter().enumerate() {
        let before = rendered.get(index).filter(|_| one_each);
        // What was kept as it is needs no second reading.
        let value = match emission.kept.and_then(|index| rendered.get(index)) {
            Some(kept) => kept.value.clone(),
            None => read(&emission.bytes).map_err(|error| {
                let object = before.map_or(String::new(), |before| resource_id(&before.value));
                let message = format!("post build failed for '{object}': {error}");
                redacted(Failure::Build(message), redactor)
            })?,
        };
        check_substituted(before, &value).map_err(|failure| redacted(failure, redactor))?;
        substituted.push(Rendered {
            text: emission.bytes,
            value,
        });
    }
    Ok(substituted)
}

/// An object that lost its name must not be taken for one that is no longer wanted, and be pruned.
fn check_substituted(before: Option<&Rendered>, after: &Value) -> Result<(), Failure> {
    identity::check_applied(after).map_err(|error| {
        let object = resource_id(before.map_or(after, |before| &before.value));
        Failure::Build(format!("post build failed for '{object}': {error}"))
    })
}

fn secrets_of(rendered: &[Rendered]) -> Redactor {
    Redactor::new(rendered.iter().flat_map(|it| secrets::values(&it.value)))
}

/// A failure whose text is that of a plugin or a parser, without secrets.
fn redacted(failure: Failure, redactor: &Redactor) -> Failure {
    match failure {
        Failure::Build(message) => Failure::Build(redactor.redact(&message)),
        Failure::Host(message) => Failure::Host(redactor.redact(&message)),
        other => other,
    }
}

/// kustomize's name of a resource: `ConfigMap.v1.[noGrp]/name`.
fn resource_id(value: &Value) -> String {
    let object = reference(value);
    let group = if object.group().is_empty() {
        "[noGrp]"
    } else {
        object.group()
    };
    format!(
        "{}.{}.{group}/{}",
        object.kind,
        object.version(),
        object.name
    )
}

fn reference(value: &Value) -> ObjectRef {
    let text = |pointer| {
        value
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    ObjectRef {
        api_version: text("/apiVersion"),
        kind: text("/kind"),
        namespace: text("/metadata/namespace"),
        name: text("/metadata/name"),
    }
}

/// The place is of the document that was built: it may be deeper than what it was built from.
fn read(text: &[u8]) -> Result<Value, String> {
    let value = tidegate_yaml::parse_v2(text).map_err(|error| error.to_string())?;
    let json = tidegate_yaml::to_json(&value).map_err(|error| error.to_string())?;
    serde_json::from_str(&json).map_err(|error| error.to_string())
}

/// Flux says `kustomize build failed` of what kustomize refused, not of what its own generator did before.
fn build_failure(refused: tidegate_sandbox::Failure) -> Failure {
    let by_generator = refusal::code(&refused) == refusal::GENERATOR;
    match failure(refused) {
        Failure::Build(message) if !by_generator => {
            Failure::Build(format!("kustomize build failed: {message}"))
        }
        failure => failure,
    }
}

/// Whatever ends a build is `BuildFailed` to Flux (kustomize-controller, internal/controller/kustomization_controller.go,
/// `reconcile`), a remote base that is not reached included. kustomize says such a base's URL back, password and all.
fn failure(failure: tidegate_sandbox::Failure) -> Failure {
    let message = match failure {
        tidegate_sandbox::Failure::Host(message) => message,
        failure => failure.to_string(),
    };
    Failure::Build(without_url_users(&message))
}

#[cfg(test)]
mod bombs;

#[cfg(test)]
mod tests {
    use super::Failure;
    use super::Rendered;
    use super::check_substituted;
    use serde_json::json;

    #[test]
    fn an_object_that_substitution_took_the_name_from_is_named_as_it_was() {
        let before = Rendered {
            text: bytes::Bytes::new(),
            value: json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "${NAME}"}}),
        };
        let after = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": null, "namespace": "team"}, "data": {"k": "v"}});
        let check = |before| check_substituted(before, &after).unwrap_err();
        let rest = r#"failed to decode Kubernetes apiVersion, kind and name from: {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":null,"namespace":"team"}}"#;
        assert_eq!(
            check(Some(&before)),
            Failure::Build(format!(
                "post build failed for 'ConfigMap.v1.[noGrp]/${{NAME}}': {rest}"
            ))
        );
        assert_eq!(
            check(None),
            Failure::Build(format!(
                "post build failed for 'ConfigMap.v1.[noGrp]/': {rest}"
            ))
        );
        assert_eq!(check_substituted(Some(&before), &json!(null)), Ok(()));
    }
}
