//! `cargo xtask bench`: the figures that were promised, measured on the control plane with a release build.
//!
//! `../shared/bench/bench.py` measures what is comparable with other engines, where it is there. The scenarios that
//! only we have follow, in the same form: one JSON object a case.

mod calls;
mod figures;
mod fleet;
mod kustomize;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use serde_json::{Value, json};

use crate::setup::Ready;
use crate::workspace::Workspace;
use crate::{setup, step, tools};

/// What can be left out.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Sizes of the fleets of Kustomizations
    #[arg(long, value_delimiter = ',', default_value = "100,500,1000")]
    fleets: Vec<u32>,
    /// Reconciles at once
    #[arg(long, default_value_t = 20)]
    concurrent: u32,
    /// Only the cases whose name contains this
    #[arg(long, default_value = "")]
    only: String,
    /// Pass a further argument to tidegate, such as `--engine-arg=--apply-dry-run=never`
    #[arg(long)]
    engine_arg: Vec<String>,
    /// Measure a program that was built before, not a release build made now
    #[arg(long)]
    bin: Option<PathBuf>,
}

/// Measures, prints a table, and leaves `bench.jsonl` in the target folder.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<()> {
    let ready = setup::run(workspace)?;
    let tidegate = match &options.bin {
        Some(path) => std::path::absolute(path)?,
        None => setup::tidegate(workspace, &ready, "release")?,
    };
    let mut results = Vec::new();
    if "command-line".contains(&options.only) {
        results.push(step::timed("command line", || {
            command_line(workspace, &tidegate)
        })?);
    }
    if "kustomize".contains(&options.only) {
        results.extend(step::timed("kustomize beside the real one", || {
            kustomize::run(workspace, &tidegate)
        })?);
    }
    if "calls".contains(&options.only) {
        results.extend(step::quiet("calls of plugins", || {
            calls::run(workspace, &ready)
        })?);
    }
    results.extend(fleet::run(&ready, &tidegate, options)?);
    match workspace.shared() {
        Some(shared) => results.extend(step::timed("bench.py", || {
            common(workspace, &shared, &ready, &tidegate, options)
        })?),
        None => step::note("no folder ../shared: its bench is not run"),
    }
    let lines: Vec<String> = results.iter().map(Value::to_string).collect();
    let path = workspace.target.join("bench.jsonl");
    std::fs::write(&path, lines.join("\n") + "\n").with_context(|| path.display().to_string())?;
    table(&results);
    step::note(&format!("all figures: {}", path.display()));
    Ok(())
}

/// The bench that every engine can run: idle, latency, fleets, nothing changed.
fn common(
    workspace: &Workspace,
    shared: &Path,
    ready: &Ready,
    tidegate: &Path,
    options: &Options,
) -> anyhow::Result<Vec<Value>> {
    tools::corpus_runners()?;
    let out = tempfile::tempdir()?;
    let engine = engine_file(workspace, options, out.path())?;
    let fleets: Vec<String> = options.fleets.iter().map(u32::to_string).collect();
    // Work files on tmpfs: on a slow disk it would be the disk that is measured.
    let tmp = if Path::new("/dev/shm").is_dir() {
        "/dev/shm"
    } else {
        "/tmp"
    };
    let mut results = Vec::new();
    for (name, scenario) in [
        ("idle latency", ["--scenario", "e,a", "--repeats", "7"]),
        ("fleet noop", ["--scenario", "b", "--limit", "1800"]),
    ] {
        if !name.contains(&options.only) {
            continue;
        }
        let mut command = Command::new("python3");
        command
            .arg(shared.join("bench/bench.py"))
            .current_dir(&workspace.root)
            .args(scenario);
        command
            .arg("--plane")
            .arg(&ready.controlplane)
            .arg("--bin")
            .arg(tidegate)
            .arg("--engine")
            .arg(&engine);
        command.args([
            "--tmp",
            tmp,
            "--kustomizations",
            &fleets.join(","),
            "--concurrent",
            &options.concurrent.to_string(),
        ]);
        command.arg("--out").arg(out.path());
        let printed = step::output(command.env("TIDEGATE_PLUGINS_DIR", &ready.plugins))?;
        for line in printed.lines().filter(|line| line.starts_with('{')) {
            results.push(serde_json::from_str(line)?);
        }
    }
    Ok(results)
}

/// The engine file, with the arguments that were asked for.
fn engine_file(workspace: &Workspace, options: &Options, folder: &Path) -> anyhow::Result<PathBuf> {
    let text = std::fs::read_to_string(workspace.root.join("tests/bench.json"))?;
    let mut engine: Value = serde_json::from_str(&text)?;
    let command = engine["procs"][0]["cmd"]
        .as_array_mut()
        .context("tests/bench.json has no command")?;
    command.extend(options.engine_arg.iter().map(|arg| json!(arg)));
    let path = folder.join("engine.json");
    std::fs::write(&path, engine.to_string())?;
    Ok(path)
}

/// CPU time of the whole process that renders a small overlay.
fn command_line(workspace: &Workspace, tidegate: &Path) -> anyhow::Result<Value> {
    const RUNS: u32 = 100;
    let overlay = workspace
        .root
        .join("examples/demo/repository/apps/production");
    let before = figures::cpu_of_children()?;
    for _ in 0..RUNS {
        step::output(Command::new(tidegate).arg("kustomize").arg(&overlay))?;
    }
    let cpu = (figures::cpu_of_children()? - before) / f64::from(RUNS);
    Ok(
        json!({"engine": "tidegate", "case": "command-line", "cpu_ms": figures::round(cpu * 1000.0)}),
    )
}

const COLUMNS: &[&str] = &[
    "idle_rss_mib",
    "median_s",
    "wall_s",
    "engine_cpu_s",
    "engine_cpu_s_per_1000",
    "engine_peak_rss_mib",
    "requests_each",
    "cpu_ms",
    "real_cpu_ms",
    "times_faster",
    "least_times_faster",
    "peak_mib",
    "real_peak_mib",
    "best_us",
    "native_best_us",
    "median_ratio",
];

fn table(results: &[Value]) {
    row("case", str::to_owned);
    for result in results {
        let name = result["case"].as_str().unwrap_or_default();
        row(name, |column| cell(&result[column]));
        if !result["noop"].is_null() {
            row(&format!("{name}, nothing changed"), |column| {
                cell(&result["noop"][column])
            });
        }
        if let Some(error) = result["error"].as_str() {
            step::result(&format!("    {error}"));
        }
    }
}

fn row(name: &str, cell: impl Fn(&str) -> String) {
    let cells: Vec<String> = COLUMNS
        .iter()
        .map(|column| format!("{:>22}", cell(column)))
        .collect();
    step::result(&format!("{name:<34}{}", cells.concat()));
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Object(parts) => parts
            .values()
            .filter_map(Value::as_f64)
            .sum::<f64>()
            .to_string(),
        other => other.to_string(),
    }
}
