//! What makes a Kustomization be looked at, beside its own changes.

use crate::Reconciler;
use kube::Api;
use kube::Client;
use kube::Resource;
use kube::ResourceExt as _;
use kube::api::DynamicObject;
use kube::core::ApiResource;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher;
use std::collections::HashMap;
use std::sync::Arc;
use tidegate_api::Kustomization;
use tidegate_api::SourceKind;
use tidegate_api::SourceObject;
use tidegate_api::meta::condition;
use tidegate_flow::Flow;
use tidegate_flow::Trigger;
use tidegate_kube::Change;
use tidegate_kube::Key;
use tidegate_kube::Moved;
use tidegate_kube::Scope;
use tidegate_kube::Watched;
use tidegate_values::ObjectRef;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::mpsc;

/// A source that has a new revision triggers whoever takes manifests from it.
pub(crate) async fn follow_source(
    kind: SourceKind,
    kustomizations: Arc<Watched<Kustomization>>,
    flow: Flow<Reconciler>,
    mut changes: Receiver<Change<SourceObject>>,
) {
    loop {
        match changes.recv().await {
            Ok(change) => {
                if let Some(revision) = new_revision(&change) {
                    let source = ObjectRef {
                        api_version: kind.resource().api_version,
                        kind: kind.to_string(),
                        namespace: change.key.namespace.clone(),
                        name: change.key.name.clone(),
                    };
                    for user in users_of(&kustomizations, kind, &change.key) {
                        let settled = user.status.conditions.is_true(condition::READY)
                            && user.status.last_applied_revision.as_ref() == Some(&revision);
                        if !settled {
                            flow.trigger(Key::of(&*user), Trigger::Reference(source.clone()));
                        }
                    }
                }
            }
            Err(RecvError::Lagged(_)) => trigger_all(&kustomizations, &flow),
            Err(RecvError::Closed) => return,
        }
    }
}

/// A Kustomization whose readiness changed triggers those that may have been waiting for it.
///
/// What those say of themselves may lag behind a look that is under way: only who has applied what its source holds
/// now, and is ready, is surely not waiting.
pub(crate) async fn follow_dependencies(
    reconciler: Arc<Reconciler>,
    flow: Flow<Reconciler>,
    mut changes: Receiver<Change<Kustomization>>,
) {
    let kustomizations = Arc::clone(&reconciler.kustomizations);
    loop {
        match changes.recv().await {
            Ok(change) => {
                let readiness_changed =
                    readiness(change.old.as_deref()) != readiness(change.new.as_deref());
                for waiting in kustomizations.all() {
                    if depends_on(&waiting, &change.key, readiness_changed)
                        && !is_settled(&reconciler, &waiting)
                    {
                        flow.trigger(Key::of(&*waiting), Trigger::Due);
                    }
                }
            }
            Err(RecvError::Lagged(_)) => trigger_all(&kustomizations, &flow),
            Err(RecvError::Closed) => return,
        }
    }
}

fn is_settled(reconciler: &Reconciler, object: &Kustomization) -> bool {
    let reference = &object.spec.source_ref;
    let namespace = object.namespace().unwrap_or_default();
    let key = Key::new(reference.namespace_or(&namespace), &reference.name);
    let sources = reference
        .source_kind()
        .and_then(|kind| reconciler.sources.get(&kind));
    let source = sources.and_then(|sources| sources.get(&key));
    let revision =
        source.and_then(|source| Some(source.status.artifact.as_ref()?.revision.clone()));
    object.status.conditions.is_true(condition::READY)
        && revision.is_some()
        && object.status.last_applied_revision == revision
}

fn new_revision(change: &Change<SourceObject>) -> Option<String> {
    let revision = |source: &SourceObject| {
        source
            .status
            .artifact
            .as_ref()
            .map(|artifact| artifact.revision.clone())
    };
    let new = revision(change.new.as_deref()?)?;
    let old = change.old.as_deref().and_then(revision);
    (old.as_ref() != Some(&new)).then_some(new)
}

fn users_of(
    kustomizations: &Watched<Kustomization>,
    kind: SourceKind,
    source: &Key,
) -> Vec<Arc<Kustomization>> {
    let mut users = kustomizations.all();
    users.retain(|user| {
        let reference = &user.spec.source_ref;
        let namespace = user.namespace().unwrap_or_default();
        reference.source_kind() == Some(kind)
            && reference.name == source.name
            && reference.namespace_or(&namespace) == source.namespace
    });
    users
}

/// What others may wait for.
fn readiness(object: Option<&Kustomization>) -> Option<(bool, i64, Option<i64>, Option<&String>)> {
    let object = object?;
    let status = &object.status;
    Some((
        status.conditions.is_true(condition::READY),
        status.observed_generation,
        object.metadata.generation,
        status.last_applied_revision.as_ref(),
    ))
}

