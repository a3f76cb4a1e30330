//! The sandbox from outside: built-ins through the files that `cargo xtask plugins` makes, and hostile plugins.

mod builtins;
#[path = "../shared/tree.rs"]
mod tree;
