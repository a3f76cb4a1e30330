//! Versions and ranges as Flux reads them: with the leniencies of Masterminds/semver 3.5, whose rules these are.

mod constraint;
mod version;

pub use constraint::Constraint;
pub use constraint::ConstraintError;
pub use version::Version;
