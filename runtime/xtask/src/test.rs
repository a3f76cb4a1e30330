//! `cargo xtask test`: sets everything up, runs cargo's tests, then the corpora where they are.

mod corpora;

use std::path::Path;

use anyhow::ensure;

use crate::setup::Ready;
use crate::workspace::Workspace;
use crate::{chart, conformance, setup, step};

/// Everything.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let ready = setup::run(workspace)?;
    let tidegate = build(workspace, &ready)?;
    let mut failed = Vec::new();
    let mut record = |name: &'static str, result: anyhow::Result<()>| {
        if let Err(error) = result {
            step::failed(&error);
            failed.push(name);
        }
    };
    record(
        "cargo test",
        step::timed("cargo test", || cargo_test(workspace, &ready, &tidegate)),
    );
    record(
        "chart",
        step::timed("chart", || chart::check(&workspace.root)),
    );
    record(
        "chart on a cluster",
        step::timed("chart on a cluster", || {
            chart::check_on_cluster(&workspace.root, &tidegate)
        }),
    );
    match workspace.shared() {
        Some(shared) => {
            record(
                "kustomize corpus",
                step::timed("kustomize corpus", || {
                    conformance::kustomize(workspace, &shared, &tidegate, None)?.judge()
                }),
            );
            record(
                "behaviour corpus",
                step::timed("behaviour corpus", || {
                    corpora::behaviour(workspace, &shared, &ready, &tidegate)
                }),
            );
        }
        None => step::note("no folder ../shared: its corpora (kustomize, behaviour) are not run"),
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

/// Builds all tests, and the program with the same features: one compilation of each dependency serves both.
fn build(workspace: &Workspace, ready: &Ready) -> anyhow::Result<std::path::PathBuf> {
    step::timed("building the tests", || {
        step::run(
            workspace
                .cargo()
                .args(["test", "--no-run", "--quiet"])
                .envs(ready.environment()),
        )
    })?;
    step::timed("building tidegate", || {
        step::run(
            workspace
                .cargo()
                .args(["build", "--quiet", "--bins"])
                .envs(ready.environment()),
        )
    })?;
    workspace.program("debug", "tidegate")
}

fn cargo_test(workspace: &Workspace, ready: &Ready, tidegate: &Path) -> anyhow::Result<()> {
    let mut command = workspace.cargo();
    command.args(["test", "--no-fail-fast"]);
    step::run(
        command
            .envs(ready.environment())
            .env("TIDEGATE_BIN", tidegate),
    )
}
