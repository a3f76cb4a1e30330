//! Calls capabilities in order: fetch, build, substitute, apply, prune, check health.

use super::Reconciler;
use super::outcome::Attempt;
use super::outcome::Failure;
use super::outcome::Finalized;
use super::outcome::Step;
use super::plan::Apply;
use super::plan::Finalize;
use super::report;
use crate::build;
use crate::memory::Memory;
use kube::Client;
use std::collections::HashSet;
use std::sync::Arc;
use tidegate_api::Inventory;
use tidegate_api::InventoryEntry;
use tidegate_api::Kustomization;
use tidegate_api::meta::component;
use tidegate_api::meta::group::KUSTOMIZE;
use tidegate_apply::ChangeSet;
use tidegate_apply::Object;
use tidegate_apply::Owner;
use tidegate_apply::Previous;
use tidegate_apply::inventory;
use tidegate_artifact::ArtifactTree;
use tidegate_artifact::Download;
use tidegate_artifact::DownloadError;
use tidegate_flow::Run;
use tidegate_flow::StopOnDrop;
use tidegate_flow::Trigger;
use tidegate_kube::Cluster;
use tidegate_kube::ConnectError;
use tidegate_kube::Key;
use tidegate_values::ObjectRef;
use tidegate_values::Redactor;
use tidegate_values::Tree;

impl Reconciler {
    pub(super) async fn attempt(
        &self,
        object: &Arc<Kustomization>,
        plan: Apply,
        run: &Run<Self>,
    ) -> Attempt {
        let mut attempt = Attempt::new(plan.revision.clone());
        attempt.failure = self.steps(object, &plan, &mut attempt, run).await.err();
        attempt
    }

