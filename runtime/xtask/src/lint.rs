//! `cargo xtask lint`: formatting, clippy, generated files, and the rules of this repository.

use anyhow::ensure;

use crate::workspace::Workspace;
use crate::{codegen, setup, step, tidy};

/// Runs all of them and names those that fail.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let ready = setup::run(workspace)?;
    let mut failed = Vec::new();
    let mut check = |name: &'static str, work: &dyn Fn() -> anyhow::Result<()>| {
        if let Err(error) = step::timed(name, work) {
            step::failed(&error);
            failed.push(name);
        }
    };
    check("fmt", &|| {
        step::run(workspace.cargo().args(["fmt", "--all", "--check"]))
    });
    check("tidy", &|| tidy::run(workspace));
    check("codegen", &|| codegen::run(&workspace.root, true));
    check("clippy", &|| {
        let mut command = workspace.cargo();
        command.args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "--deny",
            "warnings",
        ]);
        step::run(command.envs(ready.environment()))
    });
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}
