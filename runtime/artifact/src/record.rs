use crate::digest::ArchiveDigest;

/// Whose artifact it is: the object that publishes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ArtifactName {
    kind: String,
    namespace: String,
    name: String,
}

impl ArtifactName {
    /// `kind` as the API has it (`GitRepository`); paths have it in lower case.
    pub fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self {
            kind: kind.to_lowercase(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// `<kind>/<namespace>/<name>`, as fluxcd/pkg `artifact/storage`, `ArtifactDir` has it.
    pub fn directory(&self) -> String {
        format!("{}/{}/{}", self.kind, self.namespace, self.name)
    }

    /// `<kind>/<namespace>/<name>/<stem>.tar.gz`.
    pub fn archive(&self, stem: &str) -> String {
        format!("{}/{stem}.tar.gz", self.directory())
    }
}

/// What a status says about an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Path of the archive below the storage's root.
    pub path: String,
    /// Where the archive is served.
    pub url: String,
    /// As the source writes revisions, `main@sha1:…` for instance.
    pub revision: String,
    /// Of the archive's bytes.
    pub digest: ArchiveDigest,
    /// Bytes of the archive.
    pub size: u64,
    /// When the archive was written, in whole seconds.
    pub last_update_time: jiff::Timestamp,
}
