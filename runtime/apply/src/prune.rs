use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use kube::Client;
use serde_json::Value;
use tidegate_values::ObjectRef;

use crate::{
    change::{Action, ChangeSet},
    error::{Error, RequestError},
    inventory::{Inventory, id_of},
    live::{canonical, place, present},
    mapper::{LAG, Mapper, Resource},
    memory::is_excluded,
    object::Owner,
    order,
    parts::Parts,
    polling::Polling,
    request,
    waiting::Waiter,
};

/// How often an object is looked at again when it changed before its deletion arrived.
const CONFLICT_RETRIES: u32 = 5;

/// What a pruning did. Everything but `survivors` is settled.
#[derive(Debug, Default)]
pub struct Pruned {
    /// Every object in reverse apply order: deleted, skipped, or unknown after a failure. What turned out to be kept,
    /// under another name, is not among them.
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
///
/// An object that changes between the look and the deletion is looked at again: another owner may have taken it over,
/// and what he applied is not ours to delete.
///
/// Nothing that `kept` lists is deleted, whatever it was called when it was noted: an object has had a namespace while
/// nobody knew that its kind has none, and some kinds are served in two groups.
pub async fn prune(
    client: &Client,
    mapper: &Mapper,
    owner: &Owner,
    mut objects: Vec<ObjectRef>,
    kept: &Inventory,
    concurrent: usize,
    waiter: &dyn Waiter,
) -> Pruned {
    objects.sort_by(|one, other| order::compare(other, one));
    let namesakes = match namesakes(kept, &objects) {
        Ok(namesakes) => namesakes,
        Err(error) => {
            return Pruned {
                survivors: objects,
                failure: Some(error),
                ..Pruned::default()
            };
        }
    };
    let run = Run {
        client,
        mapper,
        owner,
        exclusions: [
            (owner.key("prune"), "disabled"),
            (owner.key("reconcile"), "disabled"),
            (owner.key("ssa"), "Ignore"),
        ],
        namesakes,
        ids: objects.iter().map(id_of).collect(),
        parts: Parts::new(waiter, concurrent),
    };
    let mut pruned = Pruned::default();
    let mut messages = Vec::new();
    for kind in objects
        .chunk_by(|one, other| one.kind == other.kind && one.api_version == other.api_version)
    {
        let deletions = (0..kind.len()).map(|index| run.delete(&kind[index]));
        let deletions = run.parts.run(deletions, |_| false).await;
        for (result, object) in deletions.into_iter().flatten().zip(kind) {
            let action = result.unwrap_or_else(|message| {
                messages.push(message);
                pruned.survivors.push(object.clone());
                Some(Action::Unknown)
            });
            if let Some(action) = action {
                pruned.changes.push(object.clone(), action);
            }
        }
    }
    pruned.failure = (!messages.is_empty()).then_some(Error::Delete { messages });
    pruned
}

/// Objects by kind and name.
type Namesakes = HashMap<(String, String), Vec<ObjectRef>>;

fn kind_and_name(object: &ObjectRef) -> (String, String) {
    (object.kind.clone(), object.name.clone())
}

/// What of `kept` may be one of `objects` under another identity: what has the kind and the name of one of them.
fn namesakes(kept: &Inventory, objects: &[ObjectRef]) -> Result<Namesakes, Error> {
    let mut namesakes: Namesakes = objects
        .iter()
        .map(|object| (kind_and_name(object), Vec::new()))
        .collect();
    if namesakes.is_empty() {
        return Ok(namesakes);
    }
    for object in kept.objects()? {
        if let Some(found) = namesakes.get_mut(&kind_and_name(&object)) {
            found.push(object);
        }
    }
    Ok(namesakes)
}

/// What all deletions share.
struct Run<'a> {
    client: &'a Client,
    mapper: &'a Mapper,
    owner: &'a Owner,
    exclusions: [(String, &'static str); 3],
    /// Of what is kept.
    namesakes: Namesakes,
    /// Identities of what is to be deleted.
    ids: HashSet<String>,
    parts: Parts<'a>,
}

impl Run<'_> {
    /// `None` for another name of an object that is kept, or dealt with under its own.
    async fn delete(&self, object: &ObjectRef) -> Result<Option<Action>, String> {
        let mut may_look_again = true;
        let mut conflicts = 0;
        loop {
            let found = self.find(object).await;
            let found = found.map_err(|error| format!("{object} query failed: {error}"))?;
            let Some(Found {
                resource,
                target,
                live,
            }) = found
            else {
                return Ok(Some(Action::Deleted));
            };
            let is_alias = target != *object && self.ids.contains(&id_of(&target));
            if is_alias || self.is_kept(&target, &live).await? {
                return Ok(None);
            }
            if !self.owner.owns(&live) || is_excluded(&live, &self.exclusions) {
                return Ok(Some(Action::Skipped));
            }
            let of = |field: &str| {
                live.pointer(&format!("/metadata/{field}"))
                    .and_then(Value::as_str)
            };
            // As it was looked at: another owner may be taking it over at this moment.
            let (uid, version) = (of("uid"), of("resourceVersion"));
            let place = place(&resource, &target);
            match request::delete(self.client, &place, uid, version).await {
                Ok(()) => {}
                Err(error) if error.is_conflict() && conflicts < CONFLICT_RETRIES => {
                    conflicts += 1;
                    continue;
                }
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
                self.mapper.forget_definition(group, &object.name);
            }
            return Ok(Some(Action::Deleted));
        }
    }

    /// Whether an object that is there is one of those kept, by the name that the server has for it, or by its uid when
    /// that has another group. Where it cannot be told, nothing is deleted.
    async fn is_kept(&self, target: &ObjectRef, live: &Value) -> Result<bool, String> {
        for kept in self
            .namesakes
            .get(&kind_and_name(target))
            .into_iter()
            .flatten()
        {
            let failed = |error: RequestError| format!("{target} query failed: {error}");
            let Some(resource) = find_resource(self.mapper, kept).await.map_err(failed)? else {
                continue;
            };
            let kept = canonical(&resource, kept.clone());
            if kept.namespace != target.namespace {
                continue;
            }
            if kept.group() == target.group() {
                return Ok(true);
            }
            let place = place(&resource, &kept);
            let twin = present(request::get(self.client, &place).await).map_err(failed)?;
            let uid = |object: &Value| object.pointer("/metadata/uid").cloned();
            if twin.is_some_and(|twin| uid(&twin) == uid(live)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `None`: it is gone.
    async fn find(&self, object: &ObjectRef) -> Result<Option<Found>, RequestError> {
        let mut sight = look(self.client, self.mapper, object).await?;
        if sight.may_lag(self.mapper, object) {
            let wait = async {
                let mut polling = Polling::new(LAG);
                while sight.may_lag(self.mapper, object) && polling.is_left() {
                    polling.pause().await;
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
/// is still there after `timeout` is the error. Reads with growing pauses.
pub async fn wait_for_termination(
    client: &Client,
    mapper: &Mapper,
    changes: &ChangeSet,
    timeout: Duration,
) -> Result<(), Error> {
    let mut polling = Polling::new(timeout);
    for change in changes
        .entries
        .iter()
        .filter(|change| change.action == Action::Deleted)
    {
        let object = &change.object;
        loop {
            let sight = look(client, mapper, object).await;
            let sight = sight.map_err(|cause| Error::TerminationRead {
                object: object.clone(),
                cause: Box::new(cause),
            })?;
            if !matches!(sight, Sight::Here(_)) && !sight.may_lag(mapper, object) {
                break;
            }
            if !polling.is_left() {
                return Err(Error::Termination {
                    object: object.clone(),
                });
            }
            polling.pause().await;
        }
    }
    Ok(())
}
