//! Scenarios against the real program and a real API server: one folder of `cases/` each, no Rust needed for a new one.
//! README.md describes their form.

mod artifacts;
mod engines;
mod expect;
mod fill;
mod leaks;
mod matching;
mod metrics;
mod play;
mod plugins;
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

#[cfg(test)]
mod tests {
    #[test]
    fn the_readme_names_every_case() {
        let path = tidegate_testkit::workspace_root().join("tests/README.md");
        let readme = std::fs::read_to_string(path).expect("tests/README.md is there");
        for folder in super::cases().expect("the cases are there") {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            assert!(
                readme.contains(&format!("| `{name}`")) || readme.contains(&format!(", `{name}`")),
                "tests/README.md does not say what the case {name} covers"
            );
        }
    }
}
