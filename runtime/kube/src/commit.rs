use crate::Key;
use crate::Watched;
use k8s_openapi::NamespaceResourceScope;
use kube::Api;
use kube::Client;
use kube::Resource;
use kube::ResourceExt as _;
use kube::api::Patch;
use kube::api::PatchParams;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::json;
use std::fmt;
use std::sync::Arc;

/// Writes status and finalizers of one kind, and keeps the shared state in step with what was written.
pub struct Committer<K> {
    client: Client,
    manager: String,
    watched: Arc<Watched<K>>,
}

impl<K> Committer<K>
where
    K: Resource<Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + Serialize
        + fmt::Debug
        + Send
        + Sync
        + 'static,
    K::DynamicType: Clone + Default,
{
    /// `manager` is the field manager of the writes (Flux: `gotk-<controller name>`).
    pub fn new(client: Client, manager: impl Into<String>, watched: Arc<Watched<K>>) -> Self {
        Self {
            client,
            manager: manager.into(),
            watched,
        }
    }

    /// Merges `patch` into the status. `None` when the object is gone.
    pub async fn status(&self, object: &K, patch: Value) -> Result<Option<Arc<K>>, kube::Error> {
        let body = json!({ "metadata": { "uid": object.uid() }, "status": patch });
        let api = self.api(object);
        let answer = api
            .patch_status(
                &object.name_any(),
                &PatchParams::apply(&self.manager),
                &Patch::Merge(body),
            )
            .await;
        self.take_in(object, answer)
    }

    /// Sets the finalizers, provided that nobody wrote the object since it was read: a lost race is a `Conflict`,
    /// and the next try sees the newer object. `None` when the object is gone.
    pub async fn finalizers(
        &self,
        object: &K,
        finalizers: &[String],
    ) -> Result<Option<Arc<K>>, kube::Error> {
        let body = json!({ "metadata": { "resourceVersion": object.resource_version(), "finalizers": finalizers } });
        let api = self.api(object);
        let answer = api
            .patch(
                &object.name_any(),
                &PatchParams::apply(&self.manager),
                &Patch::Merge(body),
            )
            .await;
        self.take_in(object, answer)
    }

    fn api(&self, object: &K) -> Api<K> {
        Api::namespaced(self.client.clone(), &object.namespace().unwrap_or_default())
    }

    fn take_in(
        &self,
        object: &K,
        answer: Result<K, kube::Error>,
    ) -> Result<Option<Arc<K>>, kube::Error> {
        match answer {
            Ok(new) if new.meta().deletion_timestamp.is_some() && new.finalizers().is_empty() => {
                self.watched.remove(&Key::of(object));
                Ok(None)
            }
            Ok(new) => {
                let new = Arc::new(new);
                self.watched.absorb(&new);
                Ok(Some(new))
            }
            Err(error) if crate::has_reason(&error, "NotFound") => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The JSON merge patch (RFC 7386) that turns `old` into `new`; `None` when they are equal.
///
/// Lists are replaced as a whole, as merge patches have it.
pub fn merge_patch(old: &Value, new: &Value) -> Option<Value> {
    if old == new {
        return None;
    }
    let (Value::Object(old), Value::Object(fields)) = (old, new) else {
        return Some(new.clone());
    };
    let mut patch = serde_json::Map::new();
    for (name, value) in fields {
        match old.get(name) {
            Some(before) => {
                if let Some(change) = merge_patch(before, value) {
                    patch.insert(name.clone(), change);
                }
            }
            None => {
                patch.insert(name.clone(), value.clone());
            }
        }
    }
    for name in old.keys().filter(|name| !fields.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    Some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use super::merge_patch;
    use serde_json::json;

    #[test]
    fn names_just_what_differs() {
        let old = json!({"a": 1, "b": {"c": [1], "d": 2}, "e": 3});
        let new = json!({"a": 1, "b": {"c": [2], "d": 2}, "f": 4});
        assert_eq!(
            merge_patch(&old, &new),
            Some(json!({"b": {"c": [2]}, "f": 4, "e": null}))
        );
        assert_eq!(merge_patch(&old, &old), None);
    }
}
