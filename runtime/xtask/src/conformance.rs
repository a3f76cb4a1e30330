//! `cargo xtask conformance`: what the real tools print, against what ours print, byte for byte.
//!
//! The corpora lie in `../shared`, with their runners.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::workspace::Workspace;
use crate::{setup, step, tools};

/// What is to be compared.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// The engine
    suite: Suite,
    /// Only the cases whose name matches this regular expression; nothing is judged then but what is played
    #[arg(long)]
    filter: Option<String>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Suite {
    /// `tidegate kustomize` against `kustomize build`
    Kustomize,
}

/// Of the cases that must fail, how many must do so in the real tool's words, or nearly: percent.
const TEXTS: usize = 90;

/// Builds what is needed, plays a corpus, and prints the report by family.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<()> {
    let Some(shared) = workspace.shared() else {
        bail!("the corpora are in ../shared, which is not there");
    };
    let ready = setup::run(workspace)?;
    let tidegate = setup::tidegate(workspace, &ready, "dev")?;
    match options.suite {
        Suite::Kustomize => {
            let filter = options.filter.as_deref();
            let report = kustomize(workspace, &shared, &tidegate, filter)?;
            step::result(report.printed.trim_end());
            report.judge()
        }
    }
}

/// What came of the corpus of kustomize.
pub(crate) struct Report {
    /// The runner's own words: families, kinds, times.
    pub(crate) printed: String,
    results: Vec<Value>,
    listed: BTreeSet<String>,
}

/// Plays the corpus of kustomize against `tidegate`.
pub(crate) fn kustomize(
    workspace: &Workspace,
    shared: &Path,
    tidegate: &Path,
    filter: Option<&str>,
) -> anyhow::Result<Report> {
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
    command.args(filter.into_iter().flat_map(|filter| ["--filter", filter]));
    // It ends with 1 as long as any case fails: what counts is judged from its results.
    let output = command.output().context("python3")?;
    let results = std::fs::read_to_string(&json).with_context(|| {
        format!(
            "run_kustomize.py wrote no results: {}",
            String::from_utf8_lossy(&output.stderr).trim_end()
        )
    })?;
    Ok(Report {
        printed: String::from_utf8_lossy(&output.stdout).into_owned(),
        results: serde_json::from_str(&results)?,
        listed: list(&workspace.root.join("tests/kustomize.failing.txt"))?,
    })
}

impl Report {
    /// What fails must be listed, and what is listed must fail: the list only shrinks. And errors must read alike.
    pub(crate) fn judge(&self) -> anyhow::Result<()> {
        let names = |ok: bool| -> BTreeSet<&str> {
            let with = self
                .results
                .iter()
                .filter(|result| (result["ok"] == true) == ok);
            with.filter_map(|result| result["name"].as_str()).collect()
        };
        let (passing, failing) = (names(true), names(false));
        step::note(&format!(
            "kustomize corpus: {} of {} pass",
            passing.len(),
            self.results.len()
        ));
        let new: Vec<&str> = failing
            .into_iter()
            .filter(|name| !self.listed.contains(*name))
            .collect();
        if !new.is_empty() {
            bail!(
                "kustomize corpus: {} cases fail that passed:\n  {}",
                new.len(),
                new.join("\n  ")
            );
        }
        let healed: Vec<&str> = passing
            .into_iter()
            .filter(|name| self.listed.contains(*name))
            .collect();
        if !healed.is_empty() {
            bail!(
                "kustomize corpus: {} cases pass now, strike them from tests/kustomize.failing.txt:\n  {}",
                healed.len(),
                healed.join("\n  ")
            );
        }
        let said = |how: &str| {
            self.results
                .iter()
                .filter(|result| result["why"] == how)
                .count()
        };
        let alike = said("msg-exact") + said("msg-similar");
        let errors = alike + said("msg-other");
        step::note(&format!(
            "kustomize corpus: {alike} of {errors} errors read as kustomize's"
        ));
        if alike * 100 < errors * TEXTS {
            bail!("kustomize corpus: fewer than {TEXTS} % of the errors read as kustomize's");
        }
        Ok(())
    }
}

/// The names in a list: one a line, `#` begins a comment, and what follows the name is a remark.
pub(crate) fn list(path: &Path) -> anyhow::Result<BTreeSet<String>> {
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
    use serde_json::json;

    fn report(results: &[(&str, bool, &str)], listed: &[&str]) -> Report {
        let result =
            |(name, ok, why): &(&str, bool, &str)| json!({"name": name, "ok": ok, "why": why});
        Report {
            printed: String::new(),
            results: results.iter().map(result).collect(),
            listed: listed.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn what_fails_must_be_listed_and_the_other_way_round() {
        let results = [("a", true, "ok"), ("b", false, "diff")];
        let error = |listed: &[&str]| report(&results, listed).judge().unwrap_err().to_string();
        assert!(report(&results, &["b"]).judge().is_ok());
        assert!(error(&[]).contains("fail that passed:\n  b"));
        assert!(error(&["a", "b"]).contains("pass now"));
    }

    #[test]
    fn errors_must_read_alike() {
        let with = |other: usize| {
            let mut results = vec![("x", true, "msg-exact"); 9];
            results.extend(vec![("y", true, "msg-other"); other]);
            report(&results, &[]).judge().is_ok()
        };
        assert!(with(1));
        assert!(!with(2));
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
