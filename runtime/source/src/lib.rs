//! The API group `source.toolkit.fluxcd.io`: one folder per kind, and a line for it in [`start()`].

mod draft;
pub mod git_repository;
mod start;
mod summary;

pub use start::Parts;
pub use start::start;
