//! Kinds that are known to live outside of namespaces.

/// True for a built-in kind outside of namespaces; unknown kinds count as namespaced.
pub fn is_cluster_scoped(group: &str, version: &str, kind: &str) -> bool {
    CLUSTER_SCOPED
        .iter()
        .any(|(k, g, versions)| *k == kind && *g == group && versions.contains(&version))
}

// Facts of Kubernetes 1.21.2, the version that kustomize v5.8.1 knows.
const CLUSTER_SCOPED: &[(&str, &str, &[&str])] = &[
    ("APIService", "apiregistration.k8s.io", &["v1", "v1beta1"]),
    ("CSIDriver", "storage.k8s.io", &["v1", "v1beta1"]),
    ("CSINode", "storage.k8s.io", &["v1", "v1beta1"]),
    (
        "CertificateSigningRequest",
        "certificates.k8s.io",
        &["v1", "v1beta1"],
    ),
    (
        "ClusterRole",
        "rbac.authorization.k8s.io",
        &["v1", "v1beta1"],
    ),
    (
        "ClusterRoleBinding",
        "rbac.authorization.k8s.io",
        &["v1", "v1beta1"],
    ),
    ("ComponentStatus", "", &["v1"]),
    (
        "CustomResourceDefinition",
        "apiextensions.k8s.io",
        &["v1", "v1beta1"],
    ),
    ("FlowSchema", "flowcontrol.apiserver.k8s.io", &["v1beta1"]),
    ("IngressClass", "networking.k8s.io", &["v1", "v1beta1"]),
    (
        "MutatingWebhookConfiguration",
        "admissionregistration.k8s.io",
        &["v1", "v1beta1"],
    ),
    ("Namespace", "", &["v1"]),
    ("Node", "", &["v1"]),
    ("NodeProxyOptions", "", &["v1"]),
    ("PersistentVolume", "", &["v1"]),
    ("PodSecurityPolicy", "policy", &["v1beta1"]),
    ("PriorityClass", "scheduling.k8s.io", &["v1", "v1beta1"]),
    (
        "PriorityLevelConfiguration",
        "flowcontrol.apiserver.k8s.io",
        &["v1beta1"],
    ),
    ("RuntimeClass", "node.k8s.io", &["v1", "v1beta1"]),
    ("StorageClass", "storage.k8s.io", &["v1", "v1beta1"]),
    (
        "ValidatingWebhookConfiguration",
        "admissionregistration.k8s.io",
        &["v1", "v1beta1"],
    ),
    ("VolumeAttachment", "storage.k8s.io", &["v1", "v1beta1"]),
];
