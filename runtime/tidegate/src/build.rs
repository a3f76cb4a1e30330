//! `tidegate build kustomization`: builds local files as a Flux Kustomization would, as `flux build kustomization`
//! does (fluxcd/flux2, cmd/flux/build_kustomization.go and internal/build).

mod definition;
mod flags;
mod ignored;
mod masking;
mod render;

use crate::cli::pflag::Parsed;
use crate::cli::pflag::quoted;
use crate::engines::Engines;
use crate::kustomize::absolute;
use crate::kustomize::print;
use anyhow::Context as _;
use anyhow::bail;
use definition::Definitions;
use flags::COMMAND;
use render::Build;
use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

/// Names the namespace that is meant where none is given.
const NAMESPACE_VARIABLE: &str = "FLUX_SYSTEM_NAMESPACE";

const ABOUT: &str = "Build a Flux Kustomization from local files

Usage:
  tidegate build kustomization NAME --path DIR [flags]

`tidegate build kustomization --help` has the flags and examples.
";

/// Runs the command. `arguments` are what follows its name.
#[expect(clippy::print_stderr, reason = "the command line speaks there")]
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    match arguments.split_first() {
        None => print(ABOUT.as_bytes()),
        Some((kind, _)) if matches!(kind.as_str(), "-h" | "--help" | "help") => {
            print(ABOUT.as_bytes())
        }
        Some((kind, rest)) if matches!(kind.as_str(), "kustomization" | "ks") => {
            // Flux begins its errors with a cross.
            Ok(kustomization(rest).unwrap_or_else(|error| {
                eprintln!("✗ {error:#}");
                ExitCode::FAILURE
            }))
        }
        Some((kind, _)) => bail!(
            "unknown command {} for \"tidegate build\": kustomization is the only one",
            quoted(kind)
        ),
    }
}

fn kustomization(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let parsed = COMMAND.parse(arguments).map_err(anyhow::Error::msg)?;
    if parsed.help {
        return print(COMMAND.help().as_bytes());
    }
    let Some(name) = parsed.arguments.first() else {
        bail!("kustomization name is required")
    };
    let namespace = namespace(&parsed)?;
    let path = folder(&parsed)?;
    let file = parsed
        .text("kustomization-file")
        .filter(|file| !file.is_empty());
    if parsed.switch("dry-run") && file.is_none() {
        bail!("dry-run mode requires a kustomization file");
    }
    if let Some(file) = file
        // Not `is_file`: it may be what a shell's `<(…)` stands for.
        && !Path::new(file).metadata().is_ok_and(|found| !found.is_dir())
    {
        bail!("invalid kustomization file {}", quoted(file));
    }
    let definitions = Definitions::new(&parsed)?;
    let build = Build {
        engines: &Engines::new()?,
        definitions: &definitions,
        ignore: parsed.list("ignore-paths").join("\n"),
        strict: parsed.switch("strict-substitute"),
        local_sources: parsed
            .switch("recursive")
            .then(|| local_sources(&parsed))
            .transpose()?,
    };
    let object = definitions
        .find(name, &namespace, file.map(Path::new))
        .context("failed to get kustomization object")?;
    let mut text = String::new();
    for document in build.run(&object, &path)? {
        text.push_str(&tidegate_yaml::marshal(&document)?);
        text.push_str("---\n");
    }
    print(text.as_bytes())
}

fn namespace(parsed: &Parsed) -> anyhow::Result<String> {
    let given = parsed.text("namespace");
    let ambient = std::env::var(NAMESPACE_VARIABLE)
        .ok()
        .filter(|name| is_label(name));
    let namespace = given.map_or_else(
        || ambient.unwrap_or_else(|| "flux-system".to_owned()),
        str::to_owned,
    );
    if !is_label(&namespace) {
        bail!(
            "namespace must be a valid DNS label: {}",
            quoted(&namespace)
        );
    }
    Ok(namespace)
}

/// A DNS label as RFC 1123 has it.
fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// `--path`, as a real path.
fn folder(parsed: &Parsed) -> anyhow::Result<PathBuf> {
    let given = parsed.text("path").unwrap_or_default();
    if given.is_empty() {
        bail!("invalid resource path {}", quoted(given));
    }
    real_folder(&absolute(given)?)
}

fn real_folder(path: &Path) -> anyhow::Result<PathBuf> {
    match path.canonicalize() {
        Ok(real) if real.is_dir() => Ok(real),
        _ => bail!(
            "invalid resource path {}",
            quoted(&path.display().to_string())
        ),
    }
}

fn local_sources(parsed: &Parsed) -> anyhow::Result<BTreeMap<String, String>> {
    let pair = |text: String| match text.split_once('=') {
        Some((source, path)) => Ok((source.to_owned(), path.to_owned())),
        None => bail!(
            "invalid argument {0} for \"--local-sources\" flag: {text} must be formatted as key=value",
            quoted(&text)
        ),
    };
    parsed.list("local-sources").into_iter().map(pair).collect()
}
