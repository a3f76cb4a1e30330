use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value};
use tidegate_values::ObjectRef;

/// One Kubernetes object as it was rendered: a JSON object with `apiVersion`, `kind` and `metadata.name`.
/// Clones share it until one is changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Object(Arc<Map<String, Value>>);

impl Object {
    /// `None` unless `value` is a map with a kind, an API version and a name.
    /// Flux drops such documents in silence (fluxcd/pkg, `ssa/utils`, `ReadObjects`).
    pub fn new(value: Value) -> Option<Self> {
        let Value::Object(map) = value else {
            return None;
        };
        let object = Self(Arc::new(map));
        let whole = !object.api_version().is_empty()
            && !object.kind().is_empty()
            && !object.name().is_empty();
        whole.then_some(object)
    }

    /// As the manifest writes it; never empty.
    pub fn api_version(&self) -> &str {
        text(self.0.get("apiVersion"))
    }

    /// As the manifest writes it; never empty.
    pub fn kind(&self) -> &str {
        text(self.0.get("kind"))
    }

    /// As the manifest writes it; never empty.
    pub fn name(&self) -> &str {
        text(self.metadata("name"))
    }

    /// Empty when the object names none.
    pub fn namespace(&self) -> &str {
        text(self.metadata("namespace"))
    }

    /// The API group, empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version()
            .split_once('/')
            .map_or("", |(group, _)| group)
    }

    /// The value of a label, if it is a text.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.metadata("labels")?.get(key)?.as_str()
    }

    /// The value of an annotation, if it is a text.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata("annotations")?.get(key)?.as_str()
    }

    /// What the manifest says that it is: cluster-scoped kinds may still have a namespace.
    pub fn reference(&self) -> ObjectRef {
        ObjectRef {
            api_version: self.api_version().to_owned(),
            kind: self.kind().to_owned(),
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
        }
    }

    /// A field of the top level.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }

    /// The whole object.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The whole object, to be changed. What makes it one ([`Object::new`]) has to stay.
    pub fn as_map_mut(&mut self) -> &mut Map<String, Value> {
        Arc::make_mut(&mut self.0)
    }

    /// The whole object as JSON.
    pub fn into_value(self) -> Value {
        Value::Object(Arc::unwrap_or_clone(self.0))
    }

    /// Sets labels, overwriting those of the same key.
    pub fn set_labels(&mut self, labels: &BTreeMap<String, String>) {
        self.set_metadata("labels", labels);
    }

    /// Sets annotations, overwriting those of the same key.
    pub fn set_annotations(&mut self, annotations: &BTreeMap<String, String>) {
        self.set_metadata("annotations", annotations);
    }

    /// Whether this is a Job that the cluster removes after it ended: health checks take its absence as success
    /// (fluxcd/pkg, `ssa/utils`, `ExtractJobsWithTTL`).
    pub fn is_job_with_ttl(&self) -> bool {
        self.kind() == "Job"
            && self.api_version().starts_with("batch/")
            && self
                .0
                .get("spec")
                .and_then(|spec| spec.get("ttlSecondsAfterFinished"))
                .is_some_and(Value::is_i64)
    }

    pub(crate) fn is_secret(&self) -> bool {
        self.kind() == "Secret" && self.api_version() == "v1"
    }

    pub(crate) fn is_definition(&self) -> bool {
        self.kind().eq_ignore_ascii_case("CustomResourceDefinition")
            && self.api_version().starts_with("apiextensions.k8s.io/")
    }

    fn metadata(&self, field: &str) -> Option<&Value> {
        self.0.get("metadata")?.get(field)
    }

    fn set_metadata(&mut self, field: &str, entries: &BTreeMap<String, String>) {
        if entries.is_empty() {
            return;
        }
        let metadata = map_at(Arc::make_mut(&mut self.0), "metadata");
        let target = map_at(metadata, field);
        for (key, value) in entries {
            target.insert(key.clone(), Value::String(value.clone()));
        }
    }
}

