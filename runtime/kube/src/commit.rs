use crate::Key;
use crate::Watched;
use crate::told::Told;
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
    /// Why the finalizers of objects could not be written, as far as that was told.
    told: Told<Key>,
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
            told: Told::default(),
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
    ///
    /// Any other failure is told in the log: without its finalizer nothing is done for an object, and its status stays
    /// as it is. It is told once, and again when it is another.
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
        tell(&self.told, &Key::of(object), answer.as_ref().err());
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

/// Tells why the finalizers of an object could not be written; a lost race is no news, it is run again.
fn tell(told: &Told<Key>, key: &Key, failure: Option<&kube::Error>) {
    let gone = |error: &kube::Error| crate::has_reason(error, "NotFound");
    let Some(error) = failure.filter(|error| !gone(error)) else {
        if told.is_over(key) && failure.is_none() {
            tracing::info!("finalizers can be updated now");
        }
        return;
    };
    let lost = crate::has_reason(error, "Conflict");
    let error = crate::message_of(error);
    if !lost && told.is_news(key, &error) {
        tracing::error!(error, "failed to update finalizers");
    } else {
        tracing::debug!(error, "failed to update finalizers");
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
    use super::tell;
    use crate::Key;
    use crate::told::Told;
    use crate::told::tests::logged;
    use crate::told::tests::refusal;
    use serde_json::json;

    #[test]
    fn a_finalizer_that_can_not_be_written_is_told_of_once() {
        let told = Told::default();
        let key = Key::new("team", "app");
        let lines = |answers: &[Option<(&str, &str)>]| {
            logged(|| {
                for answer in answers {
                    let failure = answer.map(|(reason, message)| refusal(reason, message));
                    tell(&told, &key, failure.as_ref());
                }
            })
        };
        let forbidden = Some(("Forbidden", "no right to patch"));
        assert_eq!(
            lines(&[forbidden, Some(("Conflict", "modified")), forbidden]),
            [r#"ERROR failed to update finalizers error="no right to patch""#]
        );
        assert_eq!(
            lines(&[Some(("Forbidden", "denied by a webhook"))]),
            [r#"ERROR failed to update finalizers error="denied by a webhook""#]
        );
        assert_eq!(lines(&[None, None]), ["INFO finalizers can be updated now"]);
        assert_eq!(lines(&[forbidden, Some(("NotFound", "gone"))]).len(), 1);
    }

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
