//! Drift: does a live object differ from what is wanted of it, and what of that is to be left alone.
//!
//! Pure: objects and rules come in as JSON, verdicts with JSON pointers (RFC 6901) go out. The rules
//! are Flux's (fluxcd/pkg, `ssa/manager_apply.go`, `ssa/manager_diff.go`, `ssa/jsondiff`): labels,
//! annotations and all that is neither metadata nor status counts.

mod compare;
mod difference;
mod error;
mod left_alone;
mod managed_fields;
mod ownership;
mod pointer;
mod read;
mod rules;

pub use compare::{Judgement, Pair, Verdict, compare};
pub use error::Error;
pub use left_alone::Upkeep;
pub use pointer::Pointer;
pub use read::without_managed_fields;
pub use rules::Rules;
