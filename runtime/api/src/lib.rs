//! The custom resources: specs, statuses, conditions, reasons, annotations.
//!
//! Field names, defaults and validation are Flux's, so that a stock manifest means here what it means there.
//! Reading is tolerant, as Go's is: a missing field is its zero value and an unknown word of an enumeration stays text
//! with an accessor beside it, since one odd object must not make a whole list or watch fail.
//! This crate never does I/O and sends no request.

#![warn(missing_docs)]

mod artifact;
mod condition;
mod definition;
mod duration;
mod git_repository;
mod history;
mod inventory;
mod kustomization;
pub mod meta;
mod names;
mod reference;
mod resource;
mod source;
mod time;

pub use artifact::Artifact;
pub use condition::Condition;
pub use condition::ConditionStatus;
pub use condition::Conditions;
pub use definition::Labels;
pub use definition::all_definitions;
pub use definition::custom_resource_definition;
pub use duration::Duration;
pub use duration::DurationError;
pub use git_repository::GitRepository;
pub use git_repository::GitRepositoryInclude;
pub use git_repository::GitRepositoryRef;
pub use git_repository::GitRepositorySpec;
pub use git_repository::GitRepositoryStatus;
pub use git_repository::GitRepositoryVerification;
pub use history::History;
pub use history::Snapshot;
pub use inventory::Inventory;
pub use inventory::InventoryEntry;
pub use kustomization::BuildMetadata;
pub use kustomization::CommonMetadata;
pub use kustomization::CustomHealthCheck;
pub use kustomization::Decryption;
pub use kustomization::DeletionPolicy;
pub use kustomization::IgnoreRule;
pub use kustomization::Image;
pub use kustomization::Kustomization;
pub use kustomization::KustomizationSpec;
pub use kustomization::KustomizationStatus;
pub use kustomization::Patch;
pub use kustomization::PostBuild;
pub use kustomization::Selector;
pub use kustomization::SubstituteReference;
pub use kustomization::SubstituteStrategy;
pub use names::InvalidName;
pub use reference::CrossNamespaceSourceReference;
pub use reference::DependencyReference;
pub use reference::KubeConfigReference;
pub use reference::LocalObjectReference;
pub use reference::NamespacedObjectKindReference;
pub use reference::SecretKeyReference;
pub use resource::Column;
pub use resource::CustomResource;
pub use resource::ReconcileStatus;
pub use source::SourceKind;
pub use source::SourceObject;
pub use source::SourceStatus;
pub use time::Time;
