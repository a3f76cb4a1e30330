//! kustomize, built on plain data: files come in through a trait, objects go out as the bytes that kustomize v5.8.1
//! writes. No clock, environment, network or state outside of a build, so that it runs in a sandbox.
//!
//! [`build`] is the way in. Inside, `accumulate` walks the kustomizations, `generators` and `transformers` do the
//! work of single fields, and `build` finishes what comes once at the end.

mod accumulate;
mod build;
mod config;
mod decode;
mod error;
mod files;
mod generators;
mod kustomization;
mod loader;
mod options;
mod origin;
mod overrides;
mod paths;
mod plain_folder;
mod plugins;
mod repository;
mod resource;
mod resource_set;
mod secrecy;
mod secure_files;
mod session;
mod transformers;
mod unwritable;

pub use build::{Build, BuiltResource, build};
pub use error::{Error, ErrorKind};
pub use files::{Entry, FileError, FileType, Files, Remote};
pub use loader::LoadRestrictor;
pub use options::{Options, OverrideImage, OverridePatch, Overrides, Reorder};
pub use repository::{NotARepository, RepositorySpec};
pub use secure_files::SecureFiles;
pub use tidegate_object::{Gvk, ObjectId, Selector};
