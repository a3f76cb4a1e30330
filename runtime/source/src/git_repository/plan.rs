//! Decides everything that can be decided without the world.

use super::Inputs;
use super::credentials;
use super::outcome::FailedPart;
use super::outcome::Failure;
use super::outcome::Outcome;
use super::outcome::Reconciled;
use super::outcome::Severity;
use super::outcome::Stored;
use kube::ResourceExt as _;
use std::time::Duration;
use tidegate_api::Artifact;
use tidegate_api::GitRepository;
use tidegate_api::meta::condition;
use tidegate_api::meta::group::SOURCE;
use tidegate_api::meta::reason;
use tidegate_artifact::ArtifactName;
use tidegate_flow::has_finalizer;
use tidegate_git::Reference;
use tidegate_git::Remote;
use tidegate_git::SshAlgorithms;

/// What is to be done. The API's structs stop here.
pub enum Plan {
    Delete(ArtifactName),
    Fetch(Box<Fetch>),
}

/// A remote is to be looked at, and what it has kept.
pub struct Fetch {
    pub name: ArtifactName,
    pub remote: Remote,
    pub reference: Reference,
    pub timeout: Duration,
    /// The revision of the stored artifact, when that is known to be whole.
    pub known: Option<String>,
    /// Nothing that shapes the artifact changed since it was made.
    pub same_content: bool,
    pub submodules: bool,
    pub sparse: Vec<String>,
    pub ignore: Option<String>,
    pub includes: Vec<Include>,
    pub includes_changed: bool,
}

/// A part of another repository's artifact.
pub struct Include {
    pub repository: String,
    pub from: String,
    pub to: String,
    pub artifact: Artifact,
}

pub(super) fn artifact_name(object: &GitRepository) -> ArtifactName {
    ArtifactName::new(
        "GitRepository",
        &object.namespace().unwrap_or_default(),
        &object.name_any(),
    )
}

pub(super) fn plan(
    object: &GitRepository,
    inputs: &Inputs,
    ssh: &SshAlgorithms,
    allow_http: bool,
) -> Result<Plan, Outcome> {
    if object.metadata.deletion_timestamp.is_some() {
        return Ok(Plan::Delete(artifact_name(object)));
    }
    if !has_finalizer(object) {
        return Err(Outcome::FinalizerMissing);
    }
    if object.spec.suspend {
        return Err(Outcome::Suspended);
    }
    if let Some(field) = not_served(object) {
        return Err(Outcome::NotServed { field });
    }
    fetch(object, inputs, ssh, allow_http)
        .map(|plan| Plan::Fetch(Box::new(plan)))
        .map_err(|failure| {
            Outcome::Reconciled(Box::new(Reconciled {
                stored: inputs.stored.clone(),
                collected: inputs.collected,
                new_revision: None,
                includes_changed: false,
                result: Err(failure),
            }))
        })
}

/// Fields that a later version brings.
fn not_served(object: &GitRepository) -> Option<String> {
    let spec = &object.spec;
    if spec.verify.is_some() {
        return Some("spec.verify".to_owned());
    }
    (spec.provider() != "generic").then(|| format!("spec.provider: {}", spec.provider()))
}

