//! The `tidegate` program as a child process.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::{Error, Process, free_port};

/// A running `tidegate run` with ports and storage of its own. Ends when dropped.
#[derive(Debug)]
pub struct Tidegate {
    process: Process,
    launch: Launch,
    ports: Ports,
    _temporary: Option<TempDir>,
}

/// The loopback ports of one engine.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// Artifacts over HTTP.
    pub artifacts: u16,
    /// Prometheus metrics.
    pub metrics: u16,
    /// `/healthz` and `/readyz`.
    pub health: u16,
}

impl Ports {
    /// Three free ports.
    pub fn free() -> Result<Ports, Error> {
        Ok(Ports {
            artifacts: free_port()?,
            metrics: free_port()?,
            health: free_port()?,
        })
    }

    /// The arguments that make the engine use them.
    pub fn args(&self) -> [String; 4] {
        [
            format!("--storage-addr=127.0.0.1:{}", self.artifacts),
            format!("--storage-adv-addr=127.0.0.1:{}", self.artifacts),
            format!("--metrics-addr=127.0.0.1:{}", self.metrics),
            format!("--health-addr=127.0.0.1:{}", self.health),
        ]
    }
}

/// How an engine is started.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The program.
    pub binary: PathBuf,
    /// The cluster.
    pub kubeconfig: PathBuf,
    /// Gets the storage (`data/`) and the log.
    pub folder: PathBuf,
    /// Arguments after those for ports and storage.
    pub args: Vec<String>,
    /// Variables besides those of the caller. `RUNTIME_NAMESPACE` is `flux-system` where it is not among them.
    pub environment: Vec<(OsString, OsString)>,
}

impl Tidegate {
    /// Starts `tidegate run` against a cluster, with `args` after those for ports and storage, and waits until it is
    /// ready. Its namespace (`RUNTIME_NAMESPACE`) is `flux-system`.
    pub fn start(kubeconfig: &Path, args: &[&str]) -> Result<Tidegate, Error> {
        Tidegate::start_with(kubeconfig, args, &[])
    }

    /// The same with variables besides those of the caller.
    pub fn start_with(
        kubeconfig: &Path,
        args: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Tidegate, Error> {
        let temporary =
            TempDir::with_prefix("tidegate-run-").map_err(Error::io("a temporary folder"))?;
        let launch = Launch {
            binary: binary()?,
            kubeconfig: kubeconfig.to_path_buf(),
            folder: temporary.path().to_path_buf(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            environment: environment
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        };
        Tidegate::start_at(launch, Some(temporary))
    }

    /// Starts `binary` with its storage and its log in `folder`, which is kept at the end.
    pub fn start_in<A: AsRef<str>>(
        binary: &Path,
        kubeconfig: &Path,
        folder: PathBuf,
        args: &[A],
    ) -> Result<Tidegate, Error> {
        Tidegate::launch(Launch {
            binary: binary.to_path_buf(),
            kubeconfig: kubeconfig.to_path_buf(),
            folder,
            args: args.iter().map(|arg| arg.as_ref().to_owned()).collect(),
            environment: Vec::new(),
        })
    }

    /// As [`Tidegate::start`], with everything said; the folder is kept at the end.
    pub fn launch(launch: Launch) -> Result<Tidegate, Error> {
        Tidegate::start_at(launch, None)
    }

    fn start_at(launch: Launch, temporary: Option<TempDir>) -> Result<Tidegate, Error> {
        let ports = Ports::free()?;
        let process = spawn(&launch, ports)?;
        let mut engine = Tidegate {
            process,
            launch,
            ports,
            _temporary: temporary,
        };
        engine.wait_ready()?;
        Ok(engine)
    }

    /// Whether the program runs.
    pub fn is_running(&mut self) -> bool {
        self.process.exited().is_none()
    }

    /// Starts the program again in the same way, folder and ports, after it was killed or has ended.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.process = spawn(&self.launch, self.ports)?;
        self.wait_ready()
    }

    fn wait_ready(&mut self) -> Result<(), Error> {
        let health = self.ports.health;
        self.process
            .wait_until("/readyz", Duration::from_mins(1), || {
                matches!(http_get(health, "/readyz"), Some((200, _))).then_some(())
            })
    }

    /// The child process: its id, its log, killing it.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Where it listens.
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// The folder of its storage (`data/`) and its log.
    pub fn folder(&self) -> &Path {
        &self.launch.folder
    }

    /// The text of `/metrics`.
    pub fn metrics(&self) -> Option<String> {
        http_get(self.ports.metrics, "/metrics")
            .filter(|(status, _)| *status == 200)
            .map(|(_, body)| body)
    }
}

fn spawn(launch: &Launch, ports: Ports) -> Result<Process, Error> {
    let data = launch.folder.join("data");
    std::fs::create_dir_all(&data).map_err(Error::io(data.display().to_string()))?;
    let mut storage = OsString::from("--storage-path=");
    storage.push(&data);
    let mut args: Vec<OsString> = vec!["run".into(), storage];
    args.extend(ports.args().into_iter().map(OsString::from));
    args.extend(launch.args.iter().map(OsString::from));
    let mut environment: Vec<(OsString, OsString)> =
        vec![("RUNTIME_NAMESPACE".into(), "flux-system".into())];
    // The last of a name counts.
    environment.extend(launch.environment.iter().cloned());
    environment.push((
        "KUBECONFIG".into(),
        launch.kubeconfig.clone().into_os_string(),
    ));
    Process::start(
        "tidegate",
        &launch.binary,
        args,
        environment,
        &launch.folder,
    )
}

/// The program: `TIDEGATE_BIN`, else the one that cargo put beside the running test.
pub fn binary() -> Result<PathBuf, Error> {
    let path = if let Some(path) = std::env::var_os("TIDEGATE_BIN") {
        PathBuf::from(path)
    } else {
        let test = std::env::current_exe().map_err(Error::io("the test's own path"))?;
        test.ancestors().nth(2).unwrap_or(&test).join("tidegate")
    };
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::NotBuilt {
        what: "tidegate",
        path: path.display().to_string(),
        command: "cargo build -p tidegate",
    })
}

/// Status and body of a GET on a loopback port; none when there is no answer.
pub fn http_get(port: u16, path: &str) -> Option<(u16, String)> {
    let (status, body) = http_get_bytes(port, path)?;
    Some((status, String::from_utf8_lossy(&body).into_owned()))
}

/// The same for a body that is no text.
pub fn http_get_bytes(port: u16, path: &str) -> Option<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let split = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let body = answer.split_off(split + 4);
    let head = String::from_utf8_lossy(&answer);
    Some((head.split(' ').nth(1)?.parse().ok()?, body))
}
