//! The order that `kustomize build` writes objects in unless told otherwise.

use std::cmp::Ordering;

use crate::ObjectId;
use crate::id::kind_rank;

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

/// Compares two ids by rank of kind, then group, version and kind, then namespace and name.
/// kustomize: SortOrderTransformer, `legacyIDSorter.Less`.
pub fn compare_legacy<S: AsRef<str>>(
    a: &ObjectId,
    b: &ObjectId,
    first: &[S],
    last: &[S],
) -> Ordering {
    if a.gvk == b.gvk {
        let text = |id: &ObjectId| {
            let namespace = if id.namespace.is_empty() {
                "~X"
            } else {
                &id.namespace
            };
            let name = if id.name.is_empty() { "~N" } else { &id.name };
            format!("{namespace}|{name}")
        };
        return text(a).cmp(&text(b));
    }
    kind_rank(&a.gvk.kind, first, last)
        .cmp(&kind_rank(&b.gvk.kind, first, last))
        .then_with(|| {
            let order = a.gvk.sort_text().cmp(&b.gvk.sort_text());
            // The core group's Namespace goes before other kinds of that name.
            let both_namespaces = a.gvk.kind == "Namespace" && b.gvk.kind == "Namespace";
            if both_namespaces && (a.gvk.group.is_empty() || b.gvk.group.is_empty()) {
                order.reverse()
            } else {
                order
            }
        })
}
