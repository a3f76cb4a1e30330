use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use std::collections::hash_map::DefaultHasher;
use std::hash::Hash as _;
use std::hash::Hasher as _;

/// What tells whether an object has moved: enough to compare two states of it, without the state itself.
///
/// An object has moved when its generation, labels, annotations or finalizers changed; for kinds without generation any
/// other resource version counts (`runtime/decisions/020`). Annotations that came by way of the status are status: the
/// deployment controller so numbers every new Deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    uid: u64,
    generation: Option<i64>,
    resource_version: u64,
    metadata: u64,
}

impl Fingerprint {
    /// Fingerprint of the object with this metadata.
    pub(crate) fn of(meta: &ObjectMeta) -> Self {
        let mut metadata = DefaultHasher::new();
        meta.labels.hash(&mut metadata);
        for (name, value) in meta.annotations.iter().flatten() {
            if !is_told_by_status(meta, name) {
                (name, value).hash(&mut metadata);
            }
        }
        meta.finalizers.hash(&mut metadata);
        meta.deletion_timestamp.is_some().hash(&mut metadata);
        let mut uid = DefaultHasher::new();
        meta.uid.hash(&mut uid);
        Self {
            uid: uid.finish(),
            generation: meta.generation,
            resource_version: meta
                .resource_version
                .as_deref()
                .and_then(|text| text.parse().ok())
                .unwrap_or(0),
            metadata: metadata.finish(),
        }
    }

    pub(crate) fn resource_version(&self) -> u64 {
        self.resource_version
    }

    /// Whether an object seen as `self` and then as `later` stayed where it was.
    pub(crate) fn is_unmoved(&self, later: &Self) -> bool {
        self.uid == later.uid
            && match (self.generation, later.generation) {
                (Some(before), Some(after)) => before == after && self.metadata == later.metadata,
                _ => self.resource_version == later.resource_version,
            }
    }

    /// Whether `self` was seen before `other`, by resource version.
    pub(crate) fn is_older_than(&self, other: &Self) -> bool {
        self.uid == other.uid && self.resource_version < other.resource_version
    }
}

/// Whether an annotation belongs to somebody who wrote it with a subresource.
fn is_told_by_status(meta: &ObjectMeta, annotation: &str) -> bool {
    let owns = |entry: &ManagedFieldsEntry| {
        let fields = entry.fields_v1.as_ref();
        fields.is_some_and(|fields| {
            let annotations = &fields.0["f:metadata"]["f:annotations"];
            annotations.get(format!("f:{annotation}")).is_some()
        })
    };
    let subresource = |entry: &&ManagedFieldsEntry| {
        entry
            .subresource
            .as_ref()
            .is_some_and(|name| !name.is_empty())
    };
    let entries = meta.managed_fields.as_deref().unwrap_or_default();
    entries.iter().filter(subresource).any(owns)
}

#[cfg(test)]
mod tests {
    use super::Fingerprint;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use std::collections::BTreeMap;

    fn meta(version: &str, generation: Option<i64>, label: &str) -> ObjectMeta {
        ObjectMeta {
            uid: Some("u".to_owned()),
            generation,
            resource_version: Some(version.to_owned()),
            labels: Some(BTreeMap::from([("l".to_owned(), label.to_owned())])),
            ..ObjectMeta::default()
        }
    }

    #[test]
    fn a_status_write_is_no_move_where_there_is_a_generation() {
        let before = Fingerprint::of(&meta("1", Some(1), "a"));
        assert!(before.is_unmoved(&Fingerprint::of(&meta("2", Some(1), "a"))));
        assert!(!before.is_unmoved(&Fingerprint::of(&meta("2", Some(2), "a"))));
        assert!(!before.is_unmoved(&Fingerprint::of(&meta("2", Some(1), "b"))));
    }

    #[test]
    fn any_write_is_a_move_where_there_is_none() {
        let before = Fingerprint::of(&meta("1", None, "a"));
        assert!(before.is_unmoved(&before));
        assert!(!before.is_unmoved(&Fingerprint::of(&meta("2", None, "a"))));
    }

    #[test]
    fn an_annotation_that_came_with_the_status_is_no_move() {
        // As a Deployment's metadata is before and after its first status (Kubernetes 1.34).
        let before: ObjectMeta = serde_json::from_value(serde_json::json!({
            "uid": "u", "generation": 1, "resourceVersion": "7", "annotations": {"a": "b"},
            "managedFields": [{"manager": "kustomize-controller", "operation": "Apply", "fieldsV1": {"f:metadata": {"f:annotations": {"f:a": {}}}}}],
        }))
        .unwrap();
        let mut after = before.clone();
        after.resource_version = Some("9".to_owned());
        after.annotations.as_mut().unwrap().insert(
            "deployment.kubernetes.io/revision".to_owned(),
            "1".to_owned(),
        );
        let written_plainly = after.clone();
        let status = serde_json::json!({
            "manager": "kube-controller-manager", "operation": "Update", "subresource": "status",
            "fieldsV1": {"f:metadata": {"f:annotations": {".": {}, "f:deployment.kubernetes.io/revision": {}}}, "f:status": {}},
        });
        after
            .managed_fields
            .as_mut()
            .unwrap()
            .push(serde_json::from_value(status).unwrap());
        assert!(Fingerprint::of(&before).is_unmoved(&Fingerprint::of(&after)));
        assert!(!Fingerprint::of(&before).is_unmoved(&Fingerprint::of(&written_plainly)));
    }
}
