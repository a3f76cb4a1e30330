//! Compiled code of tenants' plugins on disk. Loading such a file runs it as native code, so a file counts only when
//! its authentication code, made with a key that no plugin ever sees, is right; anything else is compiled anew.

use crate::error::Error;
use crate::sandbox::CompiledCodeFolder;
use crate::{builtin, inspect};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use tidegate_values::{Digest, Secret};
use wasmtime::Engine;
use wasmtime::component::Component;

const MAGIC: &[u8] = b"tidegate-code-1\n";
const TAG: usize = 32;
/// Larger files are not ours: they are not read.
const SIZE_MAX: u64 = 1024 * 1024 * 1024;

pub(crate) struct CompiledCode {
    folder: PathBuf,
    key: Secret,
}

impl CompiledCode {
    /// Makes the folder if need be, and takes it away from everybody else.
    pub(crate) fn open(config: &CompiledCodeFolder) -> Result<Self, Error> {
        let failed = |error: std::io::Error| Error::CompiledCode {
            folder: config.folder.clone(),
            source: error.into(),
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&config.folder)
            .map_err(failed)?;
        let found = std::fs::symlink_metadata(&config.folder).map_err(failed)?;
        if !found.is_dir() {
            return Err(failed(std::io::Error::other("it is a link")));
        }
        if found.permissions().mode() & 0o077 != 0 {
            std::fs::set_permissions(&config.folder, Permissions::from_mode(0o700))
                .map_err(failed)?;
        }
        Ok(Self {
            folder: config.folder.clone(),
            key: config.key.clone(),
        })
    }

    pub(crate) fn load_or_compile(
        &self,
        engine: &Engine,
        digest: Digest,
        wasm: &[u8],
    ) -> Result<Component, Error> {
        // The name says what the file is for; it is authenticated with the content, so files cannot be swapped.
        let name = format!("{}-{}", digest.hex(), builtin::compatibility(engine));
        let path = self.folder.join(&name);
        if let Some(code) = self.read(&path, &name) {
            #[expect(unsafe_code, reason = "compiled code is loaded as it is")]
            // SAFETY: the authentication code proves that this process, or one that shares its key, compiled it for
            // this very engine; the bytes checked are the bytes loaded.
            let component = unsafe { Component::deserialize(engine, &code) };
            match component {
                Ok(component) => return Ok(component),
                Err(error) => {
                    tracing::warn!(%error, file = name, "compiled code could not be loaded");
                }
            }
        }
        let component = inspect::compile(engine, wasm)?;
        if let Err(error) = self.write(&path, &name, &component) {
            tracing::warn!(%error, file = name, "compiled code could not be kept");
        }
        Ok(component)
    }

    /// The code in `path`, when it is authentic. Opened once, read once.
    fn read(&self, path: &Path, name: &str) -> Option<Vec<u8>> {
        let named = std::fs::symlink_metadata(path).ok()?;
        let mut file = File::open(path).ok()?;
        let opened = file.metadata().ok()?;
        if !opened.is_file() || opened.ino() != named.ino() || opened.dev() != named.dev() {
            tracing::warn!(file = name, "compiled code is no plain file");
            return None;
        }
        if opened.len() > SIZE_MAX {
            return None;
        }
        let mut content = Vec::with_capacity(usize::try_from(opened.len()).ok()?);
        Read::by_ref(&mut file)
            .take(SIZE_MAX)
            .read_to_end(&mut content)
            .ok()?;
        let rest = content.strip_prefix(MAGIC)?;
        let (tag, code) = rest.split_at_checked(TAG)?;
        if self.mac(name, code)?.verify_slice(tag).is_err() {
            tracing::warn!(file = name, "compiled code is not authentic");
            return None;
        }
        Some(code.to_vec())
    }

    fn write(&self, path: &Path, name: &str, component: &Component) -> std::io::Result<()> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let code = component.serialize().map_err(std::io::Error::other)?;
        let tag = self
            .mac(name, &code)
            .ok_or_else(|| std::io::Error::other("HMAC refused its key"))?;
        let unique = NEXT.fetch_add(1, Ordering::Relaxed);
        let new = self
            .folder
            .join(format!("new-{}-{unique}", std::process::id()));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(MAGIC)?;
        file.write_all(&tag.finalize().into_bytes())?;
        file.write_all(&code)?;
        std::fs::rename(new, path)
    }

    fn mac(&self, name: &str, code: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(self.key.expose()).ok()?;
        mac.update(&(name.len() as u64).to_be_bytes());
        mac.update(name.as_bytes());
        mac.update(code);
        Some(mac)
    }
}
