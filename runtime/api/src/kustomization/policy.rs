use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of the applied objects when their Kustomization is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// Deletes them if `spec.prune` is set.
    MirrorPrune,
    /// Deletes them, whatever `spec.prune` says.
    Delete,
    /// Deletes them and waits until they are gone.
    WaitForTermination,
    /// Leaves them where they are.
    Orphan,
}

impl DeletionPolicy {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "MirrorPrune" => Some(Self::MirrorPrune),
            "Delete" => Some(Self::Delete),
            "WaitForTermination" => Some(Self::WaitForTermination),
            "Orphan" => Some(Self::Orphan),
            _ => None,
        }
    }
}

/// When variables are substituted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubstituteStrategy {
    /// If there is at least one variable.
    WithVariables,
    /// Also without any variable, so that defaults and escapes in the manifests take effect.
    Always,
}

/// An annotation that kustomize can add to what it builds: where an object came from, or what changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(
    missing_docs,
    reason = "docs of variants would go into the schema, which is upstream's; the names are kustomize's"
)]
pub enum BuildMetadata {
    OriginAnnotations,
    TransformerAnnotations,
}
