//! Records anew what the real tools print for the cases of the engines.

use std::path::PathBuf;
use std::process::Command;

use anyhow::ensure;

use crate::workspace::Workspace;
use crate::{step, tools};

/// The version that Flux builds with.
const KUSTOMIZE: &str = "sigs.k8s.io/kustomize/kustomize/v5@v5.8.1";

/// Installs kustomize where the workspace builds, and writes its output into the cases of plugins/kustomize. The cases
/// are then played, so what differs from ours is told.
pub(crate) fn kustomize(workspace: &Workspace) -> anyhow::Result<()> {
    let program = install(workspace)?;
    let mut test = workspace.cargo();
    test.args(["test", "--package", "tidegate-kustomize", "--test", "build"])
        .args(["--", "cases_give_what_kustomize_gives"])
        .env("TIDEGATE_KUSTOMIZE", program);
    step::timed("cases of kustomize", || step::run(&mut test))
}

/// The real kustomize, built where the workspace builds.
pub(crate) fn install(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let folder = workspace.target.join("oracle");
    let program = folder.join("kustomize");
    if !program.is_file() {
        let mut install = Command::new(tools::go()?);
        install.args(["install", KUSTOMIZE]).env("GOBIN", &folder);
        step::timed("kustomize", || step::run(&mut install))?;
        ensure!(program.is_file(), "go left no {}", program.display());
    }
    Ok(program)
}
