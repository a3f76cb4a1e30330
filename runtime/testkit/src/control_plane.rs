//! The control plane of `tests/controlplane` as a child process.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::{Error, Process, cache_dir, workspace_root};

const NOT_BUILT: &str = "cargo xtask controlplane";
/// Generous: six planes may start at once on two cores.
const START_LIMIT: Duration = Duration::from_secs(150);

/// A running control plane: etcd, kube-apiserver, controllers, and pods that become ready. Ends when dropped.
#[derive(Debug)]
pub struct ControlPlane {
    process: Process,
    folder: PathBuf,
    _temporary: Option<TempDir>,
}

impl ControlPlane {
    /// Starts one; takes about four seconds.
    pub fn start() -> Result<ControlPlane, Error> {
        ControlPlane::start_with(&[])
    }

    /// Starts one with further arguments of its own (`--apiserver-args …`, `--controllers …`).
    pub fn start_with(args: &[&str]) -> Result<ControlPlane, Error> {
        let temporary = TempDir::with_prefix("tidegate-controlplane-")
            .map_err(Error::io("a temporary folder"))?;
        let folder = temporary.path().join("plane");
        ControlPlane::start_at(&binary()?, folder, args, Some(temporary))
    }

    /// Starts `binary` with its state in `folder`, which is kept at the end.
    pub fn start_in(binary: &Path, folder: PathBuf) -> Result<ControlPlane, Error> {
        ControlPlane::start_at(binary, folder, &[], None)
    }

    fn start_at(
        binary: &Path,
        folder: PathBuf,
        args: &[&str],
        temporary: Option<TempDir>,
    ) -> Result<ControlPlane, Error> {
        std::fs::create_dir_all(&folder).map_err(Error::io(folder.display().to_string()))?;
        let ready = folder.join("ready");
        let _ = std::fs::remove_file(&ready);
        let mut all = vec![OsStr::new("--dir"), folder.as_os_str()];
        if temporary.is_some() {
            // A plane in a static is ended by the closing of its stdin, when nobody is left to remove the folder.
            all.push(OsStr::new("--remove-dir"));
        }
        all.extend(args.iter().map(OsStr::new));
        let logs = folder.parent().unwrap_or(&folder);
        let mut process = Process::start("controlplane", binary, all, [], logs)?;
        process.wait_until("the API server", START_LIMIT, || {
            ready.exists().then_some(())
        })?;
        Ok(ControlPlane {
            process,
            folder,
            _temporary: temporary,
        })
    }

    /// The one of this test program, started by the first caller. Tests that share it use a namespace each.
    ///
    /// # Panics
    /// When it cannot be started, with the reason.
    pub fn shared() -> &'static ControlPlane {
        static SHARED: OnceLock<ControlPlane> = OnceLock::new();
        SHARED.get_or_init(|| match ControlPlane::start() {
            Ok(plane) => plane,
            Err(error) => panic!("{error}"),
        })
    }

    /// A kubeconfig of a cluster administrator.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// The child process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// The program: `TIDEGATE_CONTROLPLANE`, else what `cargo xtask` built from the sources of this workspace.
pub fn binary() -> Result<PathBuf, Error> {
    let path = match std::env::var_os("TIDEGATE_CONTROLPLANE") {
        Some(path) => PathBuf::from(path),
        None => cached_binary(&workspace_root())?,
    };
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::NotBuilt {
        what: "the control plane",
        path: path.display().to_string(),
        command: NOT_BUILT,
    })
}

/// Where the program built from the sources below `root` is kept, built or not: the folder's name is their digest.
pub fn cached_binary(root: &Path) -> Result<PathBuf, Error> {
    let sources = root.join("tests/controlplane");
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(&sources).map_err(Error::io(sources.display().to_string()))? {
        let entry = entry.map_err(Error::io(sources.display().to_string()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("go.") || Path::new(&name).extension().is_some_and(|end| end == "go") {
            files.insert(
                name,
                std::fs::read(entry.path())
                    .map_err(Error::io(entry.path().display().to_string()))?,
            );
        }
    }
    let mut digest = Sha256::new();
    for (name, content) in &files {
        digest.update(format!("{name} {}\n", content.len()));
        digest.update(content);
    }
    let digest = hex::encode(digest.finalize());
    Ok(cache_dir()
        .join("controlplane")
        .join(&digest[..16])
        .join("controlplane"))
}
