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
mod reach;
mod recorder;
mod refusal;
mod requests;
mod scope;
mod told;
mod watch_backoff;
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
pub use reach::ReachError;
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

/// The error's text as client-go prints it: the API server's own message where it sent one, and otherwise why none came.
pub fn message_of(error: &::kube::Error) -> String {
    match error {
        ::kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        ::kube::Error::Service(_) | ::kube::Error::HyperError(_) => {
            let cause = cause_of(error);
            if cause.starts_with(limits::NO_ANSWER) {
                cause
            } else {
                format!("{}: {cause}", limits::NO_ANSWER)
            }
        }
        other => other.to_string(),
    }
}

/// The innermost cause, which tells most: those around it say no more than that something failed.
fn cause_of(error: &::kube::Error) -> String {
    let mut cause: &(dyn std::error::Error + 'static) = error;
    while let Some(inner) = within(cause) {
        cause = inner;
    }
    let tls = cause.downcast_ref::<rustls::Error>();
    let plain = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
    if tls == Some(&plain) {
        // What came is nothing of TLS. Go's words (net/http, `transport.go`).
        return "server gave HTTP response to HTTPS client".to_owned();
    }
    cause.to_string()
}

/// The cause of an error; an `io::Error` passes over what it holds itself.
fn within<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a (dyn std::error::Error + 'static)> {
    let held = error
        .downcast_ref::<std::io::Error>()
        .and_then(|error| error.get_ref());
    held.map(|held| held as _).or_else(|| error.source())
}
