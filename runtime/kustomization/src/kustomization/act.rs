//! Calls capabilities in order: fetch, build, substitute, apply, prune, check health. An attempt is told here; what
//! is done with what was built, in `applying`.

use super::Reconciler;
use super::applying::Applying;
use super::applying::inventory_of;
use super::applying::written;
use super::health;
use super::health::Checked;
use super::health::Repairing;
use super::outcome::Attempt;
use super::outcome::Failure;
use super::outcome::Outcome;
use super::outcome::Step;
use super::plan::Apply;
use super::plan::HealthChecks;
use super::report;
use crate::build;
use kube::Client;
use std::sync::Arc;
use tidegate_api::Kustomization;
use tidegate_api::meta::group::KUSTOMIZE;
use tidegate_apply::Owner;
use tidegate_artifact::ArtifactTree;
use tidegate_artifact::Download;
use tidegate_artifact::DownloadError;
use tidegate_flow::Run;
use tidegate_flow::StopOnDrop;
use tidegate_flow::Trigger;
use tidegate_flow::has_finalizer;
use tidegate_flow::status_value;
use tidegate_kube::ConnectError;
use tidegate_kube::Key;
use tidegate_values::Tree;

/// Why an attempt did not come to its end.
enum Ended {
    Failed(Failure),
    FinalizerMissing,
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Reconciler {
    pub(super) async fn attempt(
        &self,
        object: &Arc<Kustomization>,
        plan: Apply,
        run: &Run<Self>,
    ) -> Outcome {
        let mut attempt = Attempt::new(plan.revision.clone());
        match self.steps(object, &plan, &mut attempt, run).await {
            Ok(()) => {}
            Err(Ended::Failed(failure)) => attempt.failure = Some(failure),
            Err(Ended::FinalizerMissing) => return Outcome::FinalizerMissing,
        }
        Outcome::Attempted(Box::new(attempt))
    }

    async fn steps(
        &self,
        object: &Arc<Kustomization>,
        plan: &Apply,
        attempt: &mut Attempt,
        run: &Run<Self>,
    ) -> Result<(), Ended> {
        let progress =
            |attempt: &Attempt| status_value(&report::progress(object, attempt, run.clock.now()));
        let started = run.clock.instant();
        run.progress(progress(attempt));
        let tree = self.fetch(plan, run).await?;
        find_path(&*tree, plan)?;
        attempt.step = Step::Building;
        run.progress(progress(attempt));
        let mut built = build::build(self, plan, tree, run).await?;
        attempt.digest = Some(std::mem::take(&mut built.digest));
        attempt.step = Step::DetectingDrift;
        run.progress(progress(attempt));

        let owner = owner_of(&plan.key);
        let mut objects = std::mem::take(&mut built.objects);
        tidegate_apply::prepare(&mut objects, &owner, &plan.labels, &plan.annotations);
        let client = self
            .client_of(&plan.key, plan.account.as_deref())
            .map_err(|error| Failure::Apply(error.to_string()))?;
        let applying = Applying {
            reconciler: self,
            plan,
            client: &client,
            owner: &owner,
            redactor: &built.redactor,
            jobs: &built.jobs,
            before: inventory_of(&plan.inventory),
            started,
        };
        if let Some(with_new) = applying.with_new(&objects).await {
            // A kill between apply and status must leave no orphan: the inventory names objects before they are applied.
            attempt.inventory = Some(written(&with_new));
            let is_there = run.checkpoint(&progress(attempt)).await.map_err(|error| {
                Failure::Host(format!(
                    "failed to update status: {}",
                    tidegate_kube::message_of(&error)
                ))
            })?;
            // Somebody took the finalizer away while this was built: nobody would know of what is applied now.
            if !is_there || !has_finalizer(&*run.object()) {
                return Err(Ended::FinalizerMissing);
            }
        }
        attempt.inventory = None;
        // What waits for its health may have to be applied again. Clones of objects share them.
        let again = (!matches!(plan.health, HealthChecks::None)).then(|| objects.clone());
        let after = applying.apply(objects, attempt, run).await?;
        if let Some(event) = report::applied(&attempt.revision, &attempt.changes) {
            run.announce(event, run.clock.now());
        }
        applying.prune(after.clone(), attempt, run).await?;
        let applying = Applying {
            before: after,
            ..applying
        };
        let objects = again.unwrap_or_default();
        let mut repairing = Repairing::new(run.clock.instant());
        loop {
            let checked = self
                .check_health(plan, &client, &built, &repairing, attempt, run, &progress)
                .await?;
            if checked == Checked::Healthy && repairing.failed().is_none() {
                health::announce_passed(plan, attempt, run);
                return Ok(());
            }
            run.waiting_out(tokio::time::sleep(repairing.gather(run.clock.instant())))
                .await;
            run.take_up(&Trigger::Moved);
            let repaired = applying.repair(objects.clone(), attempt, run).await;
            if let Err(message) = &repaired
                && checked == Checked::Healthy
            {
                return Err(Failure::Apply(message.clone()).into());
            }
            if repairing.ended(repaired, run.clock.instant())
                && let Some(message) = repairing.failed()
            {
                let event = report::repair_failed(&attempt.revision, message);
                run.announce(event, run.clock.now());
            }
        }
    }

    async fn fetch(&self, plan: &Apply, run: &Run<Self>) -> Result<Arc<ArtifactTree>, Failure> {
        let digest = plan
            .artifact
            .digest
            .parse()
            .map_err(|error| Failure::Artifact(format!("failed to verify archive: {error}")))?;
        let url = plan.artifact.url.clone();
        let store = self.artifacts.clone();
        let is_here = store.own_path(&url).is_some_and(|path| store.exists(path));
        let how = Download {
            retries: self.settings.artifact_retries,
            ..Download::default()
        };
        // Dropped with the fetch: tells the blocking work to stop.
        let stop = StopOnDrop::default();
        let flag = stop.flag();
        let fetch = blocking(move || store.download(&url, &digest, &how, &flag));
        let fetched = if is_here {
            fetch.await?
        } else {
            // Another process's server may take its time, and a newer artifact makes this one needless.
            let ends = |trigger: &Trigger| !matches!(trigger, Trigger::Due | Trigger::Moved);
            run.waiting(fetch, ends)
                .await
                .map_err(|_| Failure::ArtifactGone)??
        };
        fetched.map_err(|error| match error {
            DownloadError::NotFound => Failure::ArtifactGone,
            error => Failure::Artifact(error.to_string()),
        })
    }

    pub(super) fn client_of(
        &self,
        key: &Key,
        account: Option<&str>,
    ) -> Result<Client, ConnectError> {
        match account {
            Some(account) => self.cluster.as_service_account(&key.namespace, account),
            None => Ok(self.cluster.client()),
        }
    }
}

fn find_path(tree: &dyn Tree, plan: &Apply) -> Result<(), Failure> {
    let path = &plan.path;
    if path.is_empty() {
        return Ok(());
    }
    match tree.stat(path) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(Failure::Artifact(format!(
            "kustomization path not found: stat {}/{path}: no such file or directory",
            build::root_of(plan)
        ))),
        Err(error) => Err(Failure::Host(format!(
            "failed to read the artifact: {error}"
        ))),
    }
}

pub(super) fn owner_of(key: &Key) -> Owner {
    Owner {
        group: KUSTOMIZE.to_owned(),
        name: key.name.clone(),
        namespace: key.namespace.clone(),
    }
}

/// Runs what blocks beside the workers.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Failure::Host(format!("the work was given up: {error}")))
}
