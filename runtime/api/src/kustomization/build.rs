use super::{
    BTreeMap, Deserialize, JsonSchema, LocalObjectReference, Serialize, SubstituteStrategy, filled,
    is_false,
};

/// Labels and annotations to put on all objects; they win over those that are there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CommonMetadata {
    /// Annotations to put on all objects.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Labels to put on all objects.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Fields of applied objects that others may change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct IgnoreRule {
    /// JSON Pointers (RFC 6901) to the fields.
    pub paths: Vec<String>,
    /// The objects that the rule is for; all when not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Selector>,
}

/// Picks objects by what they are called and labelled. A field that is not set matches everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Selector {
    /// API group of the objects.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Version of the API group.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Kind of the objects.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Regular expression for the names of the objects.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Regular expression for the namespaces of the objects.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Expression over the annotations, in the syntax of label selectors.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub annotation_selector: Option<String>,
    /// Expression over the labels, in the syntax of label selectors.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<String>,
}

/// How encrypted files are decrypted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Decryption {
    /// What the files are encrypted with.
    #[schemars(extend("enum" = ["sops"]))]
    pub provider: String,
    /// Service account in the namespace of this object that signs in to the key service of a cloud. A credential in the
    /// Secret goes before it.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Secret with the private keys, or with credentials for key services.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
}

/// A strategic merge or JSON patch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Patch {
    /// The patch in YAML: a partial object for a strategic merge, a list of operations for a JSON patch.
    pub patch: String,
    /// The objects to patch. Not needed for a strategic merge, whose own name and kind say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Selector>,
}

/// A container image to replace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Image {
    /// Name of the image in the manifests, without tag.
    pub name: String,
    /// Name to put in its place.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub new_name: Option<String>,
    /// Tag to put in place of the one that is there.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub new_tag: Option<String>,
    /// Digest to put in place of the tag; it goes before a new tag.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// How the health of a kind of custom resource is told from its status.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CustomHealthCheck {
    /// API group and version of the custom resource.
    pub api_version: String,
    /// Kind of the custom resource.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// CEL expression that is true while the object is on its way.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub in_progress: Option<String>,
    /// CEL expression that is true when the object has failed.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// CEL expression that is true when the object is as wanted.
    pub current: String,
}

/// What is done to the manifests after the build.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PostBuild {
    /// When variables are substituted: with `WithVariables`, which holds when not set, only if at least one is defined
    /// here or in `substituteFrom`; with `Always` even then, so that defaults in the manifests take effect.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["WithVariables", "Always"]))]
    pub substitute_strategy: Option<String>,
    /// Variables and their values. They go before those of `substituteFrom`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub substitute: BTreeMap<String, String>,
    /// ConfigMaps and Secrets whose keys are variables; later ones go before earlier ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub substitute_from: Vec<SubstituteReference>,
}

impl PostBuild {
    /// When variables are substituted, or `None` for a word that tells nothing.
    pub fn substitute_strategy(&self) -> Option<SubstituteStrategy> {
        match self.substitute_strategy.as_deref() {
            None | Some("WithVariables") => Some(SubstituteStrategy::WithVariables),
            Some("Always") => Some(SubstituteStrategy::Always),
            Some(_) => None,
        }
    }
}

/// A ConfigMap or Secret whose keys are variables.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SubstituteReference {
    /// Whether it is a Secret or a ConfigMap.
    #[schemars(extend("enum" = ["Secret", "ConfigMap"]))]
    pub kind: String,
    /// Name of it, in the namespace of this object.
    #[schemars(extend("minLength" = 1, "maxLength" = 253))]
    pub name: String,
    /// Takes it as empty if it is not there, rather than to fail.
    #[serde(skip_serializing_if = "is_false")]
    #[schemars(extend("x-default" = false))]
    pub optional: bool,
}
