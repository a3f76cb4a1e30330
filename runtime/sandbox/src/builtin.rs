//! The folder of built-ins: one `<name>.cwasm` each, compiled by `cargo xtask plugins`, and `plugins.json` about them.
//!
//! Mapping such a file runs it as native code, so the folder must be one that only its installer can write. The
//! digests in `plugins.json` find damage and mixed-up builds; they are no defence against somebody who can write there.

use crate::engine::{self, Purpose};
use crate::error::{Cause, Error};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use tidegate_values::Digest;
use wasmtime::Engine;
use wasmtime::component::Component;

const INDEX: &str = "plugins.json";

/// The environment variable by which programs are told of the folder. They read it: this crate does not.
pub const PLUGINS_DIR: &str = "TIDEGATE_PLUGINS_DIR";

/// `plugins.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Index {
    /// What the code was compiled for: see [`compatibility`].
    compatibility: String,
    plugins: BTreeMap<String, Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    /// Digest of the component: the plugin's identity.
    component: Digest,
    /// Digest of the compiled code.
    code: Digest,
    /// Its size, in bytes.
    size: u64,
}

/// Where built-ins may be, in order.
#[derive(Debug)]
pub(crate) struct Builtins {
    folders: Vec<PathBuf>,
}

impl Builtins {
    pub(crate) fn find(folder: Option<&Path>) -> Self {
        let folders = folder.map_or_else(beside_binary, |folder| vec![folder.to_owned()]);
        Self { folders }
    }

    /// Maps the code of `name`, and gives the digest of its component.
    pub(crate) fn map(
        &self,
        engine: &Engine,
        name: &str,
        verify: bool,
    ) -> Result<(Component, Digest), Error> {
        for folder in &self.folders {
            let Ok(index) = std::fs::read(folder.join(INDEX)) else {
                continue;
            };
            let damaged = |reason: &str, source: Option<Cause>| Error::Builtin {
                name: name.to_owned(),
                folder: folder.clone(),
                reason: reason.to_owned(),
                source,
            };
            let index: Index = serde_json::from_slice(&index)
                .map_err(|error| damaged("its index can't be understood", Some(error.into())))?;
            let Some(entry) = index.plugins.get(name) else {
                continue;
            };
            let path = folder.join(format!("{name}.cwasm"));
            let lost = |error: std::io::Error| {
                damaged("the compiled code can't be read", Some(error.into()))
            };
            if std::fs::metadata(&path).map_err(lost)?.len() != entry.size {
                return Err(damaged(
                    "the compiled code has another size than recorded",
                    None,
                ));
            }
            if verify && Digest::of(&std::fs::read(&path).map_err(lost)?) != entry.code {
                return Err(damaged("the compiled code is not what was recorded", None));
            }
            #[expect(unsafe_code, reason = "compiled code is mapped as it is")]
            // SAFETY: `write_builtins` made the file, in a folder that only the installer of this binary can write.
            let component = unsafe { Component::deserialize_file(engine, &path) };
            let component = component.map_err(|error| {
                damaged("the compiled code can't be loaded", Some(error.into()))
            })?;
            return Ok((component, entry.component));
        }
        Err(Error::NoBuiltin {
            name: name.to_owned(),
            folders: self.folders.clone(),
        })
    }
}

/// Beside the installed binary; and, in a build folder, where `cargo xtask plugins` puts them: the binary is in
/// `<target>/<profile>/`, tests and examples one deeper.
fn beside_binary() -> Vec<PathBuf> {
    let Ok(binary) = std::env::current_exe() else {
        return Vec::new();
    };
    let mut folders = Vec::new();
    for (up, folder) in
        binary
            .ancestors()
            .skip(1)
            .zip(["plugins", "plugins/built", "plugins/built"])
    {
        folders.push(up.join(folder));
    }
    folders
}

/// Compiles components as built-ins and fills `folder` with them. Files of an earlier build are replaced one by one,
/// each at once, so that a process which has them mapped keeps what it has.
pub fn write_builtins(folder: &Path, components: &[(String, Vec<u8>)]) -> Result<(), Error> {
    let engine = engine::engine(Purpose::Precompile)?;
    let mut index = Index {
        compatibility: compatibility(&engine),
        plugins: BTreeMap::new(),
    };
    for (name, wasm) in components {
        let failed = |reason: &str, cause: Cause| Error::Builtin {
            name: name.clone(),
            folder: folder.to_owned(),
            reason: reason.to_owned(),
            source: Some(cause),
        };
        let code = engine
            .precompile_component(wasm)
            .map_err(|error| failed("it can't be compiled", error.into()))?;
        let write = |file: String, bytes: &[u8]| {
            replace(&folder.join(file), bytes)
                .map_err(|error| failed("it can't be written", error.into()))
        };
        write(format!("{name}.wasm"), wasm)?;
        write(format!("{name}.cwasm"), &code)?;
        let entry = Entry {
            component: Digest::of(wasm),
            code: Digest::of(&code),
            size: code.len() as u64,
        };
        index.plugins.insert(name.clone(), entry);
    }
    let text = serde_json::to_vec_pretty(&index).map_err(|error| Error::Engine(error.into()))?;
    replace(&folder.join(INDEX), &text).map_err(|error| Error::Builtin {
        name: INDEX.to_owned(),
        folder: folder.to_owned(),
        reason: "it can't be written".to_owned(),
        source: Some(error.into()),
    })
}

/// Does `folder` hold exactly these components, compiled by this very engine, whole?
pub fn holds_builtins(folder: &Path, components: &[(String, Vec<u8>)]) -> Result<bool, Error> {
    let Ok(index) = std::fs::read(folder.join(INDEX)) else {
        return Ok(false);
    };
    let Ok(index) = serde_json::from_slice::<Index>(&index) else {
        return Ok(false);
    };
    if index.compatibility != builtin_compatibility()? || index.plugins.len() != components.len() {
        return Ok(false);
    }
    Ok(components.iter().all(|(name, wasm)| {
        let code = std::fs::read(folder.join(format!("{name}.cwasm")));
        index.plugins.get(name).is_some_and(|entry| {
            entry.component == Digest::of(wasm)
                && code.is_ok_and(|code| entry.code == Digest::of(&code))
        })
    }))
}

/// Names everything on which compiled code of built-ins depends besides the component: wasmtime's version, the
/// engine's configuration, the processor family. Equal texts mean that files can be used as they are.
pub fn builtin_compatibility() -> Result<String, Error> {
    Ok(compatibility(&engine::engine(Purpose::Precompile)?))
}

pub(crate) fn compatibility(engine: &Engine) -> String {
    // `DefaultHasher::new` has fixed keys: the same in every process of one toolchain.
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let new = path.with_extension("new");
    std::fs::write(&new, bytes)?;
    std::fs::rename(new, path)
}
