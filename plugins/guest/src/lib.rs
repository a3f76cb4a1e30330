//! SDK for Tidegate plugins written in Rust.
//!
//! A plugin is one type that implements [`Renderer`], [`Transformer`], [`Validator`] or [`Comparer`], and one line
//! that exports it:
//!
//! ```
//! use tidegate_guest::{Description, Failure, Format, Renderer, Request, Role, Sink, failure};
//!
//! struct Hello;
//!
//! impl Renderer for Hello {
//!     fn describe() -> Description {
//!         tidegate_guest::describe!("Greets.")
//!     }
//!
//!     fn render(request: &Request, sink: &Sink) -> Result<(), Failure> {
//!         let source = request.source().ok_or_else(|| failure::internal("no source"))?;
//!         let text = source.read("hello.yaml").map_err(|error| failure::read("hello.yaml", error))?;
//!         sink.emit(Role::Manifest, Format::Yaml, &text, None).map_err(failure::closed)
//!     }
//! }
//!
//! tidegate_guest::export_renderer!(Hello);
//! # fn main() {}
//! ```
//!
//! Build it as a `cdylib` for `wasm32-unknown-unknown` (no import but Tidegate's) or `wasm32-wasip2`: what std asks
//! for there is sealed by the host. `examples/plugins` has a plugin of each kind.
#![warn(missing_docs)]

/// Of every plugin that is made with this crate. One guest has one thread, and lives for one call.
#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator::new();

#[cfg(target_family = "wasm")]
mod allocator;
pub mod bindings;
mod export;
pub mod failure;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod memory;
mod panic;

pub use bindings::imports::tidegate::plugin::clock;
pub use bindings::imports::tidegate::plugin::inputs::Entry;
pub use bindings::imports::tidegate::plugin::inputs::EntryKind;
pub use bindings::imports::tidegate::plugin::inputs::Manifest;
pub use bindings::imports::tidegate::plugin::inputs::ReadError;
pub use bindings::imports::tidegate::plugin::inputs::Request;
pub use bindings::imports::tidegate::plugin::inputs::Tree;
pub use bindings::imports::tidegate::plugin::inputs::ValueLayer;
pub use bindings::imports::tidegate::plugin::logging;
pub use bindings::imports::tidegate::plugin::outputs::Role;
pub use bindings::imports::tidegate::plugin::outputs::Sink;
pub use bindings::imports::tidegate::plugin::outputs::SinkError;
pub use bindings::imports::tidegate::plugin::pairs::Pair;
pub use bindings::imports::tidegate::plugin::pairs::Upkeep;
pub use bindings::imports::tidegate::plugin::pairs::Verdict;
pub use bindings::imports::tidegate::plugin::random;
pub use bindings::imports::tidegate::plugin::sources;
pub use bindings::imports::tidegate::plugin::types::Description;
pub use bindings::imports::tidegate::plugin::types::Diagnostic;
pub use bindings::imports::tidegate::plugin::types::Failure;
pub use bindings::imports::tidegate::plugin::types::Location;
pub use bindings::imports::tidegate::plugin::types::ManifestFormat as Format;
pub use bindings::imports::tidegate::plugin::types::ObjectId;
pub use bindings::imports::tidegate::plugin::types::Severity;
pub use panic::install_panic_hook;

/// Files in, manifests out.
pub trait Renderer {
    /// What the plugin says of itself; [`describe!`] fills it from the package.
    fn describe() -> Description;
    /// Reads from `request.source()` and emits each manifest into `sink`.
    fn render(request: &Request, sink: &Sink) -> Result<(), Failure>;
}

/// Manifests in, manifests out.
pub trait Transformer {
    /// What the plugin says of itself.
    fn describe() -> Description;
    /// Emits or keeps every one of `request.manifests()` that shall survive.
    fn transform(request: &Request, sink: &Sink) -> Result<(), Failure>;
}

/// Manifests in, diagnostics out.
pub trait Validator {
    /// What the plugin says of itself.
    fn describe() -> Description;
    /// Reports what it finds; the sink takes nothing else.
    fn validate(request: &Request, sink: &Sink) -> Result<(), Failure>;
}

/// Judges live objects against desired ones.
pub trait Comparer {
    /// What the plugin says of itself.
    fn describe() -> Description;
    /// Calls `judge` on each pair, and `leave` for what is to stay as it is. Without pairs it is to tell whether the
    /// configuration can be used.
    fn compare(request: &Request, pairs: Vec<Pair>) -> Result<(), Failure>;
}
