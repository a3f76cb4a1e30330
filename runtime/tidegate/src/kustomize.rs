//! `tidegate kustomize`: builds a folder offline, as `kustomize build` does (v5.8).

mod flags;
mod output;
mod target;

use crate::cli::pflag::Parsed;
use crate::engines::Engines;
use anyhow::bail;
use bytes::Bytes;
use flags::COMMAND;
use serde_json::json;
use std::process::ExitCode;

pub(crate) use output::print;
pub(crate) use target::absolute;

/// Adds a label to everything when it is `on`, as `--enable-managedby-label` does.
const MANAGED_BY_VARIABLE: &str = "KUSTOMIZE_ENABLE_MANAGEDBY_LABEL";

/// Runs the command. `arguments` are what follows its name.
#[expect(clippy::print_stderr, reason = "the command line speaks there")]
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let arguments = match arguments.split_first() {
        Some((first, rest)) if first == "build" => rest,
        _ => arguments,
    };
    let parsed = COMMAND.parse(arguments).map_err(anyhow::Error::msg)?;
    for warning in &parsed.warnings {
        eprintln!("{warning}");
    }
    if parsed.help {
        return output::print(COMMAND.help().as_bytes());
    }
    build(&parsed)
}

fn build(parsed: &Parsed) -> anyhow::Result<ExitCode> {
    let directory = match parsed.arguments.as_slice() {
        [] => ".",
        [directory] => directory,
        _ => bail!("specify one path to kustomization.yaml"),
    };
    let restrictor = match parsed.text("load-restrictor").unwrap_or_default() {
        "LoadRestrictionsNone" => "none",
        "LoadRestrictionsRootOnly" | "" => "rootOnly",
        other => bail!(
            "illegal flag value --load-restrictor {other}; \
             legal values: [LoadRestrictionsRootOnly LoadRestrictionsNone]"
        ),
    };
    let reorder = match parsed.text("reorder") {
        None => "legacy",
        Some(order @ ("legacy" | "none")) => order,
        Some(other) => bail!("illegal flag value --reorder {other}; legal values: [legacy none]"),
    };
    let managed_by_label = parsed.switch("enable-managedby-label")
        || std::env::var_os(MANAGED_BY_VARIABLE).is_some_and(|value| value == "on");
    let target = target::open(directory)?;
    let config = json!({
        // kustomize, `NewLoader`: files of a fetched repository are always restricted.
        "loadRestrictor": if target.is_remote { "rootOnly" } else { restrictor },
        "reorder": reorder,
        "managedByLabel": managed_by_label,
    });
    let engines = Engines::new()?;
    let documents = engines
        .kustomize(target.folder, &config)
        .map_err(|error| flags::unserved(parsed, error))?;
    let documents: Vec<Bytes> = documents
        .into_iter()
        .map(|document| document.text)
        .collect();
    match parsed.text("output").filter(|path| !path.is_empty()) {
        Some(path) => output::write(path, &documents),
        None => output::print(&output::join(&documents)),
    }
}
