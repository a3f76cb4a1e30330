//! What the capabilities exchange: plain data, and the traits that some of them implement and others take.
//!
//! This crate never does I/O and knows no client. `artifact`, `kube` and `git` implement its traits;
//! `sandbox` and `apply` take them as `&dyn`. So no capability has to name another.

mod digest;
mod drift;
mod event;
mod name;
mod object_ref;
mod redact;
mod secret;
mod tree;
mod tree_index;
mod url;

pub use digest::Digest;
pub use digest::DigestError;
pub use drift::Comparison;
pub use drift::DriftCheck;
pub use drift::DriftCheckError;
pub use drift::FieldOwner;
pub use drift::Judgement;
pub use drift::Pair;
pub use drift::Upkeep;
pub use drift::Verdict;
pub use drift::last_manager;
pub use event::Event;
pub use event::Severity;
pub use name::NameError;
pub use name::NameRule;
pub use name::path_complaints;
pub use object_ref::ObjectRef;
pub use redact::Redactor;
pub use secret::Secret;
pub use tree::Entry;
pub use tree::EntryKind;
pub use tree::ReadError;
pub use tree::RemoteError;
pub use tree::RemoteSource;
pub use tree::Tree;
pub use tree_index::PathError;
pub use tree_index::TreeIndex;
pub use tree_index::check_depth;
pub use url::SafeUrl;
pub use url::without_url_users;
