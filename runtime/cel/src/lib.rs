//! Boolean expressions of users in CEL: is a dependency ready, is an object healthy.
//!
//! The one crate that names the CEL library. Behaviour is that of cel-go as Flux sets it up
//! (fluxcd/pkg, `runtime/cel`): the standard library with optional values and the extensions for
//! strings, sets and encoders. Evaluation is bounded. Nothing of the cluster here.

mod budget;
mod check;
mod environment;
mod error;
mod expression;
mod health;
mod value;

pub use error::Error;
pub use expression::Expression;
pub use health::{HealthExpressions, HealthRules, Verdict};
