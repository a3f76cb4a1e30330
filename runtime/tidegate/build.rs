//! Links the program at a fixed address.
//!
//! The loader of a position-independent program of this size writes 90,000 addresses into 500 pages before `main`,
//! which is a third of the time that a small `tidegate kustomize` takes. Stack, heap, libraries and the memory of
//! plugins stay at random addresses.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let linux = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux");
    let gnu = std::env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu");
    if linux && gnu {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
