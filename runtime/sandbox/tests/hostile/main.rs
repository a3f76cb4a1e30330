//! Hostile plugins against the real host. Each must end with a named error, in bounded time and memory, while a good
//! plugin that runs beside it gives the same as ever.
//!
//! A case is a file in `cases/`: a core module as a compiler could have made it, and above it what must happen.
//! Numbers are those of the list in `cases/README.md`.

mod artifact;
mod bombs;
mod case;
mod compare;
mod compiled;
mod component;
#[path = "../shared/harness.rs"]
mod harness;
mod kept;
mod limits;
mod meter;
mod neighbour;
mod paths;
mod state;
mod suite;
#[path = "../shared/tree.rs"]
mod tree;
