use crate::meta::group;
use crate::reference::filled;
use crate::resource::{column, custom_resource, is_false, is_zero};
use crate::{
    Conditions, CrossNamespaceSourceReference, DependencyReference, Duration, History, Inventory,
    KubeConfigReference, LocalObjectReference, NamespacedObjectKindReference,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

mod build;
mod policy;

pub use build::CommonMetadata;
pub use build::CustomHealthCheck;
pub use build::Decryption;
pub use build::IgnoreRule;
pub use build::Image;
pub use build::Patch;
pub use build::PostBuild;
pub use build::Selector;
pub use build::SubstituteReference;
pub use policy::BuildMetadata;
pub use policy::DeletionPolicy;
pub use policy::SubstituteStrategy;

/// The timeout is no shorter than this, and is this much shorter than the interval when not set.
const TIMEOUT_MARGIN: Duration = Duration::from_secs(30);

custom_resource! {
    /// Manifests of a source that are built and kept applied to a cluster.
    Kustomization(KustomizationSpec, KustomizationStatus) in group::KUSTOMIZE, group::KUSTOMIZE_VERSION;
    plural "kustomizations", singular "kustomization",
    short names ["ks"],
    categories ["all", "fluxcd", "fluxcd-appliers"],
    columns [column::AGE, column::READY, column::STATUS]
}

/// Which manifests to build, how to change them, and how to apply them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "the fields are Flux's")]
pub struct KustomizationSpec {
    /// Labels and annotations to put on all objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_metadata: Option<CommonMetadata>,
    /// Kustomizations that must be ready before this one is applied.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<DependencyReference>,
    /// How encrypted files are decrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decryption: Option<Decryption>,
    /// Time between two reconciles that nothing else asked for. The real time varies a little, to spread the load.
    #[schemars(extend("pattern" = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"))]
    pub interval: Duration,
    /// Time to the next try after a failure; the interval when not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"))]
    pub retry_interval: Option<Duration>,
    /// The cluster to apply to; the one that this object is in when not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kube_config: Option<KubeConfigReference>,
    /// Folder of the source with a kustomization.yaml, or with plain manifests that one is made up for. The root of the
    /// source when not set.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What is done to the manifests after the build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_build: Option<PostBuild>,
    /// Deletes objects that are no longer among the manifests.
    pub prune: bool,
    /// What becomes of the applied objects when this one is deleted. `MirrorPrune`, which holds when not set, deletes
    /// them if `prune` is set and leaves them otherwise. `WaitForTermination` deletes them and waits until they are gone.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["MirrorPrune", "Delete", "WaitForTermination", "Orphan"]))]
    pub deletion_policy: Option<String>,
    /// Objects whose health is waited for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub health_checks: Vec<NamespacedObjectKindReference>,
    /// Text to put before the names of all objects.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minLength" = 1, "maxLength" = 200))]
    pub name_prefix: Option<String>,
    /// Text to put after the names of all objects.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minLength" = 1, "maxLength" = 200))]
    pub name_suffix: Option<String>,
    /// Strategic merge and JSON patches, written in YAML.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<Patch>,
    /// Container images to replace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// Service account in the namespace of this object that manifests are applied as.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// The source of the manifests.
    pub source_ref: CrossNamespaceSourceReference,
    /// Stops reconciling; what is applied stays. What has already begun goes on.
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Namespace to put all objects in.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minLength" = 1, "maxLength" = 63))]
    pub target_namespace: Option<String>,
    /// Longest time for building, applying and waiting for health, and no less than 30 s. When not set, 30 s less than
    /// the interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"))]
    pub timeout: Option<Duration>,
    /// Deletes and creates again objects that refuse a change of an immutable field.
    #[serde(skip_serializing_if = "is_false")]
    #[schemars(extend("x-default" = false))]
    pub force: bool,
    /// Waits for the health of all applied objects, rather than of those in `healthChecks`.
    #[serde(skip_serializing_if = "is_false")]
    pub wait: bool,
    /// Annotations by which kustomize tells where an object came from and what changed it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<BuildMetadata>")]
    pub build_metadata: Vec<String>,
    /// Folders with kustomize components, relative to `path`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<String>,
    /// Leaves out components that are not in the source, rather than to fail.
    #[serde(skip_serializing_if = "is_false")]
    pub ignore_missing_components: bool,
    /// How the health of custom resources is told from their status, in CEL. Used with `wait` and `healthChecks`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub health_check_exprs: Vec<CustomHealthCheck>,
    /// Fields of applied objects that others may change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<IgnoreRule>,
}

impl KustomizationSpec {
    /// The time limit, as Flux has it: `GetTimeout` of kustomize-controller's api/v1/kustomization_types.go.
    pub fn timeout(&self) -> Duration {
        let wanted = self
            .timeout
            .unwrap_or_else(|| self.interval.saturating_sub(TIMEOUT_MARGIN));
        wanted.max(TIMEOUT_MARGIN)
    }

    /// The time to the next try after a failure.
    pub fn retry_interval(&self) -> Duration {
        self.retry_interval.unwrap_or(self.interval)
    }

    /// The deletion policy, or `None` for a word that is none.
    pub fn deletion_policy(&self) -> Option<DeletionPolicy> {
        self.deletion_policy
            .as_deref()
            .map_or(Some(DeletionPolicy::MirrorPrune), DeletionPolicy::parse)
    }

    /// Whether deleting this object deletes what it applied.
    pub fn deletes_objects(&self) -> bool {
        match self.deletion_policy() {
            Some(DeletionPolicy::MirrorPrune) => self.prune,
            Some(DeletionPolicy::Delete | DeletionPolicy::WaitForTermination) => true,
            // What nobody knows how to read must not delete anything.
            Some(DeletionPolicy::Orphan) | None => false,
        }
    }
}

/// What was last applied, and how that went.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-default" = {"observedGeneration": -1}))]
pub struct KustomizationStatus {
    /// The last request for a reconcile that was taken up.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Generation of the spec that was last worked on.
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// What is known about the state of the applied manifests.
    #[serde(skip_serializing_if = "Conditions::is_empty")]
    pub conditions: Conditions,
    /// Revision of the source that was last applied as a whole.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub last_applied_revision: Option<String>,
    /// Where that revision came from: for an OCI image, the revision of the sources that it was built from.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub last_applied_origin_revision: Option<String>,
    /// Revision of the source that was last tried.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub last_attempted_revision: Option<String>,
    /// The applied objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Inventory>,
    /// The last states that were tried, newest first.
    #[serde(skip_serializing_if = "History::is_empty")]
    pub history: History,
}
