use std::cmp::Ordering;

use tidegate_values::ObjectRef;

use crate::Object;

/// The order in which kinds are applied; deletion goes the other way (fluxcd/pkg, `ssa/sort.go`, `ReconcileOrder`).
const FIRST: &[&str] = &[
    "CustomResourceDefinition",
    "Namespace",
    "ClusterRole",
    "ClusterClass",
    "RuntimeClass",
    "PriorityClass",
    "StorageClass",
    "VolumeSnapshotClass",
    "IngressClass",
    "GatewayClass",
    "ClusterRoleBinding",
    "ResourceQuota",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
const LAST: &[&str] = &[
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// What is applied together. Stages follow one another; the first two are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Custom resource definitions, namespaces and cluster roles.
    Definitions,
    /// Kinds whose name ends in `Class`.
    Classes,
    /// Kinds named by the operator.
    Custom,
    Rest,
}

impl Stage {
    pub(crate) const ALL: [Self; 4] = [Self::Definitions, Self::Classes, Self::Custom, Self::Rest];

    pub(crate) fn is_waited_for(self) -> bool {
        matches!(self, Self::Definitions | Self::Classes)
    }

    /// fluxcd/pkg, `ssa/manager_apply.go`, `ApplyAllStaged`. `custom` has (group, kind).
    pub(crate) fn of(object: &Object, custom: &[(String, String)]) -> Self {
        let kind = object.kind();
        let is_definition = object.is_definition()
            || (kind.eq_ignore_ascii_case("Namespace") && object.api_version() == "v1")
            || (kind.eq_ignore_ascii_case("ClusterRole")
                && object
                    .api_version()
                    .starts_with("rbac.authorization.k8s.io/"));
        if is_definition {
            Self::Definitions
        } else if kind.ends_with("Class") {
            Self::Classes
        } else if custom
            .iter()
            .any(|(group, wanted)| group == object.group() && wanted == kind)
        {
            Self::Custom
        } else {
            Self::Rest
        }
    }
}

/// Flux's order of objects: kind by the table, then group and kind, then namespace and name.
pub fn compare(one: &ObjectRef, other: &ObjectRef) -> Ordering {
    compare_kinds((one.group(), &one.kind), (other.group(), &other.kind))
        .then_with(|| one.namespace.cmp(&other.namespace))
        .then_with(|| one.name.cmp(&other.name))
}

pub(crate) fn compare_objects(one: &Object, other: &Object) -> Ordering {
    compare_kinds((one.group(), one.kind()), (other.group(), other.kind()))
        .then_with(|| one.namespace().cmp(other.namespace()))
        .then_with(|| one.name().cmp(other.name()))
}

fn compare_kinds(one: (&str, &str), other: (&str, &str)) -> Ordering {
    if one == other {
        return Ordering::Equal;
    }
    rank(one.1)
        .cmp(&rank(other.1))
        .then_with(|| one.cmp(&other))
}

fn rank(kind: &str) -> usize {
    let middle = FIRST.len();
    FIRST
        .iter()
        .position(|first| *first == kind)
        .or_else(|| {
            LAST.iter()
                .position(|last| *last == kind)
                .map(|place| middle + 1 + place)
        })
        .unwrap_or(middle)
}

/// Reads `--custom-apply-stage-kinds`: `group/Kind,Kind` (fluxcd/pkg, `ssa/utils`, `ParseGroupKindSet`).
pub fn parse_kinds(text: &str) -> Vec<(String, String)> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(|item| {
            let (group, kind) = item.split_once('/').unwrap_or(("", item));
            (group.to_owned(), kind.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(api_version: &str, kind: &str, name: &str) -> ObjectRef {
        ObjectRef {
            api_version: api_version.into(),
            kind: kind.into(),
            namespace: "ns".into(),
            name: name.into(),
        }
    }

    // The order is the one of the event in the recorded case of many kinds.
    #[test]
    fn orders_as_flux() {
        let wanted = [
            reference("apiextensions.k8s.io/v1", "CustomResourceDefinition", "z"),
            reference("v1", "Namespace", "z"),
            reference("v1", "ServiceAccount", "a"),
            reference("v1", "ConfigMap", "a"),
            reference("v1", "ConfigMap", "b"),
            reference("apps/v1", "Deployment", "d"),
            reference("policy/v1", "PodDisruptionBudget", "p"),
            reference("autoscaling/v2", "HorizontalPodAutoscaler", "h"),
            reference("networking.k8s.io/v1", "Ingress", "i"),
            reference("networking.k8s.io/v1", "NetworkPolicy", "n"),
            reference(
                "admissionregistration.k8s.io/v1",
                "ValidatingWebhookConfiguration",
                "v",
            ),
        ];
        let mut sorted = wanted.to_vec();
        sorted.reverse();
        sorted.sort_by(compare);
        assert_eq!(sorted, wanted);
    }

    #[test]
    fn reads_stage_kinds() {
        let kinds = parse_kinds("ServiceAccount, apps/Deployment");
        assert_eq!(
            kinds,
            [
                (String::new(), "ServiceAccount".into()),
                ("apps".into(), "Deployment".into())
            ]
        );
        assert!(parse_kinds("").is_empty());
    }
}
