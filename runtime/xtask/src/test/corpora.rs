//! The corpus of `../shared` that tells what Flux does, played against ours.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::conformance::list;
use crate::setup::Ready;
use crate::workspace::Workspace;
use crate::{step, tools};

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
}
