//! The types against stock objects, and their definitions against upstream's.

mod definitions;
mod objects;
mod upstream;
