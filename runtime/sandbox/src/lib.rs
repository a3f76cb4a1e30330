//! Compiles, limits and calls plugins.
//!
//! A plugin is a WebAssembly component of the contract in `wit/`. Whatever it does, a call ends in bounded time and
//! memory, with a [`CallReport`] that says what it gave, what it asked for, and what it used. A guest never gets a
//! file, a socket, a clock or another call's data: only what is in its [`Call`]. This crate opens no connection and
//! reads no file but compiled plugins; trees and remotes are traits that others implement.
//!
//! Calls block. A thread that makes one needs a stack of 2 MiB.

mod bindings;
mod builtin;
mod cache;
mod call;
mod compiled;
mod drift;
mod engine;
mod error;
mod gate;
mod host;
mod inspect;
mod limits;
mod observe;
mod plugin;
mod remotes;
mod sandbox;
mod state;
mod ticker;
mod trace;
mod world;

pub use builtin::PLUGINS_DIR;
pub use builtin::builtin_compatibility;
pub use builtin::holds_builtins;
pub use builtin::write_builtins;
pub use call::Attachment;
pub use call::Call;
pub use call::CallReport;
pub use call::Diagnostic;
pub use call::Emission;
pub use call::Format;
pub use call::Location;
pub use call::LogLevel;
pub use call::LogLine;
pub use call::Manifest;
pub use call::ObjectId;
pub use call::Role;
pub use call::Severity;
pub use call::Usage;
pub use call::ValueLayer;
pub use error::Error;
pub use error::Failure;
pub use limits::Class;
pub use limits::Limit;
pub use limits::Limits;
pub use observe::Ended;
pub use observe::Observe;
pub use plugin::Description;
pub use plugin::PluginPre;
pub use sandbox::CompiledCodeFolder;
pub use sandbox::Grants;
pub use sandbox::Sandbox;
pub use sandbox::SandboxConfig;
pub use trace::Answer;
pub use trace::Fingerprint;
pub use trace::Question;
pub use trace::Trace;
pub use trace::TreeName;
pub use world::World;
