//! `cargo xtask test`: sets everything up, runs cargo's tests, then the corpora where they are.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::setup::Ready;
use crate::workspace::Workspace;
use crate::{chart, setup, step, tools};

const BEHAVIOUR_JOBS: &str = "8";

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
                    kustomize(workspace, &shared, &tidegate)
                }),
            );
            record(
                "behaviour corpus",
                step::timed("behaviour corpus", || {
                    behaviour(workspace, &shared, &ready, &tidegate)
                }),
            );
        }
        None => step::note("no folder ../shared: its corpora (kustomize, behaviour) are not run"),
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

/// The arguments that select what runs on this machine: the components are for wasm32 only.
fn native(workspace: &Workspace) -> anyhow::Result<Vec<String>> {
    let components = workspace.components()?;
    Ok(std::iter::once("--workspace".to_owned())
        .chain(components.iter().map(|name| format!("--exclude={name}")))
        .collect())
}

/// Builds all tests, and the program with the same features: one compilation of each dependency serves both.
fn build(workspace: &Workspace, ready: &Ready) -> anyhow::Result<std::path::PathBuf> {
    let native = native(workspace)?;
    step::timed("building the tests", || {
        step::run(
            workspace
                .cargo()
                .args(["test", "--no-run", "--quiet"])
                .args(&native)
                .envs(ready.environment()),
        )
    })?;
    step::timed("building tidegate", || {
        step::run(
            workspace
                .cargo()
                .args(["build", "--quiet", "--bins"])
                .args(&native)
                .envs(ready.environment()),
        )
    })?;
    workspace.program("debug", "tidegate")
}

fn cargo_test(workspace: &Workspace, ready: &Ready, tidegate: &Path) -> anyhow::Result<()> {
    let mut command = workspace.cargo();
    command
        .args(["test", "--no-fail-fast"])
        .args(native(workspace)?);
    step::run(
        command
            .envs(ready.environment())
            .env("TIDEGATE_BIN", tidegate),
    )
}

/// The byte-for-byte corpus of kustomize. What fails must be listed, and what is listed must fail: the list only shrinks.
fn kustomize(workspace: &Workspace, shared: &Path, tidegate: &Path) -> anyhow::Result<()> {
    tools::corpus_runners()?;
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let json = folder.path().join("results.json");
    let mut command = Command::new("python3");
    command
        .arg(shared.join("conformance/run_kustomize.py"))
        .current_dir(&workspace.root);
    command.arg("--cmd").arg(format!(
        "{} kustomize {{flags}} {{dir}}",
        tidegate.display()
    ));
    command.args(["-j", "2", "--top", "0", "--json"]).arg(&json);
    command
        .arg("--fail-list")
        .arg(folder.path().join("failing.txt"));
    // It ends with 1 as long as any case fails: what counts is judged below.
    let _ = command.output().context("python3")?;
    let results: Vec<Value> = serde_json::from_str(
        &std::fs::read_to_string(&json).context("run_kustomize.py wrote no results")?,
    )?;
    let name = |result: &Value| result["name"].as_str().unwrap_or_default().to_owned();
    let failing: BTreeSet<String> = results
        .iter()
        .filter(|result| result["ok"] != true)
        .map(name)
        .collect();
    let listed = list(&workspace.root.join("tests/kustomize.failing.txt"))?;
    step::note(&format!(
        "kustomize corpus: {} of {} pass",
        results.len() - failing.len(),
        results.len()
    ));
    let new: Vec<&str> = failing.difference(&listed).map(String::as_str).collect();
    let healed: Vec<&str> = results
        .iter()
        .filter(|result| result["ok"] == true)
        .filter_map(|result| result["name"].as_str())
        .filter(|name| listed.contains(*name))
        .collect();
    if !new.is_empty() {
        bail!(
            "kustomize corpus: {} cases fail that passed:\n  {}",
            new.len(),
            new.join("\n  ")
        );
    }
    if !healed.is_empty() {
        bail!(
            "kustomize corpus: {} cases pass now, strike them from tests/kustomize.failing.txt:\n  {}",
            healed.len(),
            healed.join("\n  ")
        );
    }
    Ok(())
}

/// The records of what Flux does, played against tidegate: those cases that tests/behaviour.txt lists.
fn behaviour(
    workspace: &Workspace,
    shared: &Path,
    ready: &Ready,
    tidegate: &Path,
) -> anyhow::Result<()> {
    let list_file = workspace.root.join("tests/behaviour.txt");
    if list(&list_file)?.is_empty() {
        step::note("tests/behaviour.txt lists no case");
        return Ok(());
    }
    tools::corpus_runners()?;
    let mut command = Command::new("python3");
    command
        .arg(shared.join("conformance/run_behaviour.py"))
        .current_dir(&workspace.root);
    command
        .arg("--plane")
        .arg(&ready.controlplane)
        .arg("--bin")
        .arg(tidegate);
    command
        .args([
            "--engine",
            "tests/engine.json",
            "-j",
            BEHAVIOUR_JOBS,
            "--list",
        ])
        .arg(&list_file);
    step::run(command.env("TIDEGATE_PLUGINS_DIR", &ready.plugins))
}

/// The names in a list: one a line, `#` begins a comment, and what follows the name is a remark.
fn list(path: &Path) -> anyhow::Result<BTreeSet<String>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let name = |line: &str| {
        line.split('#')
            .next()?
            .split_whitespace()
            .next()
            .map(str::to_owned)
    };
    Ok(text.lines().filter_map(name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_comments_and_remarks() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list");
        std::fs::write(&path, "# head\n\na-case\nb-case\tdiff\n  c # why\n").expect("written");
        let names: Vec<String> = list(&path).expect("read").into_iter().collect();
        assert_eq!(names, ["a-case", "b-case", "c"]);
    }
}
