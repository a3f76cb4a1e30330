//! Looks at the remote, and keeps what is new there.

use super::Inputs;
use super::Reconciler;
use super::outcome::FailedPart;
use super::outcome::Failure;
use super::outcome::Fetched;
use super::outcome::Outcome;
use super::outcome::Reconciled;
use super::outcome::Severity;
use super::plan::Fetch;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tidegate_api::Artifact;
use tidegate_api::Time;
use tidegate_api::meta::reason;
use tidegate_artifact::ArtifactName;
use tidegate_artifact::Defaults;
use tidegate_artifact::Download;
use tidegate_artifact::Ignore;
use tidegate_artifact::Store;
use tidegate_flow::StopOnDrop;
use tidegate_git::Budget;
use tidegate_git::Checkout;
use tidegate_git::Options;
use tidegate_values::Redactor;
use tidegate_values::Tree;

impl Reconciler {
    pub(super) async fn delete(&self, name: ArtifactName) -> Outcome {
        let store = self.artifacts.clone();
        let removed = tokio::task::spawn_blocking(move || store.remove_all(&name)).await;
        Outcome::Deleted(match removed {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        })
    }

    pub(super) async fn fetch(&self, plan: Fetch, inputs: &Inputs) -> Outcome {
        let mut done = Reconciled {
            stored: inputs.stored.clone(),
            collected: inputs.collected,
            new_revision: None,
            includes_changed: plan.includes_changed,
            result: Err(failed("the work was given up".to_owned())),
        };
        let (store, scratch) = (self.artifacts.clone(), self.scratch.clone());
        let redactor = inputs.redactor();
        // Dropped with the reconcile: tells the blocking work to stop.
        let stop = StopOnDrop::default();
        let flag = stop.flag();
        let work = tokio::task::spawn_blocking(move || {
            let mut new_revision = None;
            let result = look(&plan, &store, &scratch, &redactor, &flag, &mut new_revision);
            (new_revision, result)
        });
        if let Ok((new_revision, result)) = work.await {
            done.new_revision = new_revision;
            done.result = result;
        }
        Outcome::Reconciled(Box::new(done))
    }
}

fn look(
    plan: &Fetch,
    store: &Store,
    scratch: &Path,
    redactor: &Redactor,
    stop: &Arc<AtomicBool>,
    new_revision: &mut Option<String>,
) -> Result<Fetched, Failure> {
    let asked_anyway = plan.reference.is_always_fetched_by_flux();
    // With other content wanted, the same revision has to be fetched again.
    let known = plan.known.clone().filter(|_| plan.same_content);
    let options = Options {
        known,
        submodules: plan.submodules,
        sparse: plan.sparse.clone(),
        scratch: Some(scratch.to_owned()),
        ..Options::default()
    };
    let budget = Budget::with_stop(plan.timeout, Arc::clone(stop));
    match tidegate_git::checkout(&plan.remote, &plan.reference, &options, &budget)
        .map_err(|error| wrong(&error, redactor))?
    {
        tidegate_git::Outcome::Unchanged(revision) => {
            let revision = revision.to_string();
            if asked_anyway {
                // Flux fetched it, and so knows the subject; there is nothing to say of it.
                return Ok(Fetched::UpToDate {
                    commit: revision.clone(),
                    revision,
                });
            }
            Ok(Fetched::Unchanged { revision })
        }
        tidegate_git::Outcome::Empty => Err(Failure {
            reason: "EmptyGitRepository",
            ..failed("git repository is empty".to_owned())
        }),
        tidegate_git::Outcome::Fetched(checkout) => {
            let revision = checkout.revision.to_string();
            if plan.known.as_ref() != Some(&revision) {
                *new_revision = Some(revision);
            }
            keep(plan, store, *checkout, redactor, stop)
        }
    }
}

fn keep(
    plan: &Fetch,
    store: &Store,
    checkout: Checkout,
    redactor: &Redactor,
    stop: &AtomicBool,
) -> Result<Fetched, Failure> {
    let Checkout {
        revision,
        commit,
        tree,
    } = checkout;
    let hash = revision.hash().to_owned();
    let revision = revision.to_string();
    let tree = join(plan, store, Arc::new(tree), stop)?;
    let storage = |reason, message| Failure {
        part: FailedPart::Storage,
        reason,
        ..failed(message)
    };
    let ignore =
        Ignore::load(&*tree, Defaults::Full, plan.ignore.as_deref()).map_err(|error| Failure {
            part: FailedPart::Hidden,
            reason: reason::SOURCE_IGNORE_ERROR,
            ..failed(format!(
                "failed to load source ignore patterns from repository: {error}"
            ))
        })?;
    let artifact = store
        .publish(&plan.name, &hash, &revision, &*tree, &ignore, stop)
        .map_err(|error| {
            storage(
                reason::ARCHIVE_OPERATION_FAILED,
                format!("unable to archive artifact to storage: {error}"),
            )
        })?;
    Ok(Fetched::Stored {
        artifact: Artifact {
            digest: artifact.digest.to_string(),
            path: artifact.path,
            url: artifact.url,
            revision: artifact.revision,
            last_update_time: Time::new(artifact.last_update_time),
            size: i64::try_from(artifact.size).ok(),
            metadata: std::collections::BTreeMap::new(),
        },
        includes: plan
            .includes
            .iter()
            .map(|include| include.artifact.clone())
            .collect(),
        commit: redactor.redact(&commit.short_message()),
        malformed: ignore.malformed().to_vec(),
    })
}

/// The tree with what `include` puts into it.
fn join(
    plan: &Fetch,
    store: &Store,
    tree: Arc<dyn Tree>,
    stop: &AtomicBool,
) -> Result<Arc<dyn Tree>, Failure> {
    let mut includes = Vec::new();
    let copy_failed = |index: usize, cause: &dyn std::fmt::Display| {
        let include = &plan.includes[index];
        Failure {
            part: FailedPart::Storage,
            reason: reason::COPY_FAILURE,
            ..failed(format!(
                "failed to copy '{}' include from {} to {}: {cause}",
                include.repository, include.from, include.to
            ))
        }
    };
    for (index, include) in plan.includes.iter().enumerate() {
        let digest = include
            .artifact
            .digest
            .parse()
            .map_err(|error| copy_failed(index, &error))?;
        let included = store
            .download(&include.artifact.url, &digest, &Download::default(), stop)
            .map_err(|error| copy_failed(index, &error))?;
        includes.push(tidegate_artifact::Include {
            tree: included,
            from: include.from.clone(),
            to: include.to.clone(),
        });
    }
    tidegate_artifact::include(tree, &includes).map_err(|error| copy_failed(error.index, &error))
}

fn wrong(error: &tidegate_git::Error, redactor: &Redactor) -> Failure {
    let text = redactor.redact(&error.to_string());
    match error {
        tidegate_git::Error::SparseMissing(_) => {
            failed(format!("failed to sparse checkout directories : {text}"))
        }
        _ => failed(format!("failed to checkout and determine revision: {text}")),
    }
}

fn failed(message: String) -> Failure {
    Failure {
        part: FailedPart::Fetch,
        severity: Severity::Failing,
        reason: reason::GIT_OPERATION_FAILED,
        message,
    }
}
