//! `cargo xtask lint`: formatting, clippy, documentation, generated files, and the rules of this repository.

use std::process::Command;

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
    check("doc", &|| {
        let mut command = workspace.cargo();
        // The selection of clippy: what that compiled serves here too.
        command.args(["doc", "--workspace", "--no-deps", "--quiet"]);
        command.env("RUSTDOCFLAGS", "--deny warnings");
        step::run(command.envs(ready.environment()))
    });
    // Its licences and bans are those that tidy checks, for all crates there are. It is no tool that tests need.
    if step::succeeds("cargo-deny", &["--version"]) {
        check("cargo-deny", &|| {
            let mut command = Command::new("cargo-deny");
            command.current_dir(&workspace.root);
            step::run(command.args([
                "--offline",
                "--log-level=error",
                "check",
                "bans",
                "licenses",
                "sources",
            ]))
        });
    } else {
        step::note("no cargo-deny: of deny.toml only what tidy reads is checked");
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}
