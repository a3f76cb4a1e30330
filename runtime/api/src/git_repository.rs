use crate::meta::group;
use crate::reference::filled;
use crate::resource::{Column, column, custom_resource, is_false, is_zero};
use crate::{Artifact, Conditions, Duration, LocalObjectReference};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long a Git operation may take when the spec does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

custom_resource! {
    /// A Git repository whose files are kept up to date as an artifact for others to use.
    GitRepository(GitRepositorySpec, GitRepositoryStatus) in group::SOURCE, group::SOURCE_VERSION;
    plural "gitrepositories", singular "gitrepository",
    short names ["gitrepo"],
    categories ["all", "fluxcd", "fluxcd-sources"],
    columns [
        Column { name: "URL", type_: "string", json_path: ".spec.url" },
        column::AGE,
        column::READY,
        column::STATUS,
    ]
}

/// What to fetch, from where, how often, and what to leave out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [{
    "message": "serviceAccountName can only be set when provider is 'azure' or 'aws'",
    "rule": "!has(self.serviceAccountName) || (has(self.provider) && (self.provider == 'azure' || self.provider == 'aws'))"
}]))]
pub struct GitRepositorySpec {
    /// Address of the repository, over HTTP, HTTPS or SSH.
    #[schemars(extend("pattern" = "^(http|https|ssh)://.*$"))]
    pub url: String,
    /// Secret with the credentials: `username` and `password`, or `bearerToken`, and optionally `ca.crt`, `tls.crt` and
    /// `tls.key` for HTTPS; `identity` and `known_hosts`, and optionally `password`, for SSH.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// Whose way of signing in is used; `generic` when not set.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["generic", "aws", "azure", "github"]))]
    pub provider: Option<String>,
    /// Service account in the namespace of this object that signs in to the provider. For `azure` and `aws` only.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Time between two looks at the repository. The real time varies a little, to spread the load.
    #[schemars(extend("pattern" = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"))]
    pub interval: Duration,
    /// Longest time that a Git operation may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$", "x-default" = "60s"))]
    pub timeout: Option<Duration>,
    /// What to check out; the branch `master` when not set.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<GitRepositoryRef>,
    /// Which signatures to verify, and with which keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<GitRepositoryVerification>,
    /// Secret with the proxy to use: `address`, and optionally `username` and `password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// Patterns of files to leave out, in the format of .gitignore. They take the place of the default ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// Stops looking at the repository; the last artifact stays.
    #[serde(skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Fetches the submodules too.
    #[serde(skip_serializing_if = "is_false")]
    pub recurse_submodules: bool,
    /// Other repositories whose artifacts are copied into this one's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<GitRepositoryInclude>,
    /// Folders to check out; everything when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sparse_checkout: Vec<String>,
}

impl GitRepositorySpec {
    /// The timeout, or the default of 60 s for an object stored without it.
    pub fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(DEFAULT_TIMEOUT)
    }

    /// The provider, `generic` if none is set.
    pub fn provider(&self) -> &str {
        self.provider.as_deref().unwrap_or("generic")
    }
}

/// What to check out. The order of precedence is commit, name, tag with semver before it, branch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GitRepositoryRef {
    /// Branch to check out; `master` if nothing else is set.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Tag to check out, rather than a branch.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Range of versions whose newest tag is checked out, rather than one tag.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub semver: Option<String>,
    /// Full name of a reference, such as `refs/heads/main` or `refs/pull/1/head`, rather than branch, tag or range.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Hash of a commit, rather than anything else. With a branch or a name, the commit is looked for there.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// Which signatures to verify, and with which keys.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GitRepositoryVerification {
    /// What has to be signed: the commit (`HEAD`), the tag, or both. `head` is an older spelling of `HEAD`.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["head", "HEAD", "Tag", "TagAndHEAD"], "x-default" = "HEAD"))]
    pub mode: Option<String>,
    /// Secret with the public keys of those whose signatures are trusted.
    pub secret_ref: LocalObjectReference,
}

/// A repository whose artifact is copied into another's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GitRepositoryInclude {
    /// The repository to copy from.
    pub repository: LocalObjectReference,
    /// Folder to copy; the whole artifact when not set.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub from_path: Option<String>,
    /// Folder to copy to; one of the repository's name when not set.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub to_path: Option<String>,
}

impl GitRepositoryInclude {
    /// The folder to copy, empty for the whole artifact.
    pub fn from_path(&self) -> &str {
        self.from_path.as_deref().unwrap_or("")
    }

    /// The folder to copy to.
    pub fn to_path(&self) -> &str {
        self.to_path.as_deref().unwrap_or(&self.repository.name)
    }
}

/// What was last fetched, and how that went.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-default" = {"observedGeneration": -1}))]
pub struct GitRepositoryStatus {
    /// Generation of the spec that was last worked on.
    #[serde(skip_serializing_if = "is_zero")]
    pub observed_generation: i64,
    /// What is known about the state of the repository.
    #[serde(skip_serializing_if = "Conditions::is_empty")]
    pub conditions: Conditions,
    /// The last artifact made of the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// The artifacts that were copied into it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub included_artifacts: Vec<Artifact>,
    /// Patterns that the artifact was made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_ignore: Option<String>,
    /// Whether the artifact was made with submodules.
    #[serde(skip_serializing_if = "is_false")]
    pub observed_recurse_submodules: bool,
    /// What the artifact was told to include.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observed_include: Vec<GitRepositoryInclude>,
    /// Folders that the artifact was limited to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observed_sparse_checkout: Vec<String>,
    /// What of the artifact's revision was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_verification_mode: Option<String>,
    /// The last request for a reconcile that was taken up.
    #[serde(deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}
