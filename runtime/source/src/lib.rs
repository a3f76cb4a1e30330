//! The API group `source.toolkit.fluxcd.io`: one folder per kind.

mod git_repository;
mod summary;

pub use git_repository::Inputs;
pub use git_repository::Outcome;
pub use git_repository::Plan;
pub use git_repository::Reconciler as GitRepositories;
