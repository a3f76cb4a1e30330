//! The API group `kustomize.toolkit.fluxcd.io`.

mod build;
mod kustomization;
mod memory;
mod settings;
mod start;
mod triggers;
mod variables;

pub use kustomization::Inputs;
pub use kustomization::Outcome;
pub use kustomization::Plan;
pub use kustomization::Plugins;
pub use kustomization::Reconciler;
pub use settings::DriftRepair;
pub use settings::Settings;
pub use start::Parts;
pub use start::start;
