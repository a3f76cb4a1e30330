//! Plugins of a case, which stand in for built-in ones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;
use tempfile::TempDir;
use tidegate_sandbox::PLUGINS_DIR;
use tidegate_testkit::workspace_root;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const INDEX: &str = "plugins.json";

/// A folder of built-in plugins in which those that are named in `plugins` are made of the files of `case`.
pub(crate) fn folder(case: &Path, plugins: &BTreeMap<String, String>) -> anyhow::Result<TempDir> {
    let built = built()?;
    let folder = TempDir::with_prefix("tidegate-plugins-")?;
    for entry in std::fs::read_dir(&built).with_context(|| built.display().to_string())? {
        let entry = entry?;
        std::fs::copy(entry.path(), folder.path().join(entry.file_name()))?;
    }
    let mut components = Vec::new();
    for (name, file) in plugins {
        let path = case.join(file);
        let component = component(&path).with_context(|| path.display().to_string())?;
        components.push((name.clone(), component));
    }
    let own = TempDir::with_prefix("tidegate-plugins-")?;
    tidegate_sandbox::write_builtins(own.path(), &components)?;
    let read = |folder: &Path| -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&std::fs::read(folder.join(INDEX))?)?)
    };
    let mut index = read(folder.path())?;
    let made = read(own.path())?;
    for name in plugins.keys() {
        let code = format!("{name}.cwasm");
        std::fs::copy(own.path().join(&code), folder.path().join(&code))?;
        index["plugins"][name] = made["plugins"][name].clone();
    }
    std::fs::write(folder.path().join(INDEX), index.to_string())?;
    Ok(folder)
}

/// Where the real ones are: as the program looks for them.
fn built() -> anyhow::Result<PathBuf> {
    if let Some(folder) = std::env::var_os(PLUGINS_DIR) {
        return Ok(folder.into());
    }
    let binary = tidegate_testkit::tidegate::binary()?;
    let target = binary.ancestors().nth(2).unwrap_or(&binary);
    Ok(target.join("plugins/built"))
}

/// A renderer, of the text of its core module.
fn component(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut module = wat::parse_file(path)?;
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(workspace_root().join("wit/0.1"))?;
    let world = resolve.select_world(&[package], Some("render"))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
    ComponentEncoder::default()
        .validate(true)
        .module(&module)?
        .encode()
}
