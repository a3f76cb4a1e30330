//! The crate against scripted servers (`conversation`), and against a real API server (`cluster`).

mod cluster;
mod conversation;
