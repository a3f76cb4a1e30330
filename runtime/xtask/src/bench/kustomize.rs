//! Whole processes of `tidegate kustomize` and of the real kustomize, in one run: CPU time and peak memory.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use wait4::Wait4 as _;

use super::figures;
use crate::workspace::Workspace;
use crate::{oracle, step, tools};

/// The least of this many runs counts: what comes on top is the machine's.
const RUNS: usize = 3;

/// What one build costs.
#[derive(Debug, Clone, Copy)]
struct Cost {
    cpu: Duration,
    /// Bytes of resident memory at most.
    peak: u64,
}

/// A build, by both tools.
#[derive(Debug, Clone)]
struct Pair {
    /// Bytes that come out.
    size: u64,
    ours: Cost,
    real: Cost,
}

impl Pair {
    fn ratio(&self) -> f64 {
        self.real.cpu.as_secs_f64() / self.ours.cpu.as_secs_f64()
    }
}

/// Small builds of this repository, the real-world part of the corpus, and its four big builds.
pub(super) fn run(workspace: &Workspace, tidegate: &Path) -> anyhow::Result<Vec<Value>> {
    let kustomize = oracle::install(workspace)?;
    let both = |name: &str, folder: &Path, flags: &[String]| -> anyhow::Result<Pair> {
        let mut ours = Command::new(tidegate);
        ours.arg("kustomize").args(flags).arg(folder);
        let mut real = Command::new(&kustomize);
        real.arg("build").args(flags).arg(folder);
        let (ours, real) = (cost(&mut ours)?, cost(&mut real)?);
        ensure!(ours.1 == real.1, "{name}: the outputs differ");
        Ok(Pair {
            size: ours.1.len() as u64,
            ours: ours.0,
            real: real.0,
        })
    };
    let mut lines = Vec::new();
    for (name, folder) in small()? {
        lines.push(line(&name, &[both(&name, folder.path(), &[])?]));
    }
    let Some(shared) = workspace.shared() else {
        step::note("no folder ../shared: real-world kustomizations are not measured");
        return Ok(lines);
    };
    let mut pairs = Vec::new();
    for case in cases(&shared.join("conformance/kustomize/realworld"))? {
        pairs.push(both(&case.name, &case.folder, &case.flags)?);
    }
    lines.push(line("kustomize, real world", &pairs));
    pairs.sort_by_key(|pair| pair.real.cpu);
    let slowest = &pairs[pairs.len() - pairs.len() / 10..];
    lines.push(line("kustomize, slowest tenth of them", slowest));
    pairs.sort_by_key(|pair| pair.size);
    let biggest = &pairs[pairs.len().saturating_sub(5)..];
    lines.push(line("kustomize, five biggest of them", biggest));

    let unpacked = tempfile::tempdir()?;
    tools::zstd()?;
    let archive = shared.join("conformance/kustomize-perf.tar.zst");
    let mut tar = Command::new("tar");
    tar.arg("--zstd").arg("-xf").arg(archive).arg("-C");
    step::output(tar.arg(unpacked.path()))?;
    let mut big = Vec::new();
    for case in cases(&unpacked.path().join("perf"))? {
        big.push(both(&case.name, &case.folder, &case.flags)?);
    }
    lines.push(line("kustomize, builds of 4 to 12 MB", &big));
    Ok(lines)
}

/// The median of the ratios, and sums of the rest.
fn line(name: &str, pairs: &[Pair]) -> Value {
    let mut ratios: Vec<f64> = pairs.iter().map(Pair::ratio).collect();
    ratios.sort_by(f64::total_cmp);
    let median = ratios.get(ratios.len() / 2).copied().unwrap_or_default();
    let sum = |of: fn(&Pair) -> Duration| {
        let sum: Duration = pairs.iter().map(of).sum();
        figures::round(sum.as_secs_f64() * 1000.0)
    };
    let peak = |of: fn(&Pair) -> u64| pairs.iter().map(of).max().unwrap_or_default() >> 20;
    json!({
        "engine": "tidegate",
        "case": name,
        "builds": pairs.len(),
        "cpu_ms": sum(|pair| pair.ours.cpu),
        "real_cpu_ms": sum(|pair| pair.real.cpu),
        "times_faster": figures::round(median),
        "least_times_faster": figures::round(ratios.first().copied().unwrap_or_default()),
        "peak_mib": peak(|pair| pair.ours.peak),
        "real_peak_mib": peak(|pair| pair.real.peak),
    })
}

/// What a command costs, and what it prints.
fn cost(command: &mut Command) -> anyhow::Result<(Cost, Vec<u8>)> {
    let mut least: Option<Cost> = None;
    let folder = tempfile::tempdir()?;
    let printed = folder.path().join("printed");
    for _ in 0..RUNS {
        let output = std::fs::File::create(&printed)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| command.get_program().display().to_string())?;
        let used = child.wait4()?;
        ensure!(used.status.success(), "{command:?} failed");
        let cost = Cost {
            cpu: used.rusage.utime + used.rusage.stime,
            peak: used.rusage.maxrss,
        };
        let least = least.get_or_insert(cost);
        least.cpu = least.cpu.min(cost.cpu);
        least.peak = least.peak.min(cost.peak);
    }
    let cost = least.context("no run")?;
    Ok((cost, std::fs::read(&printed)?))
}

/// One object, and one with a strategic merge patch, for which the real tool reads the schema of all of Kubernetes.
fn small() -> anyhow::Result<[(String, tempfile::TempDir); 2]> {
    const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n";
    const PATCH: &str = "patches:\n- patch: |\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: a}\n    data: {k: w}\n";
    let folder = |patch: &str| -> anyhow::Result<tempfile::TempDir> {
        let folder = tempfile::tempdir()?;
        let kustomization = format!("resources: [object.yaml]\n{patch}");
        std::fs::write(folder.path().join("kustomization.yaml"), kustomization)?;
        std::fs::write(folder.path().join("object.yaml"), OBJECT)?;
        Ok(folder)
    };
    Ok([
        ("kustomize, one object".to_owned(), folder("")?),
        (
            "kustomize, strategic merge patch".to_owned(),
            folder(PATCH)?,
        ),
    ])
}

/// A case of the corpus that expects output.
struct Case {
    name: String,
    folder: PathBuf,
    flags: Vec<String>,
}

fn cases(corpus: &Path) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    let entries = std::fs::read_dir(corpus).with_context(|| corpus.display().to_string())?;
    for entry in entries {
        let folder = entry?.path();
        let Ok(text) = std::fs::read_to_string(folder.join("case.json")) else {
            continue;
        };
        let case: Value =
            serde_json::from_str(&text).with_context(|| folder.display().to_string())?;
        let texts = |field: &str| -> Vec<String> {
            let items = case[field].as_array().into_iter().flatten();
            items
                .filter_map(|item| item.as_str().map(str::to_owned))
                .collect()
        };
        if case["expect"] != "ok" || !texts("needs").is_empty() {
            continue;
        }
        cases.push(Case {
            name: case["name"].as_str().unwrap_or_default().to_owned(),
            folder: folder
                .join("input")
                .join(case["target"].as_str().unwrap_or_default()),
            flags: texts("flags"),
        });
    }
    ensure!(!cases.is_empty(), "no case in {}", corpus.display());
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}
