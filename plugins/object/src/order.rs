//! The order that `kustomize build` writes objects in unless told otherwise.

use std::cmp::Ordering;

use crate::id::kind_rank;
use crate::{Gvk, ObjectId};

/// Kinds that come first, in this order (kustomize: SortOrderTransformer, `defaultOrderFirst`).
pub const ORDER_FIRST: &[&str] = &[
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// Kinds that come last, in this order.
pub const ORDER_LAST: &[&str] = &[
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// Where an object stands in that order: by rank of kind, then group, version and kind, then namespace and name.
///
/// Made once an object, as a sort compares each many times. kustomize: SortOrderTransformer, `legacyIDSorter.Less`.
#[derive(Debug, Clone)]
pub struct LegacyKey {
    rank: isize,
    type_text: String,
    gvk: Gvk,
    place: String,
}

impl LegacyKey {
    /// The key of an object by the lists of kinds that come first and last.
    pub fn new<S: AsRef<str>>(id: &ObjectId, first: &[S], last: &[S]) -> Self {
        let or = |text: &'_ str, instead: &'static str| -> String {
            if text.is_empty() { instead } else { text }.to_owned()
        };
        Self {
            rank: kind_rank(&id.gvk.kind, first, last),
            type_text: id.gvk.sort_text(),
            gvk: id.gvk.clone(),
            place: or(&id.namespace, "~X") + "|" + &or(&id.name, "~N"),
        }
    }

    /// Orders two keys that were made with the same lists.
    pub fn compare(&self, other: &Self) -> Ordering {
        let by_type = self
            .rank
            .cmp(&other.rank)
            .then_with(|| self.compare_types(other));
        // Unlike types may have equal texts: they stay as they came.
        by_type.then_with(|| {
            if self.gvk == other.gvk {
                self.place.cmp(&other.place)
            } else {
                Ordering::Equal
            }
        })
    }

    fn compare_types(&self, other: &Self) -> Ordering {
        let order = self.type_text.cmp(&other.type_text);
        // The core group's Namespace goes before other kinds of that name.
        let both_namespaces = self.gvk.kind == "Namespace" && other.gvk.kind == "Namespace";
        if both_namespaces && (self.gvk.group.is_empty() || other.gvk.group.is_empty()) {
            order.reverse()
        } else {
            order
        }
    }
}
