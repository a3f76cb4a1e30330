use crate::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a source last fetched and where it is served.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Artifact {
    /// Checksum of the archive, written `<algorithm>:<hexadecimal digits>`.
    #[schemars(extend("pattern" = r"^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$"))]
    pub digest: String,
    /// Where the archive is kept, relative to the root of the storage.
    pub path: String,
    /// Address that serves the archive inside the cluster.
    pub url: String,
    /// Which state of the remote this is, such as `main@sha1:…`.
    pub revision: String,
    /// When the archive was made.
    pub last_update_time: Time,
    /// Size of the archive in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// What the remote tells of itself, such as the annotations of an OCI image.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

impl Artifact {
    /// The revision of the sources that an OCI image was built from, when the image tells it.
    pub fn origin_revision(&self) -> Option<&str> {
        self.metadata
            .get(crate::meta::ORIGIN_REVISION_METADATA)
            .map(String::as_str)
    }
}
