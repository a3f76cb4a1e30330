//! What a guest can call, interface by interface.

#[expect(
    unreachable_pub,
    reason = "the generated bindings re-export the handles"
)]
pub(crate) mod inputs;
pub(crate) mod logging;
#[expect(
    unreachable_pub,
    reason = "the generated bindings re-export the handles"
)]
pub(crate) mod outputs;
#[expect(
    unreachable_pub,
    reason = "the generated bindings re-export the handles"
)]
pub(crate) mod pairs;
pub(crate) mod questions;
pub(crate) mod services;
pub(crate) mod wasi;
