//! `cargo xtask plugins`: builds the built-in plugins, makes components of them, and compiles those for this machine's
//! processor family. Then the examples, as whoever writes a plugin builds them. Does nothing when nothing that goes into
//! them has changed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use tidegate_values::Digest;
use wit_component::ComponentEncoder;

use crate::step;

const TARGET: &str = "wasm32-unknown-unknown";
/// The other target that plugins can be built for: its linker makes the component.
const WASI_TARGET: &str = "wasm32-wasip2";
const PROFILE: &str = "plugin";
const STAMP: &str = "stamp";

/// Builds what is missing or old and returns the folder of built plugins.
///
/// `target_dir` is cargo's own; the components get a folder of their own inside, so that a cargo which waits for
/// this command never holds the lock that this command needs.
pub(crate) fn run(workspace_root: &Path, target_dir: &Path) -> anyhow::Result<PathBuf> {
    let cargo_folder = target_dir.join("plugins");
    let built = cargo_folder.join("built");
    let sources = sources(workspace_root, &["plugins", "wit"])?;
    let sources = format!("{} {sources}", tidegate_sandbox::builtin_compatibility()?);
    if is_current(&built, &sources) {
        return Ok(built);
    }
    let names = names(workspace_root, "plugins/components")?;
    let packages = packages("tidegate-component", &names);
    step::quiet("plugins: compiling to WebAssembly", || {
        cargo(workspace_root, &cargo_folder, &packages, &[TARGET])
    })?;
    let components = names
        .iter()
        .zip(&packages)
        .map(|(name, package)| Ok((name.clone(), component(&cargo_folder, package)?)))
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

/// Builds the plugins of `examples/plugins` where they are missing or old, for both targets that the SDK is for, into a
/// folder beside that of the built-ins: `<name>.wasm` and `<name>.wasip2.wasm`. Tests run them; they are not shipped.
pub(crate) fn examples(workspace_root: &Path, target_dir: &Path) -> anyhow::Result<()> {
    let cargo_folder = target_dir.join("plugins");
    let built = cargo_folder.join("examples");
    let sources = sources(
        workspace_root,
        &["examples/plugins", "plugins/guest", "wit"],
    )?;
    if is_current(&built, &sources) {
        return Ok(());
    }
    let names = names(workspace_root, "examples/plugins")?;
    let packages = packages("tidegate-example", &names);
    step::quiet("example plugins: compiling to WebAssembly", || {
        let targets = [TARGET, WASI_TARGET];
        cargo(workspace_root, &cargo_folder, &packages, &targets)
    })?;
    if built.exists() {
        fs::remove_dir_all(&built).with_context(|| format!("{}", built.display()))?;
    }
    fs::create_dir_all(&built).with_context(|| format!("{}", built.display()))?;
    for (name, package) in names.iter().zip(&packages) {
        let wasi = module(&cargo_folder, WASI_TARGET, package)?;
        fs::write(
            built.join(format!("{name}.wasm")),
            component(&cargo_folder, package)?,
        )?;
        fs::write(built.join(format!("{name}.wasip2.wasm")), wasi)?;
    }
    fs::write(built.join(STAMP), sources)?;
    Ok(())
}

fn is_current(built: &Path, sources: &str) -> bool {
    fs::read_to_string(built.join(STAMP)).is_ok_and(|stamp| stamp == sources)
}

/// The plugins are the folders of `folder`.
fn names(workspace_root: &Path, folder: &str) -> anyhow::Result<Vec<String>> {
    let folder = workspace_root.join(folder);
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    ensure!(!names.is_empty(), "no plugin in {}", folder.display());
    Ok(names)
}

fn packages(prefix: &str, names: &[String]) -> Vec<String> {
    names
        .iter()
        .map(|name| format!("{prefix}-{name}"))
        .collect()
}

fn cargo(
    workspace_root: &Path,
    cargo_folder: &Path,
    packages: &[String],
    targets: &[&str],
) -> anyhow::Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(workspace_root)
        .args(["build", "--quiet", "--locked"]);
    command
        .args(["--profile", PROFILE, "--target-dir"])
        .arg(cargo_folder);
    for target in targets {
        command.args(["--target", target]);
    }
    for package in packages {
        command.args(["--package", package]);
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

/// What cargo built.
fn module(cargo_folder: &Path, target: &str, package: &str) -> anyhow::Result<Vec<u8>> {
    let file = format!("{}.wasm", package.replace('-', "_"));
    let path = cargo_folder.join(target).join(PROFILE).join(file);
    fs::read(&path).with_context(|| format!("{}", path.display()))
}

/// Makes a component of what cargo built.
fn component(cargo_folder: &Path, package: &str) -> anyhow::Result<Vec<u8>> {
    let module = module(cargo_folder, TARGET, package)?;
    let encode = || {
        ComponentEncoder::default()
            .validate(true)
            .module(&module)?
            .encode()
    };
    encode().with_context(|| format!("component of {package}"))
}

/// Names everything that cargo makes plugins of: sources in `folders`, versions, toolchain.
fn sources(workspace_root: &Path, folders: &[&str]) -> anyhow::Result<String> {
    let mut files = Vec::new();
    for folder in folders {
        collect(&workspace_root.join(folder), &mut files)?;
    }
    for file in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"] {
        files.push(workspace_root.join(file));
    }
    files.sort();
    let mut text = String::new();
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
