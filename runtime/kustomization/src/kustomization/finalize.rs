//! Ends a Kustomization: what it applied goes with it, or stays.

use super::Reconciler;
use super::act::owner_of;
use super::applying::WithoutWorker;
use super::applying::inventory_of;
use super::outcome::Finalized;
use super::plan::Finalize;
use super::report;
use std::collections::BTreeSet;
use tidegate_api::Kustomization;
use tidegate_flow::Run;
use tidegate_kube::Cluster;

impl Reconciler {
    pub(super) async fn finalize(
        &self,
        object: &Kustomization,
        plan: Finalize,
        run: &Run<Self>,
    ) -> Finalized {
        self.memories.forget(&plan.key);
        self.moves.watch(&plan.key, BTreeSet::new());
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
            &tidegate_apply::Inventory::default(),
            self.settings.concurrent_apply,
            &WithoutWorker(run),
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
            // Finalizers of others may take all of the time-out.
            let gone = run
                .waiting_out(tidegate_apply::wait_for_termination(
                    &client,
                    &self.mapper,
                    &pruned.changes,
                    plan.timeout,
                ))
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
}
