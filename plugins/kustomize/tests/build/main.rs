//! Builds every case of `cases/` and compares with what kustomize v5.8.1 made of it, and the ways in which Flux
//! builds with what it is known to do.

mod cases;
mod damage;
mod encodings;
mod flux;
mod fuzz;
mod limits;
mod memory_files;
mod oracle;
mod secrecy;