/// Takes lists apart and drops what is no Kubernetes object, and kustomization files
/// (fluxcd/pkg, `ssa/utils`, `ReadObjects`). Items of a list that are no objects are dropped as well.
pub fn flatten(documents: impl IntoIterator<Item = Value>) -> Vec<Object> {
    let mut objects = Vec::new();
    for mut document in documents {
        if let Some(Value::Array(items)) = document.get_mut("items") {
            objects.extend(std::mem::take(items).into_iter().filter_map(Object::new));
        } else if !is_kustomization_file(&document) {
            objects.extend(Object::new(document));
        }
    }
    objects
}

/// Who owns applied objects: its name and namespace go into their labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Prefix of the labels and of the annotations that steer the apply, such as `kustomize.toolkit.fluxcd.io`.
    pub group: String,
    /// Name of the owner.
    pub name: String,
    /// Namespace of the owner.
    pub namespace: String,
}

impl Owner {
    /// The two labels that an owned object carries (fluxcd/pkg, `ssa`, `SetOwnerLabels`).
    pub fn labels(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            (format!("{}/name", self.group), self.name.clone()),
            (format!("{}/namespace", self.group), self.namespace.clone()),
        ])
    }

    /// Whether `live` carries them.
    pub fn owns(&self, live: &Value) -> bool {
        let labels = live.pointer("/metadata/labels");
        self.labels().iter().all(|(key, value)| {
            labels
                .and_then(|labels| labels.get(key))
                .and_then(Value::as_str)
                == Some(value.as_str())
        })
    }

    /// The key of a steering label or annotation: `<group>/<name>`.
    pub(crate) fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.group)
    }
}

/// Whether a document is a `kustomization.yaml`, which is never applied.
pub fn is_kustomization_file(document: &Value) -> bool {
    text(document.get("kind")).eq_ignore_ascii_case("kustomization")
        && text(document.get("apiVersion")).starts_with("kustomize.config.k8s.io/")
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

/// The map at `field`, put there when it is missing or something else.
fn map_at<'a>(map: &'a mut Map<String, Value>, field: &str) -> &'a mut Map<String, Value> {
    let value = map.entry(field).or_insert(Value::Null);
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("made a map above"),
    }
}

/// Whether labels or annotations hold one of the pairs; values are compared without case, empty ones never match
/// (fluxcd/pkg, `ssa/utils`, `AnyInMetadata`).
pub(crate) fn any_in_metadata(metadata: Option<&Value>, pairs: &[(String, &str)]) -> bool {
    let Some(metadata) = metadata else {
        return false;
    };
    pairs.iter().any(|(key, wanted)| {
        ["labels", "annotations"].into_iter().any(|field| {
            let value = text(metadata.get(field).and_then(|entries| entries.get(key)));
            !value.is_empty() && value.eq_ignore_ascii_case(wanted)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn takes_lists_apart_and_drops_what_is_no_object() {
        let one = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        let objects = flatten([
            json!({"apiVersion": "v1", "kind": "List", "items": [one("a"), one("b")]}),
            json!({"apiVersion": "v1", "kind": "ConfigMapList", "items": []}),
            json!({"kind": "ConfigMap", "metadata": {"name": "no-version"}}),
            json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "metadata": {"name": "k"}}),
            json!(null),
            one("c"),
        ]);
        let names: Vec<_> = objects.iter().map(Object::name).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn sets_owner_labels_over_others() {
        let owner = Owner {
            group: "g.io".into(),
            name: "app".into(),
            namespace: "ns".into(),
        };
        let mut object = Object::new(json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "labels": {"g.io/name": "other", "x": "y"}},
        }))
        .unwrap();
        object.set_labels(&owner.labels());
        assert_eq!(object.label("g.io/name"), Some("app"));
        assert_eq!(object.label("x"), Some("y"));
        assert!(owner.owns(&object.into_value()));
    }

    #[test]
    fn matches_metadata_without_case() {
        let pairs = [("g.io/ssa".to_owned(), "Ignore")];
        let metadata = |value: &str| json!({"annotations": {"g.io/ssa": value}});
        assert!(any_in_metadata(Some(&metadata("ignore")), &pairs));
        assert!(!any_in_metadata(Some(&metadata("merge")), &pairs));
        assert!(any_in_metadata(
            Some(&json!({"labels": {"g.io/ssa": "IGNORE"}})),
            &pairs
        ));
        assert!(!any_in_metadata(None, &pairs));
    }
}
