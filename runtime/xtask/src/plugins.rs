//! `cargo xtask plugins`: builds the built-in plugins, makes components of them, and compiles those for this machine's
//! processor family. Does nothing when nothing that goes into them has changed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use tidegate_values::Digest;
use wit_component::ComponentEncoder;

use crate::step;

const TARGET: &str = "wasm32-unknown-unknown";
const PROFILE: &str = "plugin";
const STAMP: &str = "stamp";

/// Builds what is missing or old and returns the folder of built plugins.
///
/// `target_dir` is cargo's own; the components get a folder of their own inside, so that a cargo which waits for
/// this command never holds the lock that this command needs.
pub(crate) fn run(workspace_root: &Path, target_dir: &Path) -> anyhow::Result<PathBuf> {
    let cargo_folder = target_dir.join("plugins");
    let built = cargo_folder.join("built");
    let sources = sources(workspace_root)?;
    if fs::read_to_string(built.join(STAMP)).is_ok_and(|stamp| stamp == sources) {
        return Ok(built);
    }
    let names = names(workspace_root)?;
    step::quiet("plugins: compiling to WebAssembly", || {
        cargo(workspace_root, &cargo_folder, &names)
    })?;
    let components = names
        .iter()
        .map(|name| Ok((name.clone(), component(&cargo_folder, name)?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    fs::create_dir_all(&built).with_context(|| format!("{}", built.display()))?;
    // Gone while files change: a build that is interrupted is begun anew.
    let _ = fs::remove_file(built.join(STAMP));
    if !tidegate_sandbox::holds_builtins(&built, &components)? {
        step::quiet("plugins: compiling to native code", || {
            Ok(tidegate_sandbox::write_builtins(&built, &components)?)
        })?;
    }
    fs::write(built.join(STAMP), sources)?;
    Ok(built)
}

/// The components are the folders of `plugins/components`.
fn names(workspace_root: &Path) -> anyhow::Result<Vec<String>> {
    let folder = workspace_root.join("plugins/components");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    ensure!(!names.is_empty(), "no component in {}", folder.display());
    Ok(names)
}

fn cargo(workspace_root: &Path, cargo_folder: &Path, names: &[String]) -> anyhow::Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(workspace_root)
        .args(["build", "--quiet", "--locked"]);
    command
        .args(["--profile", PROFILE, "--target", TARGET, "--target-dir"])
        .arg(cargo_folder);
    for name in names {
        command.args(["--package", &format!("tidegate-component-{name}")]);
    }
    // What was said for the host's build is not meant for this one.
    for variable in [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "RUSTC_WORKSPACE_WRAPPER",
    ] {
        command.env_remove(variable);
    }
    step::run(&mut command)
}

/// Makes a component of what cargo built.
fn component(cargo_folder: &Path, name: &str) -> anyhow::Result<Vec<u8>> {
    let file = format!("tidegate_component_{}.wasm", name.replace('-', "_"));
    let path = cargo_folder.join(TARGET).join(PROFILE).join(file);
    let module = fs::read(&path).with_context(|| format!("{}", path.display()))?;
    let encode = || {
        ComponentEncoder::default()
            .validate(true)
            .module(&module)?
            .encode()
    };
    encode().with_context(|| format!("component of {}", path.display()))
}

/// Names everything that goes into the built plugins: sources, versions, toolchain and the sandbox's engine.
fn sources(workspace_root: &Path) -> anyhow::Result<String> {
    let mut files = Vec::new();
    for folder in ["plugins", "wit"] {
        collect(&workspace_root.join(folder), &mut files)?;
    }
    for file in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"] {
        files.push(workspace_root.join(file));
    }
    files.sort();
    let mut text = tidegate_sandbox::builtin_compatibility()?;
    for file in files {
        let content = fs::read(&file).with_context(|| format!("{}", file.display()))?;
        let name = file.strip_prefix(workspace_root).unwrap_or(&file);
        let _ = write!(text, "\n{} {}", Digest::of(&content), name.display());
    }
    Ok(Digest::of(text.as_bytes()).to_string())
}

/// Every file below `folder` except tests and their cases, which are not compiled in.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            let name = entry.file_name();
            if name != "tests" && name != "cases" && name != "target" {
                collect(&entry.path(), files)?;
            }
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
