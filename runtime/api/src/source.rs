use crate::meta::group;
use crate::{Artifact, Conditions};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The kinds that a Kustomization can take its manifests from. All are of `source.toolkit.fluxcd.io/v1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// Files of an object store.
    Bucket,
    /// An artifact that somebody else makes and serves.
    ExternalArtifact,
    /// Files of a Git repository.
    GitRepository,
    /// Files of an OCI image. The kind is written `OCIRepository`.
    OciRepository,
}

impl SourceKind {
    /// All kinds, by name.
    pub const ALL: [Self; 4] = [
        Self::Bucket,
        Self::ExternalArtifact,
        Self::GitRepository,
        Self::OciRepository,
    ];

    /// The kind as manifests write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bucket => "Bucket",
            Self::ExternalArtifact => "ExternalArtifact",
            Self::GitRepository => "GitRepository",
            Self::OciRepository => "OCIRepository",
        }
    }

    /// The name in request paths.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Bucket => "buckets",
            Self::ExternalArtifact => "externalartifacts",
            Self::GitRepository => "gitrepositories",
            Self::OciRepository => "ocirepositories",
        }
    }

    /// What [`SourceObject`] is read with: `Api::namespaced_with(client, namespace, &kind.resource())`.
    pub fn resource(self) -> kube::core::ApiResource {
        kube::core::ApiResource {
            group: group::SOURCE.into(),
            version: group::SOURCE_VERSION.into(),
            api_version: format!("{}/{}", group::SOURCE, group::SOURCE_VERSION),
            kind: self.as_str().into(),
            plural: self.plural().into(),
        }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SourceKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(())
    }
}

/// The part of a status that all source kinds have.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SourceStatus {
    /// What can be downloaded now; `None` before there was anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// What its controller says of it.
    #[serde(skip_serializing_if = "Conditions::is_empty")]
    pub conditions: Conditions,
    /// The generation of the spec that the status tells of; 0 when it does not say.
    #[serde(skip_serializing_if = "crate::resource::is_zero")]
    pub observed_generation: i64,
}

/// Any source, as seen by those who use its artifact.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SourceObject {
    /// API group and version.
    pub api_version: String,
    /// One of [`SourceKind`].
    pub kind: String,
    /// Name, namespace and the rest of what every object has.
    pub metadata: ObjectMeta,
    /// What its controller says of it.
    pub status: SourceStatus,
}

impl kube::Resource for SourceObject {
    type DynamicType = kube::core::ApiResource;
    type Scope = kube::core::DynamicResourceScope;

    fn kind(resource: &Self::DynamicType) -> std::borrow::Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &Self::DynamicType) -> std::borrow::Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &Self::DynamicType) -> std::borrow::Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn api_version(resource: &Self::DynamicType) -> std::borrow::Cow<'_, str> {
        resource.api_version.as_str().into()
    }

    fn plural(resource: &Self::DynamicType) -> std::borrow::Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
