use crate::SourceKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Names an object in the namespace of the one that refers to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LocalObjectReference {
    /// Name of the object.
    pub name: String,
}

/// Names a Secret, and a key in it, in the namespace of the object that refers to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SecretKeyReference {
    /// Name of the Secret.
    pub name: String,
    /// Key whose value is meant; what is taken without it depends on where the reference stands.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Names an object of a kind, in any namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NamespacedObjectKindReference {
    /// API group and version of the object.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Kind of the object.
    pub kind: String,
    /// Name of the object.
    pub name: String,
    /// Namespace of the object; without it, the namespace of the object that refers to it.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// Names an object of the same kind that must be ready first.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DependencyReference {
    /// Name of the object.
    pub name: String,
    /// Namespace of the object; without it, the namespace of the object that refers to it.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// CEL expression over `self` and `dep` that tells whether the dependency is ready. It takes the place of the
    /// built-in check, or is asked after it with the feature gate `AdditiveCELDependencyCheck`.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub ready_expr: Option<String>,
}

/// Names the source of what is applied, in any namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CrossNamespaceSourceReference {
    /// API group and version of the source.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Kind of the source.
    #[schemars(extend("enum" = ["OCIRepository", "GitRepository", "Bucket", "ExternalArtifact"]))]
    pub kind: String,
    /// Name of the source.
    pub name: String,
    /// Namespace of the source; without it, the namespace of the object that refers to it.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

impl CrossNamespaceSourceReference {
    /// The kind, if it is one that can be a source.
    pub fn source_kind(&self) -> Option<SourceKind> {
        self.kind.parse().ok()
    }

    /// The namespace of the source for a reference that stands in `namespace`.
    pub fn namespace_or<'a>(&'a self, namespace: &'a str) -> &'a str {
        self.namespace.as_deref().unwrap_or(namespace)
    }
}

impl fmt::Display for CrossNamespaceSourceReference {
    /// `Kind/namespace/name`, or `Kind/name` as written without a namespace.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{}/{namespace}/{}", self.kind, self.name),
            None => write!(f, "{}/{}", self.kind, self.name),
        }
    }
}

/// Tells how to reach another cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "message": "exactly one of spec.kubeConfig.configMapRef or spec.kubeConfig.secretRef must be specified",
        "rule": "has(self.configMapRef) || has(self.secretRef)"
    },
    {
        "message": "exactly one of spec.kubeConfig.configMapRef or spec.kubeConfig.secretRef must be specified",
        "rule": "!has(self.configMapRef) || !has(self.secretRef)"
    }
]))]
pub struct KubeConfigReference {
    /// ConfigMap that names a cloud provider and the cluster to reach with its workload identity. Its keys are
    /// `provider` (aws, azure, gcp or generic), `cluster`, `address`, `ca.crt`, `audiences` and `serviceAccountName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map_ref: Option<LocalObjectReference>,
    /// Secret that holds a kubeconfig file, under `value` or `value.yaml` if no key is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeyReference>,
}

/// Reads an optional text where, as in Go, an empty one means the same as none.
pub(crate) fn filled<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()))
}
