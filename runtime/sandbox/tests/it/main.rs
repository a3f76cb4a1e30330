//! The sandbox from outside: built-ins through the files that `cargo xtask plugins` makes.

mod builtins;
mod drift;
mod examples;
mod fuzz;
mod remotes;
#[path = "../shared/tree.rs"]
mod tree;
