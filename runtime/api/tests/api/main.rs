//! The types against stock objects, and their definitions against upstream's.

mod definitions;
mod names;
mod objects;
mod upstream;
