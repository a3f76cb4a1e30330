//! Kubernetes objects as YAML trees: what identifies them, where their fields are, how patches change them, and in
//! which order they are written. Behaviour is kustomize's (v5.8.1), to the byte.
//!
//! Knows nothing of files, kustomizations or clusters, and keeps no state outside of its values.

#![warn(missing_docs)]

mod error;
mod field_spec;
mod id;
mod json_patch;
mod label_selector;
mod lookup;
mod order;
mod path;
mod schema;
mod scope;
mod selector;
mod strategic_merge;
mod tree;

pub use error::{Error, ErrorKind};
pub use field_spec::FieldSpec;
pub use id::{Gvk, NOT_A_NAMESPACE, ObjectId, parse_api_version};
pub use json_patch::JsonPatch;
pub use label_selector::LabelSelector;
pub use lookup::{Matches, Position, at_mut, find, find_all};
pub use order::{LegacyKey, ORDER_FIRST, ORDER_LAST};
pub use path::{split_dotted_path, split_path};
pub use schema::{CustomSchema, MergeKeys, Schema, TypeSchema};
pub use scope::is_cluster_scoped;
pub use selector::{FreePattern, Pattern, Selector, SelectorPatterns};
pub use strategic_merge::strategic_merge;
pub use tree::{Kind, Node, Tree, wrong_kind};
