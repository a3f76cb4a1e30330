//! Staged server-side apply, pruning, and reads of live objects, as Flux does them and with fewer requests.
//!
//! What was last applied is remembered by digest ([`Previous`]): an object that is wanted as before, and that nobody
//! touched, is not asked for. Requests go out as the account of the client that is handed in.
//!
//! This crate renders nothing, watches nothing, and knows no custom resource of ours or of Flux's;
//! the caller turns outcomes into statuses and events.

#![warn(missing_docs)]

mod apply;
mod change;
mod cleanup;
mod error;
/// What an owner has applied, as its status lists it.
pub mod inventory;
mod live;
mod mapper;
mod memory;
mod normalize;
mod object;
mod order;
mod parts;
mod polling;
mod prune;
mod request;
mod schema;
mod waiting;

pub use apply::DryRunMode;
pub use apply::Outcome;
pub use apply::Settings;
pub use apply::apply;
pub use apply::prepare;
pub use change::Action;
pub use change::Change;
pub use change::ChangeSet;
pub use error::Error;
pub use error::RequestError;
pub use inventory::Inventory;
pub use live::identify;
pub use live::read_live;
pub use live::read_one;
pub use live::read_pods;
pub use mapper::Mapper;
pub use mapper::Resource;
pub use memory::Applied;
pub use memory::Previous;
pub use memory::live_digest;
pub use object::Object;
pub use object::Owner;
pub use object::flatten;
pub use object::is_kustomization_file;
pub use order::compare;
pub use order::parse_kinds;
pub use prune::Pruned;
pub use prune::prune;
pub use prune::wait_for_termination;
pub use waiting::IdleWaiter;
pub use waiting::Wait;
pub use waiting::Waiter;

#[cfg(test)]
mod tests;
