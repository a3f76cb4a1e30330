//! Artifacts: trees of files in a content-addressed store, and the `tar.gz` of each that Flux's contract serves.
//!
//! An artifact is a sorted list of `path -> (sha256, size, mode)` over blobs that revisions share.
//! [`Store::publish`] makes one from any [`tidegate_values::Tree`]; [`Store::open`] reads it in place;
//! [`server::router`] serves the archives; [`Store::download`] takes somebody else's by URL and digest.
//! Everything blocks, except the server.

mod archive;
mod digest;
mod download;
mod hosts;
mod ignore;
mod include;
mod limits;
mod range;
mod record;
pub mod server;
mod store;
mod tree;
mod unpack;

pub use digest::Algorithm;
pub use digest::ArchiveDigest;
pub use digest::DigestError;
pub use download::Download;
pub use download::DownloadError;
pub use hosts::Hosts;
pub use ignore::Defaults;
pub use ignore::Ignore;
pub use ignore::Malformed;
pub use include::Include;
pub use include::IncludeError;
pub use include::include;
pub use limits::Limits;
pub use record::Artifact;
pub use record::ArtifactName;
pub use store::ClaimError;
pub use store::Options;
pub use store::Store;
pub use store::StoreError;
pub use store::VerifyError;
pub use tree::ArtifactTree;
pub use unpack::UnpackError;
