use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;
use kube::Client;
use serde_json::Value;
use tidegate_values::ObjectRef;
use tokio::time::Instant;

use crate::{
    change::{Action, ChangeSet},
    error::{Error, RequestError},
    live::{canonical, optional, place},
    mapper::{Mapper, Resource},
    memory::is_excluded,
    object::Owner,
    order, request,
};

/// What a pruning did. Everything but `survivors` is settled.
#[derive(Debug, Default)]
pub struct Pruned {
    /// Every object in reverse apply order: deleted, skipped, or unknown after a failure.
    pub changes: ChangeSet,
    /// The objects whose deletion the server did not confirm, last applied first: they go to the end of the
    /// inventory (kustomize-controller, `pruneSurvivors`).
    pub survivors: Vec<ObjectRef>,
    /// The refusals, all in one; `None` when there was none.
    pub failure: Option<Error>,
}

/// Deletes objects in the background, last applied first, unless their labels name another owner, or they are
/// annotated `prune: disabled`, `reconcile: disabled` or `ssa: Ignore` (kustomize-controller, `deleteObjects`;
/// fluxcd/pkg, `ssa`, `DeleteAll`). A failure does not keep others from being deleted.
///
/// Objects of one kind are deleted `concurrent` at a time; kinds follow one another.
pub async fn prune(
    client: &Client,
    mapper: &Mapper,
    owner: &Owner,
    mut objects: Vec<ObjectRef>,
    concurrent: usize,
) -> Pruned {
    objects.sort_by(|one, other| order::compare(other, one));
    let exclusions = [
        (owner.key("prune"), "disabled"),
        (owner.key("reconcile"), "disabled"),
        (owner.key("ssa"), "Ignore"),
    ];
    let mut pruned = Pruned::default();
    let mut messages = Vec::new();
    for kind in objects
        .chunk_by(|one, other| one.kind == other.kind && one.api_version == other.api_version)
    {
        let deletions = (0..kind.len())
            .map(|index| delete_one(client, mapper, owner, &kind[index], &exclusions));
        let results: Vec<_> = futures::stream::iter(deletions)
            .buffered(concurrent.max(1))
            .collect()
            .await;
        for (object, result) in kind.iter().zip(results) {
            let action = result.unwrap_or_else(|message| {
                messages.push(message);
                pruned.survivors.push(object.clone());
                Action::Unknown
            });
            pruned.changes.push(object.clone(), action);
        }
    }
    pruned.failure = (!messages.is_empty()).then_some(Error::Delete { messages });
    pruned
}

async fn delete_one(
    client: &Client,
    mapper: &Mapper,
    owner: &Owner,
    object: &ObjectRef,
    exclusions: &[(String, &str)],
) -> Result<Action, String> {
    let query_failed = |error: RequestError| format!("{object} query failed: {error}");
    // The definition may be gone, and its objects with it, or serve other versions than the one noted.
    let Some(resource) = find_resource(mapper, object).await.map_err(query_failed)? else {
        return Ok(Action::Deleted);
    };
    let target = canonical(&resource, object.clone());
    let place = place(&resource, &target);
    let Some(live) = optional(request::get(client, &place).await).map_err(query_failed)? else {
        return Ok(Action::Deleted);
    };
    if !owner.owns(&live) || is_excluded(&live, exclusions) {
        return Ok(Action::Skipped);
    }
    let uid = live.pointer("/metadata/uid").and_then(Value::as_str);
    match request::delete(client, &place, uid).await {
        Ok(()) => {}
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(format!("{object} delete failed: {error}")),
    }
    if object.kind == "CustomResourceDefinition"
        && let Some(group) = live.pointer("/spec/group").and_then(Value::as_str)
    {
        mapper.forget_group(group);
    }
    Ok(Action::Deleted)
}

async fn find_resource(
    mapper: &Mapper,
    object: &ObjectRef,
) -> Result<Option<Arc<Resource>>, RequestError> {
    match mapper.resolve(&object.api_version, &object.kind).await {
        Ok(resource) => Ok(Some(resource)),
        Err(error) if error.is_no_match() => {
            mapper
                .resolve_any_version(object.group(), &object.kind)
                .await
        }
        Err(error) => Err(error),
    }
}

/// Waits until the deleted objects of `changes` are gone (fluxcd/pkg, `ssa`, `WaitForSetTermination`): the first that
/// is still there after `timeout` is the error. Reads with growing pauses, 2 s at most.
pub async fn wait_for_termination(
    client: &Client,
    mapper: &Mapper,
    changes: &ChangeSet,
    timeout: Duration,
) -> Result<(), Error> {
    let deadline = Instant::now() + timeout;
    for change in changes
        .entries
        .iter()
        .filter(|change| change.action == Action::Deleted)
    {
        let object = &change.object;
        let mut pause = Duration::from_millis(100);
        loop {
            let read_failed = |cause| Error::TerminationRead {
                object: object.clone(),
                cause: Box::new(cause),
            };
            let Some(resource) = find_resource(mapper, object).await.map_err(read_failed)? else {
                break;
            };
            let target = canonical(&resource, object.clone());
            let live = optional(request::get(client, &place(&resource, &target)).await)
                .map_err(read_failed)?;
            if live.is_none() {
                break;
            }
            if Instant::now() + pause > deadline {
                return Err(Error::Termination {
                    object: object.clone(),
                });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }
    Ok(())
}