fn fetch(
    object: &GitRepository,
    inputs: &Inputs,
    ssh: &SshAlgorithms,
    allow_http: bool,
) -> Result<Fetch, Failure> {
    let spec = &object.spec;
    spec.check_names().map_err(|error| Failure {
        part: FailedPart::Fetch,
        severity: Severity::Stalling,
        reason: reason::RECONCILIATION_FAILED,
        message: error.to_string(),
    })?;
    let proxy = credentials::proxy(object, inputs)?;
    let remote = Remote::new(&spec.url).map_err(|error| Failure {
        part: FailedPart::Fetch,
        severity: Severity::Stalling,
        reason: reason::URL_INVALID,
        message: format!(
            "failed to parse url '{}': {error}",
            tidegate_values::SafeUrl::new(&spec.url)
        ),
    })?;
    let is_plain = |url: &str| url.starts_with("http:");
    // The URL stands in the spec: nothing is tried before that changes. A Secret is looked at again.
    for (is_refused, severity) in [
        (is_plain(&spec.url), Severity::Stalling),
        (
            proxy.as_ref().is_some_and(|url| is_plain(url.expose())),
            Severity::Failing,
        ),
    ] {
        if is_refused && !allow_http {
            return Err(Failure {
                part: FailedPart::Fetch,
                severity,
                reason: reason::INSECURE_CONNECTIONS_DISALLOWED,
                message: tidegate_git::Failure::PlainHttp.to_string(),
            });
        }
    }
    let remote = credentials::put(remote, &spec.url, object, inputs)?;
    let mut remote = remote.with_ssh_algorithms(ssh.clone());
    if let Some(proxy) = proxy {
        remote = remote.with_proxy(proxy);
    }
    if !allow_http {
        remote = remote.with_https_only();
    }
    let includes = includes(object, inputs)?;
    let included: Vec<&Artifact> = includes.iter().map(|include| &include.artifact).collect();
    let includes_changed = differ(&included, &object.status.included_artifacts);
    let artifact = object
        .status
        .artifact
        .as_ref()
        .filter(|_| matches!(inputs.stored, Stored::Intact { .. }));
    let reference = spec.reference.clone().unwrap_or_default();
    Ok(Fetch {
        name: artifact_name(object),
        remote,
        reference: Reference {
            commit: reference.commit,
            name: reference.name,
            tag: reference.tag,
            semver: reference.semver,
            branch: reference.branch,
        },
        timeout: spec.timeout().to_std(),
        known: artifact
            .filter(|_| {
                object
                    .status
                    .conditions
                    .is_true(condition::ARTIFACT_IN_STORAGE)
            })
            .map(|artifact| artifact.revision.clone()),
        same_content: same_content(object) && !includes_changed,
        submodules: spec.recurse_submodules,
        sparse: spec.sparse_checkout.clone(),
        ignore: spec.ignore.clone(),
        includes,
        includes_changed,
    })
}

/// source-controller, `fetchIncludes`.
fn includes(object: &GitRepository, inputs: &Inputs) -> Result<Vec<Include>, Failure> {
    let waiting = |reason, message| Failure {
        part: FailedPart::Include,
        severity: Severity::Waiting,
        reason,
        message,
    };
    let mut includes = Vec::new();
    for (include, found) in object.spec.include.iter().zip(&inputs.includes) {
        let name = &include.repository.name;
        let Some(found) = found else {
            let message = format!(
                "could not get resource for include '{name}': GitRepository.{SOURCE} \"{name}\" not found"
            );
            return Err(waiting(reason::NOT_FOUND, message));
        };
        let Some(artifact) = &found.status.artifact else {
            return Err(waiting(
                reason::NO_ARTIFACT,
                format!("no artifact available for include '{name}'"),
            ));
        };
        includes.push(Include {
            repository: name.clone(),
            from: include.from_path().to_owned(),
            to: include.to_path().to_owned(),
            artifact: artifact.clone(),
        });
    }
    Ok(includes)
}

/// source-controller, `artifactSet.Diff`: by revision and digest, in order.
fn differ(now: &[&Artifact], before: &[Artifact]) -> bool {
    now.len() != before.len()
        || now
            .iter()
            .zip(before)
            .any(|(now, before)| now.revision != before.revision || now.digest != before.digest)
}

/// source-controller, `gitContentConfigChanged`, turned around.
fn same_content(object: &GitRepository) -> bool {
    let (spec, status) = (&object.spec, &object.status);
    spec.ignore == status.observed_ignore
        && spec.recurse_submodules == status.observed_recurse_submodules
        && spec.include == status.observed_include
        && spec.sparse_checkout == status.observed_sparse_checkout
}
