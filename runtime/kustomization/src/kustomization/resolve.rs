use super::Reconciler;
use kube::Api;
use kube::ResourceExt as _;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tidegate_api::Kustomization;
use tidegate_api::SourceKind;
use tidegate_api::SourceObject;
use tidegate_kube::Key;
use tidegate_kube::has_reason;
use tidegate_kube::message_of;

/// What the references of a Kustomization led to.
#[derive(Debug)]
pub struct Inputs {
    pub source: Source,
    /// What `dependsOn` names; those that do not exist are left out. An error is the text of why one could not be read.
    pub dependencies: BTreeMap<Key, Result<Arc<Kustomization>, String>>,
    /// `--requeue-dependency`
    pub requeue_dependency: Duration,
}

#[derive(Debug)]
pub enum Source {
    /// Nothing was looked up: it would not be used.
    NotRead,
    Found(Arc<SourceObject>),
    Missing(String),
    Denied(String),
    Unreadable(String),
}

impl Reconciler {
    pub(super) async fn resolve_inputs(&self, object: &Kustomization) -> Inputs {
        let held = object.metadata.deletion_timestamp.is_some()
            || object.spec.suspend
            || object.spec.check_names().is_err();
        if held {
            return Inputs {
                source: Source::NotRead,
                dependencies: BTreeMap::new(),
                requeue_dependency: self.settings.requeue_dependency,
            };
        }
        let source = self.source(object).await;
        let mut dependencies = BTreeMap::new();
        for dependency in &object.spec.depends_on {
            let namespace = dependency.namespace.clone().or(object.namespace());
            let key = Key::new(namespace.unwrap_or_default(), &dependency.name);
            if let Some(found) = self.dependency(&key).await {
                dependencies.insert(key, found);
            }
        }
        Inputs {
            source,
            dependencies,
            requeue_dependency: self.settings.requeue_dependency,
        }
    }

    /// The watch has the objects of this shard only (`--watch-label-selector`): others are asked for, as Flux asks for
    /// all of them.
    pub(super) async fn dependency(&self, key: &Key) -> Option<Result<Arc<Kustomization>, String>> {
        if let Some(found) = self.kustomizations.get(key) {
            return Some(Ok(found));
        }
        let api: Api<Kustomization> = Api::namespaced(self.cluster.client(), &key.namespace);
        match api.get(&key.name).await {
            Ok(found) => Some(Ok(Arc::new(found))),
            Err(error) if has_reason(&error, "NotFound") => None,
            Err(error) => Some(Err(message_of(&error))),
        }
    }

    /// kustomize-controller, `getSource`.
    async fn source(&self, object: &Kustomization) -> Source {
        let reference = &object.spec.source_ref;
        let namespace = object.namespace().unwrap_or_default();
        let key = Key::new(reference.namespace_or(&namespace), &reference.name);
        if self.settings.no_cross_namespace_refs && key.namespace != namespace {
            return Source::Denied(format!(
                "can't access '{}/{key}', cross-namespace references have been blocked",
                reference.kind
            ));
        }
        let Some(kind) = reference.source_kind() else {
            return Source::Unreadable(format!(
                "source `{}` kind '{}' not supported",
                reference.name, reference.kind
            ));
        };
        if kind == SourceKind::ExternalArtifact && !self.settings.external_artifact {
            return Source::Denied(format!(
                "can't access '{}/{key}', ExternalArtifact feature gate is disabled",
                reference.kind
            ));
        }
        if let Some(watched) = self.sources.get(&kind)
            && watched.is_synced()
            && self.scope.has(&key.namespace)
        {
            return watched
                .get(&key)
                .map_or_else(|| missing(kind, &key.name), Source::Found);
        }
        self.tell_unwatched(kind, &key.namespace);
        let api: Api<SourceObject> =
            Api::namespaced_with(self.cluster.client(), &key.namespace, &kind.resource());
        match api.get(&key.name).await {
            Ok(found) => Source::Found(Arc::new(found)),
            Err(error) if has_reason(&error, "NotFound") => missing(kind, &key.name),
            Err(error) => Source::Unreadable(format!(
                "unable to get source '{key}': {}",
                message_of(&error)
            )),
        }
    }
}

impl Reconciler {
    /// Tells once of each namespace whose sources are not watched (`--watch-all-namespaces=false`): Flux can't use such
    /// at all, here their revisions are noticed at the interval.
    fn tell_unwatched(&self, kind: SourceKind, namespace: &str) {
        let place = (kind, namespace.to_owned());
        if !self.scope.has(namespace) && self.unwatched.lock().insert(place) {
            tracing::warn!(
                namespace,
                "the namespace {namespace} is not watched: new revisions of {kind} objects there are noticed at the \
                 interval of the Kustomizations that use them"
            );
        }
    }
}

fn missing(kind: SourceKind, name: &str) -> Source {
    Source::Missing(format!(
        "{kind}.{} \"{name}\" not found",
        tidegate_api::meta::group::SOURCE
    ))
}