/// Whether a change of `on` may matter to `object`: of its readiness, or any to who looks at it with an expression.
fn depends_on(object: &Kustomization, on: &Key, readiness_changed: bool) -> bool {
    let namespace = object.namespace().unwrap_or_default();
    object.spec.depends_on.iter().any(|reference| {
        let has_expression = reference
            .ready_expr
            .as_ref()
            .is_some_and(|expression| !expression.is_empty());
        (readiness_changed || has_expression)
            && reference.name == on.name
            && reference.namespace.as_deref().unwrap_or(&namespace) == on.namespace
    })
}

fn trigger_all(kustomizations: &Watched<Kustomization>, flow: &Flow<Reconciler>) {
    for object in kustomizations.all() {
        flow.trigger(Key::of(&*object), Trigger::Due);
    }
}

type Config = PartialObjectMeta<DynamicObject>;

/// A ConfigMap or Secret that asks to be watched triggers whoever refers to it.
pub(crate) fn follow_configs(
    client: &Client,
    scope: &Scope,
    selector: &str,
    kustomizations: &Arc<Watched<Kustomization>>,
    flow: &Flow<Reconciler>,
) {
    for kind in ["ConfigMap", "Secret"] {
        let resource = ApiResource {
            group: String::new(),
            version: "v1".to_owned(),
            api_version: "v1".to_owned(),
            kind: kind.to_owned(),
            plural: format!("{}s", kind.to_lowercase()),
        };
        let api: Api<Config> = scope.api_with(client.clone(), &resource);
        let watched = Watched::start(api, watcher::Config::default().labels(selector));
        tokio::spawn(follow_config(
            kind,
            watched,
            Arc::clone(kustomizations),
            flow.clone(),
        ));
    }
}

async fn follow_config(
    kind: &'static str,
    watched: Arc<Watched<Config>>,
    kustomizations: Arc<Watched<Kustomization>>,
    flow: Flow<Reconciler>,
) {
    let mut changes = watched.subscribe();
    kustomizations.wait_until_synced().await;
    // Nobody was looked at before this.
    let start = newest(&kustomizations);
    watched.wait_until_synced().await;
    while !matches!(
        changes.try_recv(),
        Err(TryRecvError::Empty | TryRecvError::Closed)
    ) {}
    let trigger = |config: &Key| {
        let object = ObjectRef {
            api_version: "v1".to_owned(),
            kind: kind.to_owned(),
            namespace: config.namespace.clone(),
            name: config.name.clone(),
        };
        for user in kustomizations.all() {
            if refers_to(&user, kind, config) {
                flow.trigger(Key::of(&*user), Trigger::Reference(object.clone()));
            }
        }
    };
    // What is older was seen by the first look. When the first list was refused for a while, that may be long ago.
    for config in watched.all() {
        if version(&*config) > start {
            trigger(&Key::of(&*config));
        }
    }
    loop {
        match changes.recv().await {
            Ok(change) => trigger(&change.key),
            Err(RecvError::Lagged(_)) => trigger_all(&kustomizations, &flow),
            Err(RecvError::Closed) => return,
        }
    }
}

/// The newest resource version of all: something was written then, and what has a greater one was written later.
fn newest(kustomizations: &Watched<Kustomization>) -> u64 {
    let all = kustomizations.all();
    all.iter()
        .map(|object| version(&**object))
        .max()
        .unwrap_or(0)
}

/// Resource versions are decimal numbers that grow, and those of one API server have one order (KEP-5504).
fn version(object: &impl Resource) -> u64 {
    let version = object.meta().resource_version.as_deref();
    version.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn refers_to(object: &Kustomization, kind: &str, config: &Key) -> bool {
    object.namespace().as_deref() == Some(config.namespace.as_str())
        && object
            .spec
            .post_build
            .iter()
            .flat_map(|post_build| &post_build.substitute_from)
            .any(|reference| reference.kind == kind && reference.name == config.name)
}

/// A managed object that somebody moved triggers its owner (`--drift-repair=watch`).
///
/// What is heard while the owner's objects are being written is judged when that is over: most of it is the write.
pub(crate) async fn follow_moves(
    reconciler: Arc<Reconciler>,
    mut written: mpsc::UnboundedReceiver<Key>,
    flow: Flow<Reconciler>,
) {
    let mut moves = reconciler.moves.subscribe();
    let mut later: HashMap<Key, Vec<Moved>> = HashMap::new();
    loop {
        tokio::select! {
            moved = moves.recv() => match moved {
                Ok(moved) if moved.is_idle => {}
                Ok(moved) if reconciler.memories.is_writing(&moved.owner) => {
                    later.entry(moved.owner.clone()).or_default().push(moved);
                }
                Ok(moved) => reconciler.repair(&moved, &flow),
                Err(RecvError::Lagged(_)) => trigger_all(&reconciler.kustomizations, &flow),
                Err(RecvError::Closed) => return,
            },
            Some(owner) = written.recv() => {
                for moved in later.remove(&owner).unwrap_or_default() {
                    reconciler.repair(&moved, &flow);
                }
            }
        }
    }
}
