//! Scenarios against the real program and a real API server: one folder of `cases/` each, no Rust needed for a new one.
//! README.md describes their form.

mod artifacts;
mod engines;
mod expect;
mod fill;
mod matching;
mod metrics;
mod play;
mod scenario;
mod world;

use std::path::PathBuf;

use anyhow::Context;

pub use play::play;
pub use scenario::Scenario;
pub use world::Worlds;

/// The folders of all cases, sorted.
pub fn cases() -> anyhow::Result<Vec<PathBuf>> {
    let folder = tidegate_testkit::workspace_root().join("tests/cases");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.join("scenario.yaml").is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
