//! The pods of what is on its way: a StatefulSet whose pods crash ends the wait, as in Flux.

use crate::Reconciler;
use futures::StreamExt as _;
use kube::Client;
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;
use std::time::Instant;
use tidegate_flow::Clock;
use tidegate_health::Health;
use tidegate_health::PodSelection;
use tidegate_values::ObjectRef;

/// Pods are listed no more often than this for one object, however often it is looked at. Flux does at each poll,
/// every five seconds.
const PAUSE: Duration = Duration::from_secs(3);

/// What the pods of the objects of one wait made of them, and when that was.
#[derive(Default)]
pub(super) struct PodLooks(HashMap<ObjectRef, (Instant, Health)>);

/// One object that its pods decide for.
pub(super) struct Undecided {
    /// Among what is waited for.
    pub(super) place: usize,
    pub(super) object: ObjectRef,
    pub(super) live: Value,
    pub(super) pods: PodSelection,
}

impl Reconciler {
    /// Puts what their pods make of `undecided` into `seen`. Only what was not asked for lately costs a request.
    pub(super) async fn judge_by_pods(
        &self,
        client: &Client,
        undecided: Vec<Undecided>,
        looks: &mut PodLooks,
        clock: Clock,
        seen: &mut [Health],
    ) {
        let mut due = Vec::new();
        for each in undecided {
            match looks.0.get(&each.object) {
                Some((at, health)) if clock.elapsed(*at) < PAUSE => {
                    seen[each.place] = health.clone();
                }
                _ => due.push(each),
            }
        }
        let reads = due.into_iter().map(|each| async move {
            let PodSelection { namespace, labels } = &each.pods;
            let pods = tidegate_apply::read_pods(client, namespace, labels).await;
            let health = match pods {
                Ok(pods) => tidegate_health::status_with_pods(&each.live, &pods, clock.now()),
                // As Flux: what can't be judged is unknown.
                Err(error) => Health::unknown(error.to_string()),
            };
            (each.place, each.object, health)
        });
        let read: Vec<_> = futures::stream::iter(reads)
            .buffered(self.settings.concurrent_apply.max(1))
            .collect()
            .await;
        for (place, object, health) in read {
            seen[place] = health.clone();
            looks.0.insert(object, (clock.instant(), health));
        }
    }
}