    async fn steps(
        &self,
        object: &Arc<Kustomization>,
        plan: &Apply,
        attempt: &mut Attempt,
        run: &Run<Self>,
    ) -> Result<(), Failure> {
        let progress =
            |attempt: &Attempt| report::value(&report::progress(object, attempt, run.clock.now()));
        let started = run.clock.instant();
        run.progress(progress(attempt));
        let tree = self.fetch(plan, run).await?;
        find_path(&*tree, plan)?;
        attempt.step = Step::Building;
        run.progress(progress(attempt));
        let mut built = build::build(self, plan, tree).await?;
        attempt.digest = Some(std::mem::take(&mut built.digest));
        attempt.step = Step::DetectingDrift;
        run.progress(progress(attempt));

        let owner = owner_of(&plan.key);
        let mut objects = std::mem::take(&mut built.objects);
        tidegate_apply::prepare(&mut objects, &owner, &plan.labels, &plan.annotations);
        let client = self
            .client_of(&plan.key, plan.account.as_deref())
            .map_err(|error| Failure::Apply(error.to_string()))?;
        let before = inventory_of(&plan.inventory);
        if let Some(with_new) = self.with_new(&before, &objects).await {
            // A kill between apply and status must leave no orphan: the inventory names objects before they are applied.
            attempt.inventory = Some(written(&with_new));
            run.checkpoint(&progress(attempt)).await.map_err(|error| {
                Failure::Host(format!(
                    "failed to update status: {}",
                    tidegate_kube::message_of(&error)
                ))
            })?;
        }
        attempt.inventory = None;
        let after = self
            .apply(
                plan,
                &client,
                &owner,
                objects,
                &built.redactor,
                &before,
                attempt,
                started,
            )
            .await?;
        if let Some(event) = report::applied(&attempt.revision, &attempt.changes) {
            run.announce(event, run.clock.now());
        }
        self.prune(
            plan,
            &client,
            &owner,
            &built.redactor,
            &before,
            after,
            attempt,
            run,
        )
        .await?;
        self.check_health(plan, &client, &built, attempt, run, &progress)
            .await
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

    /// The old inventory with what is about to be applied; `None` when nothing in it is new.
    async fn with_new(
        &self,
        before: &inventory::Inventory,
        objects: &[Object],
    ) -> Option<inventory::Inventory> {
        let wanted =
            tidegate_apply::identify(&self.mapper, objects.iter().map(Object::reference)).await;
        let mut with_new = before.clone();
        with_new.merge(&wanted);
        (with_new.entries.len() > before.entries.len()).then_some(with_new)
    }

    /// Applies, and gives what we answer for from now on.
    #[expect(
        clippy::too_many_arguments,
        reason = "one step of an attempt: what it reads and what it writes"
    )]
    async fn apply(
        &self,
        plan: &Apply,
        client: &Client,
        owner: &Owner,
        objects: Vec<Object>,
        redactor: &Redactor,
        before: &inventory::Inventory,
        attempt: &mut Attempt,
        started: std::time::Instant,
    ) -> Result<inventory::Inventory, Failure> {
        let mut settings = tidegate_apply::Settings::new(
            component::KUSTOMIZE_CONTROLLER,
            Arc::clone(&self.plugins.drift),
        );
        settings.force = plan.force;
        settings.dry_run = self.settings.dry_run;
        settings.concurrent = self.settings.concurrent_apply;
        settings
            .override_managers
            .clone_from(&self.settings.override_managers);
        settings
            .custom_stage
            .clone_from(&self.settings.custom_stage_kinds);
        settings.migrate_api_version = self.settings.migrate_api_version;
        settings.ignore = (!plan.ignore.is_empty()).then(|| serde_json::json!(plan.ignore));
        let previous = self.previous(plan, before, started).await;
        let writing = self.memories.start_writing(&plan.key);
        let mut outcome =
            tidegate_apply::apply(client, &self.mapper, owner, objects, &previous, &settings).await;
        outcome.failure = outcome.failure.map(|failure| failure.redacted(redactor));
        let failure = outcome.failure_message();
        self.remember(plan, previous, outcome.applied, &outcome.changes);
        drop(writing);
        if let Some(message) = failure {
            // What was applied before the refusal stays ours (Flux forgets it: orphans).
            let kept = before.clone().with_changes(&outcome.changes);
            attempt.inventory = (kept != *before).then(|| written(&kept));
            return Err(Failure::Apply(message));
        }
        attempt.changes = outcome.changes;
        report::log_applied(
            &attempt.revision,
            &attempt.changes,
            self.settings.group_change_log,
        );
        let after = inventory::Inventory::of(&attempt.changes);
        attempt.inventory = Some(written(&after));
        Ok(after)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one step of an attempt: what it reads and what it writes"
    )]
    async fn prune(
        &self,
        plan: &Apply,
        client: &Client,
        owner: &Owner,
        redactor: &Redactor,
        before: &inventory::Inventory,
        mut after: inventory::Inventory,
        attempt: &mut Attempt,
        run: &Run<Self>,
    ) -> Result<(), Failure> {
        let stale = before
            .without(&after)
            .map_err(|error| Failure::Apply(error.to_string()))?;
        if !plan.prune || stale.is_empty() {
            return Ok(());
        }
        let pruned = tidegate_apply::prune(
            client,
            &self.mapper,
            owner,
            stale,
            self.settings.concurrent_apply,
        )
        .await;
        if let Some(failure) = pruned.failure {
            after.merge(&pruned.survivors);
            attempt.inventory = Some(written(&after));
            return Err(Failure::Prune(failure.redacted(redactor).to_string()));
        }
        if let Some(event) = report::pruned(&attempt.revision, &pruned.changes) {
            run.announce(event, run.clock.now());
        }
        Ok(())
    }

    /// What the last apply left, and what was heard since.
    async fn previous(
        &self,
        plan: &Apply,
        before: &inventory::Inventory,
        started: std::time::Instant,
    ) -> Previous {
        let mut previous = Previous {
            inventory: before.clone(),
            ..Previous::default()
        };
        let Some(memory) = self.memories.get(&plan.key) else {
            return previous;
        };
        if plan.requested {
            self.catch_up(&memory, started).await;
        }
        let unchanged = self.unmoved(&memory, plan);
        previous.moved = memory
            .applied
            .keys()
            .filter(|object| !unchanged.contains(*object))
            .cloned()
            .collect();
        previous.known = memory.applied;
        previous
    }

    fn remember(
        &self,
        plan: &Apply,
        previous: Previous,
        applied: std::collections::HashMap<ObjectRef, tidegate_apply::Applied>,
        changes: &ChangeSet,
    ) {
        let Previous {
            mut known, moved, ..
        } = previous;
        let everything_read = known.is_empty() || moved.len() == known.len();
        let read_at = match self.memories.get(&plan.key) {
            Some(memory) if !everything_read => memory.read_at,
            _ => tidegate_flow::Clock.instant(),
        };
        let now = tidegate_flow::Clock.instant();
        for change in changes
            .entries
            .iter()
            .filter(|change| change.action.is_change())
        {
            if moved.contains(&change.object) {
                self.repairs.lock().note(&plan.key, &change.object, now);
            }
        }
        known.extend(applied);
        let wanted: HashSet<&ObjectRef> = changes
            .entries
            .iter()
            .map(|change| &change.object)
            .collect();
        known.retain(|object, _| wanted.contains(object));
        self.memories.put(
            &plan.key,
            Memory {
                applied: known,
                account: plan.account.clone(),
                read_at,
            },
        );
        self.watch_kinds(changes);
    }

    pub(super) async fn finalize(
        &self,
        object: &Kustomization,
        plan: Finalize,
        run: &Run<Self>,
    ) -> Finalized {
        self.memories.forget(&plan.key);
        self.repairs.lock().forget(&plan.key);
        if !plan.delete {
            return Finalized::Kept;
        }
        let objects = match inventory_of(&plan.inventory).objects() {
            Ok(objects) => objects,
            Err(error) => {
                return Finalized::Failed {
                    message: error.to_string(),
                };
            }
        };
        if let Some(account) = &plan.account
            && !self.account_exists(&plan.key.namespace, account).await
        {
            return Finalized::NobodyToDelete {
                objects: objects.iter().map(ToString::to_string).collect(),
            };
        }
        let client = match self.client_of(&plan.key, plan.account.as_deref()) {
            Ok(client) => client,
            Err(error) => {
                return Finalized::Failed {
                    message: error.to_string(),
                };
            }
        };
        let owner = owner_of(&plan.key);
        let pruned = tidegate_apply::prune(
            &client,
            &self.mapper,
            &owner,
            objects,
            self.settings.concurrent_apply,
        )
        .await;
        if let Some(failure) = pruned.failure {
            return Finalized::Failed {
                message: failure.to_string(),
            };
        }
        if let Some(event) = report::deleted(object, &pruned.changes) {
            run.announce(event, run.clock.now());
        }
        let mut wait_failed = None;
        if plan.wait {
            let gone = tidegate_apply::wait_for_termination(
                &client,
                &self.mapper,
                &pruned.changes,
                plan.timeout,
            )
            .await;
            wait_failed = gone.err().map(|error| error.to_string());
        }
        Finalized::Deleted { wait_failed }
    }

    async fn account_exists(&self, namespace: &str, account: &str) -> bool {
        if Cluster::check_account(account).is_err() {
            return false;
        }
        let api: kube::Api<k8s_openapi::api::core::v1::ServiceAccount> =
            kube::Api::namespaced(self.cluster.client(), namespace);
        // Where it cannot be told, deleting is tried: the API server has the last word.
        !matches!(api.get_opt(account).await, Ok(None))
    }

    fn client_of(&self, key: &Key, account: Option<&str>) -> Result<Client, ConnectError> {
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

fn owner_of(key: &Key) -> Owner {
    Owner {
        group: KUSTOMIZE.to_owned(),
        name: key.name.clone(),
        namespace: key.namespace.clone(),
    }
}

fn inventory_of(status: &Inventory) -> inventory::Inventory {
    let entries = status.entries.iter().map(|entry| inventory::Entry {
        id: entry.id.clone(),
        version: entry.v.clone(),
    });
    inventory::Inventory {
        entries: entries.collect(),
    }
}

fn written(inventory: &inventory::Inventory) -> Inventory {
    let entries = inventory.entries.iter().map(|entry| InventoryEntry {
        id: entry.id.clone(),
        v: entry.version.clone(),
    });
    Inventory {
        entries: entries.collect(),
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
