//! The corpora of `../shared`: what the real tools print and write, played against ours.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::setup::Ready;
use crate::workspace::Workspace;
use crate::{step, tools};

/// The byte-for-byte corpus of kustomize. What fails must be listed, and what is listed must fail: the list only shrinks.
pub(super) fn kustomize(
    workspace: &Workspace,
    shared: &Path,
    tidegate: &Path,
) -> anyhow::Result<()> {
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
///
/// Many cases share a machine, and some are about time: what disagrees is played once more with little beside it,
/// and that counts.
pub(super) fn behaviour(
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
    let play = |list: &Path, jobs: &str| -> anyhow::Result<Played> {
        let mut command = Command::new("python3");
        command
            .arg(shared.join("conformance/run_behaviour.py"))
            .current_dir(&workspace.root)
            .env("TIDEGATE_PLUGINS_DIR", &ready.plugins)
            .args(["--engine", "tests/engine.json", "--jobs", jobs])
            .arg("--plane")
            .arg(&ready.controlplane)
            .arg("--bin")
            .arg(tidegate)
            .arg("--list")
            .arg(list);
        let output = command
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .context("python3")?;
        Ok(Played {
            agreed: output.status.success(),
            printed: String::from_utf8_lossy(&output.stdout).into_owned(),
        })
    };
    let first = play(&list_file, "8")?;
    step::result(first.printed.trim_end());
    if first.agreed {
        return Ok(());
    }
    let again = first.disagreeing();
    if again.is_empty() {
        bail!("run_behaviour.py failed, and named no case");
    }
    step::note(&format!("once more, alone: {}", again.join(" ")));
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let names = folder.path().join("again.txt");
    std::fs::write(&names, again.join("\n") + "\n").with_context(|| names.display().to_string())?;
    let second = play(&names, "1")?;
    step::result(second.printed.trim_end());
    if !second.agreed {
        bail!(
            "cases of tests/behaviour.txt disagree: {}",
            second.disagreeing().join(" ")
        );
    }
    Ok(())
}

/// One run of the behaviour corpus.
struct Played {
    agreed: bool,
    printed: String,
}

impl Played {
    /// The cases that it says failed.
    fn disagreeing(&self) -> Vec<&str> {
        let names = self.printed.lines().filter_map(|line| {
            let name = line.strip_prefix("FAIL")?.split_whitespace().next()?;
            Some(name.trim_end_matches(':'))
        });
        names.collect()
    }
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
    fn cases_that_disagree_are_named_by_the_runner() {
        let played = Played {
            agreed: false,
            printed: "ok   a\nFAIL b-case\n  step x\nskip c: why\n1 passed, 1 failed\n".to_owned(),
        };
        assert_eq!(played.disagreeing(), ["b-case"]);
    }

    #[test]
    fn lists_have_comments_and_remarks() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list");
        std::fs::write(&path, "# head\n\na-case\nb-case\tdiff\n  c # why\n").expect("written");
        let names: Vec<String> = list(&path).expect("read").into_iter().collect();
        assert_eq!(names, ["a-case", "b-case", "c"]);
    }
}
