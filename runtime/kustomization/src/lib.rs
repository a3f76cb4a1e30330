//! The API group `kustomize.toolkit.fluxcd.io`.

mod build;
mod identity;
mod kustomization;
mod memory;
pub mod refusal;
mod repairs;
mod secrets;
mod settings;
mod start;
mod triggers;
mod variables;

pub use build::WITHOUT_WORKER;
pub use kustomization::Inputs;
pub use kustomization::Outcome;
pub use kustomization::Plan;
pub use kustomization::Plugins;
pub use kustomization::Reconciler;
pub use kustomization::plan::Substitution;
pub use kustomization::plan::build_config;
pub use settings::DriftRepair;
pub use settings::Settings;
pub use start::Parts;
pub use start::start;
pub use variables::Variables;
pub use variables::load as load_variables;
