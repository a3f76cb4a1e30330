//! Tests of the crate from outside: against the Go libraries' own output, at the limits, and with random text.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cases;
mod corpus;
mod edit;
mod limits;
mod random;
