//! `cargo xtask tidy`: the rules of this repository that no other tool checks.

mod deny;
mod layers;
mod licences;
mod manifests;
mod sources;

use std::process::Command;

use anyhow::{Context, ensure};

use crate::step;
use crate::workspace::Workspace;

/// Files that every clone has.
const REQUIRED: &[&str] = &[
    ".ci/run",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "LICENSE",
    "README.md",
    "deny.toml",
    "rust-toolchain.toml",
    "tests/controlplane/go.sum",
];

/// Checks everything; the error lists all that is wrong.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let mut files = Command::new("git");
    files.current_dir(&workspace.root).args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let files = step::output(&mut files)?;
    // A file that was removed and not yet committed is still listed.
    let files: Vec<&str> = files
        .lines()
        .filter(|path| workspace.root.join(path).is_file())
        .collect();

    let mut problems: Vec<String> = REQUIRED
        .iter()
        .filter(|path| !files.contains(path))
        .map(|path| format!("{path}: is missing"))
        .collect();
    for path in &files {
        let Ok(text) = std::fs::read_to_string(workspace.root.join(path)) else {
            continue;
        };
        problems.extend(sources::check(path, &text));
        if path.ends_with("Cargo.toml") && *path != "Cargo.toml" {
            problems.extend(manifests::check(path, &text));
        }
    }
    problems.extend(manifests::check_default_members(workspace)?);
    let path = workspace.root.join("deny.toml");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let deny = deny::Deny::read(&text)?;
    let packages = layers::Package::all(workspace)?;
    problems.extend(layers::check(&packages, &deny));
    problems.extend(licences::check(&dependencies(workspace)?, &deny));
    ensure!(
        problems.is_empty(),
        "not tidy:\n  {}",
        problems.join("\n  ")
    );
    Ok(())
}

/// `cargo metadata` with every dependency.
fn dependencies(workspace: &Workspace) -> anyhow::Result<serde_json::Value> {
    let mut command = workspace.cargo();
    command.args(["metadata", "--format-version=1", "--locked"]);
    serde_json::from_str(&step::output(&mut command)?).context("output of cargo metadata")
}
