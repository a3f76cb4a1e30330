use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;
use kube::Client;
use serde_json::Value;
use tidegate_values::ObjectRef;
use tokio::time::Instant;

use crate::{
    change::{Action, ChangeSet},
    error::{Error, RequestError},
    live::{canonical, place, present},
    mapper::{Mapper, Resource},
    memory::is_excluded,
    object::Owner,
    order, request,
    waiting::{LAG, Parts, Patience, Waiter},
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
/// Objects of one kind are deleted `concurrent` at a time; kinds follow one another. An object whose definition is gone
/// is gone as well; while the server lags behind a definition that was applied lately, it is waited for through `waiter`.
pub async fn prune(
    client: &Client,
    mapper: &Mapper,
    owner: &Owner,
    mut objects: Vec<ObjectRef>,
    concurrent: usize,
    waiter: &dyn Waiter,
) -> Pruned {
    objects.sort_by(|one, other| order::compare(other, one));
    let run = Run {
        client,
        mapper,
        owner,
        exclusions: [
            (owner.key("prune"), "disabled"),
            (owner.key("reconcile"), "disabled"),
            (owner.key("ssa"), "Ignore"),
        ],
        parts: Parts::new(waiter, concurrent),
    };
    let mut pruned = Pruned::default();
    let mut messages = Vec::new();
    for kind in objects
        .chunk_by(|one, other| one.kind == other.kind && one.api_version == other.api_version)
    {
        let deletions = (0..kind.len()).map(|index| run.parts.part(run.delete(&kind[index])));
        let mut deletions = futures::stream::iter(deletions).buffered(concurrent.max(1));
        let mut objects = kind.iter();
        while let (Some(result), Some(object)) =
            (run.parts.next(&mut deletions).await, objects.next())
        {
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

/// What all deletions share.
struct Run<'a> {
    client: &'a Client,
    mapper: &'a Mapper,
    owner: &'a Owner,
    exclusions: [(String, &'static str); 3],
    parts: Parts<'a>,
}

impl Run<'_> {
    async fn delete(&self, object: &ObjectRef) -> Result<Action, String> {
        let mut may_look_again = true;
        loop {
            let found = self.find(object).await;
            let found = found.map_err(|error| format!("{object} query failed: {error}"))?;
            let Some(Found {
                resource,
                target,
                live,
            }) = found
            else {
                return Ok(Action::Deleted);
            };
            if !self.owner.owns(&live) || is_excluded(&live, &self.exclusions) {
                return Ok(Action::Skipped);
            }
            let uid = live.pointer("/metadata/uid").and_then(Value::as_str);
            match request::delete(self.client, &place(&resource, &target), uid).await {
                Ok(()) => {}
                Err(error) if error.is_unserved() && may_look_again => {
                    may_look_again = false;
                    continue;
                }
                Err(error) if error.is_not_found() && !error.is_unserved() => {}
                Err(error) => return Err(format!("{object} delete failed: {error}")),
            }
            if object.kind == "CustomResourceDefinition"
                && let Some(group) = live.pointer("/spec/group").and_then(Value::as_str)
            {
                self.mapper.forget_group(group);
            }
            return Ok(Action::Deleted);
        }
    }

    /// `None`: it is gone.
    async fn find(&self, object: &ObjectRef) -> Result<Option<Found>, RequestError> {
        let mut sight = look(self.client, self.mapper, object).await?;
        if sight.may_lag(self.mapper, object) {
            let wait = async {
                let mut patience = Patience::new(LAG);
                while sight.may_lag(self.mapper, object) && patience.is_left() {
                    patience.pause().await;
                    let _look = self.parts.look().await;
                    sight = look(self.client, self.mapper, object).await?;
                }
                Ok(sight)
            };
            sight = self.parts.idle(wait).await?;
        }
        match sight {
            Sight::Here(found) => Ok(Some(found)),
            Sight::Gone | Sight::NoKind => Ok(None),
            Sight::Hidden(cause) => Err(cause),
        }
    }
}

/// An object that is there.
struct Found {
    resource: Arc<Resource>,
    /// As the server names it.
    target: ObjectRef,
    live: Value,
}

/// What one look for an object showed.
enum Sight {
    Here(Found),
    Gone,
    /// The server says that it has no such kind.
    NoKind,
    /// The server says that it has the kind, and does not serve its path.
    Hidden(RequestError),
}

impl Sight {
    /// What the server shows may not be what its definitions say: the object may still be there.
    fn may_lag(&self, mapper: &Mapper, object: &ObjectRef) -> bool {
        match self {
            Self::Here(_) | Self::Gone => false,
            Self::NoKind => mapper.is_fresh(object.group()),
            Self::Hidden(_) => true,
        }
    }
}

async fn look(client: &Client, mapper: &Mapper, object: &ObjectRef) -> Result<Sight, RequestError> {
    // The definition may be gone, and its objects with it, or serve other versions than the one noted.
    let Some(resource) = find_resource(mapper, object).await? else {
        return Ok(Sight::NoKind);
    };
    let target = canonical(&resource, object.clone());
    let place = place(&resource, &target);
    Ok(match present(request::get(client, &place).await) {
        Ok(Some(live)) => Sight::Here(Found {
            resource,
            target,
            live,
        }),
        Ok(None) => Sight::Gone,
        Err(error) if error.is_unserved() && place.is_nowhere() => Sight::Gone,
        Err(error) if error.is_unserved() => {
            // What is known of the kind may be old.
            mapper.refresh(&resource.api_version()).await;
            Sight::Hidden(error)
        }
        Err(error) => return Err(error),
    })
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
            let sight = look(client, mapper, object).await;
            let sight = sight.map_err(|cause| Error::TerminationRead {
                object: object.clone(),
                cause: Box::new(cause),
            })?;
            if !matches!(sight, Sight::Here(_)) && !sight.may_lag(mapper, object) {
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
