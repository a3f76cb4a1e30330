//! Where things are: from `cargo metadata` and the environment.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::step;

/// The workspace that this program was built from.
pub(crate) struct Workspace {
    /// Folder of the root `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds.
    pub(crate) target: PathBuf,
    /// `cargo metadata --no-deps`.
    pub(crate) metadata: Value,
}

impl Workspace {
    pub(crate) fn load() -> anyhow::Result<Workspace> {
        // At the root: inside of a package that one would be the only default member.
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = own.ancestors().nth(2);
        let mut command = cargo(root.context("the folder of this crate has no parents")?);
        command.args(["metadata", "--no-deps", "--format-version=1"]);
        let metadata: Value = serde_json::from_str(&step::output(&mut command)?)
            .context("output of cargo metadata")?;
        let path = |key: &str| {
            metadata[key]
                .as_str()
                .map(PathBuf::from)
                .with_context(|| format!("cargo metadata has no {key}"))
        };
        Ok(Workspace {
            root: path("workspace_root")?,
            target: path("target_directory")?,
            metadata,
        })
    }

    /// A cargo command in the workspace.
    pub(crate) fn cargo(&self) -> Command {
        cargo(&self.root)
    }

    /// Names of the packages that are built for wasm32 only: components and examples.
    pub(crate) fn components(&self) -> anyhow::Result<Vec<&str>> {
        let folders = ["plugins/components", "examples/plugins"].map(|name| self.root.join(name));
        let packages = self.metadata["packages"]
            .as_array()
            .context("cargo metadata has no packages")?;
        Ok(packages
            .iter()
            .filter(|package| {
                package["manifest_path"].as_str().is_some_and(|path| {
                    folders
                        .iter()
                        .any(|folder| Path::new(path).starts_with(folder))
                })
            })
            .filter_map(|package| package["name"].as_str())
            .collect())
    }

    /// The corpora and benches that lie beside the clone on some machines.
    pub(crate) fn shared(&self) -> Option<PathBuf> {
        let path = self.root.parent()?.join("shared");
        path.join("conformance").is_dir().then_some(path)
    }

    /// A program that cargo built in profile `folder` (`debug`, `release`).
    pub(crate) fn program(&self, folder: &str, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.target.join(folder).join(name);
        ensure!(path.is_file(), "cargo built no {}", path.display());
        Ok(path)
    }
}

fn cargo(folder: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(folder);
    command
}
