//! What a call of a plugin costs, and what the same work costs outside of the sandbox: the bench of the sandbox.

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::setup::Ready;
use crate::step;
use crate::workspace::Workspace;

/// Runs it, in a release build.
pub(super) fn run(workspace: &Workspace, ready: &Ready) -> anyhow::Result<Vec<Value>> {
    let mut command = workspace.cargo();
    command.args([
        "bench",
        "--quiet",
        "--package",
        "tidegate-sandbox",
        "--bench",
        "calls",
    ]);
    lines(&step::output(command.envs(ready.environment()))?)
}

/// One figure a line, each with its name and a number.
fn lines(printed: &str) -> anyhow::Result<Vec<Value>> {
    let mut figures = Vec::new();
    for line in printed.lines().filter(|line| line.starts_with('{')) {
        let mut figure: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        ensure!(
            figure["case"].is_string() && figure["best_us"].is_number(),
            "not a figure: {line}"
        );
        figure["engine"] = "tidegate".into();
        figures.push(figure);
    }
    ensure!(!figures.is_empty(), "the bench of calls printed no figure");
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::lines;
    use serde_json::json;

    #[test]
    fn figures_are_read_and_their_absence_is_told() {
        let printed = "running\n{\"case\": \"empty call\", \"best_us\": 38.5}\n{\"case\": \"build\", \"best_us\": 16.0, \"native_best_us\": 10.0, \"median_ratio\": 1.6}\n";
        let expected = [
            json!({"engine": "tidegate", "case": "empty call", "best_us": 38.5}),
            json!({"engine": "tidegate", "case": "build", "best_us": 16.0, "native_best_us": 10.0, "median_ratio": 1.6}),
        ];
        assert_eq!(lines(printed).unwrap(), expected);
        for wrong in [
            "",
            "running\n",
            "{\"case\": \"a\", \"best_us\": null}\n",
            "{\n",
        ] {
            assert!(lines(wrong).is_err(), "{wrong}");
        }
    }
}
