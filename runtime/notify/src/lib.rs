//! Events for receivers outside of the cluster's API: POSTs to Flux's notification-controller, or to whatever
//! `--events-addr` names (fluxcd/pkg, `runtime/events/recorder.go`).
//!
//! Posting happens in the background: no reconcile ever waits for a receiver.

mod body;
mod delivery;
mod poster;

pub use delivery::Retries;
pub use poster::Address;
pub use poster::AddressError;
pub use poster::Posted;
pub use poster::Poster;
