//! Trees and plain data to text: libyaml's emitter as the two versions of go-yaml have it.

pub(crate) mod analysis;
pub(crate) mod order;
mod scalar;
pub(crate) mod v2;
pub(crate) mod v3;
pub(crate) mod writer;
