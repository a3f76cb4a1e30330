//! Flux's post-build substitution: variables in the text of built manifests.
//!
//! Pure: values and manifests come in, manifests go out. Where the values come from, and who may
//! read them, is the caller's business.

mod error;
mod expression;
mod manifest;
mod variables;

pub use error::{Error, Problem};
pub use expression::{ExpressionError, MAX_DEPTH, Meter, Template};
pub use manifest::{Manifest, Options, Outcome, substitute};
pub use variables::Variables;
