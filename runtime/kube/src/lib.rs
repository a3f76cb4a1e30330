//! The API server: clients, impersonation, watches, status patches and events.
//!
//! Only this crate and `apply` write to the API server; controllers read what a spec refers to through its clients. It
//! knows no custom resource and makes no decision about one: controllers hand in typed objects and get them back.

mod cluster;
mod commit;
mod fingerprint;
mod kubeconfig;
mod lease;
mod limits;
mod moves;
mod opened;
mod patience;
mod recorder;
mod refusal;
mod requests;
mod scope;
mod told;
mod watched;

pub use cluster::Cluster;
pub use cluster::ConnectError;
pub use cluster::install_crypto;
pub use commit::Committer;
pub use commit::merge_patch;
pub use kubeconfig::Kubeconfigs;
pub use kubeconfig::LoadError;
pub use lease::Lease;
pub use lease::LeaseOptions;
pub use lease::hostname;
pub use moves::ManagedKind;
pub use moves::Moved;
pub use moves::Moves;
pub use moves::Owner;
pub use moves::OwnerLabels;
pub use moves::Place;
pub use moves::Seen;
pub use recorder::Recorder;
pub use requests::RequestCount;
pub use scope::Scope;
pub use watched::Change;
pub use watched::Key;
pub use watched::Watched;

/// Whether the API server answered with this reason, such as `NotFound` or `Forbidden`.
pub fn has_reason(error: &::kube::Error, reason: &str) -> bool {
    matches!(error, ::kube::Error::Api(status) if status.reason == reason)
}

/// The error's text as client-go prints it: the API server's own message where it sent one.
pub fn message_of(error: &::kube::Error) -> String {
    match error {
        ::kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        other => other.to_string(),
    }
}
