//! Git remotes: finding out where a reference stands, and fetching its commit as a [`tidegate_values::Tree`].
//!
//! There is never a work tree and never a checkout: objects come as one pack into a scratch folder, and the tree is
//! read from there. So no hook, filter or configuration of anybody's is in play. Everything blocks; [`Budget`] bounds
//! the time and cancels. [`RemoteBases`] opens what a kustomization names by URL.

mod budget;
mod checkout;
mod commit;
mod error;
mod http;
mod limits;
mod locator;
mod objects;
mod reference;
mod remote;
mod remote_bases;
mod scratch;
mod semver;
mod session;
mod ssh;
mod submodules;
mod tree;
mod wire;

pub use budget::Budget;
pub use checkout::Checkout;
pub use checkout::Options;
pub use checkout::Outcome;
pub use checkout::checkout;
pub use checkout::resolve;
pub use commit::Commit;
pub use commit::Person;
pub use commit::Tag;
pub use error::Error;
pub use error::Failure;
pub use limits::Limits;
pub use locator::Locator;
pub use locator::LocatorError;
pub use reference::Reference;
pub use reference::Revision;
pub use remote::Credentials;
pub use remote::Remote;
pub use remote_bases::RemoteBases;
pub use scratch::clear_scratch;
pub use semver::Constraint;
pub use semver::ConstraintError;
pub use semver::Version;
pub use ssh::SshAlgorithms;
pub use ssh::UnknownAlgorithm;
pub use ssh::wants_passphrase;
pub use tree::GitTree;
