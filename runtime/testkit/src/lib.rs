//! What tests (and the demo) stand on: the control plane and the `tidegate` program as child processes, a Git server
//! and a receiver of events on loopback, and the reader of cases that are text files.
//!
//! A dev-dependency: nothing that ships depends on it.

pub mod account;
pub mod case;
pub mod cluster;
pub mod control_plane;
pub mod event_receiver;
pub mod git_server;
pub mod process;
pub mod proxy;
pub mod reports;
pub mod tidegate;

pub use case::Case;
pub use cluster::{Cluster, Reference};
pub use control_plane::ControlPlane;
pub use event_receiver::EventReceiver;
pub use git_server::{GitServer, Repository};
pub use process::Process;
pub use proxy::Proxy;
pub use tidegate::{Launch, Tidegate};

/// What can go wrong while a test is set up; each message says what to do where there is something to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A program that only the set-up makes is not there.
    #[error("{what} is not built (looked at `{path}`): run `{command}`")]
    NotBuilt {
        what: &'static str,
        path: String,
        command: &'static str,
    },
    /// A child process ended, or was not ready in time.
    #[error("{what}: {why}\n{log}")]
    Process {
        what: String,
        why: String,
        log: String,
    },
    /// `git` refused.
    #[error("git {args}: {message}")]
    Git { args: String, message: String },
    /// The API server said no.
    #[error("{code} {reason}: {message}")]
    Refused {
        code: u16,
        reason: String,
        message: String,
    },
    /// The API server serves no such kind.
    #[error("the API server serves no kind {0}")]
    UnknownKind(String),
    /// A request or a wait that came to nothing.
    #[error("{0}")]
    Cluster(String),
    /// A case file that cannot be read.
    #[error("line {line}: {message}")]
    Case { line: usize, message: String },
    /// A file or a socket.
    #[error("{what}: {source}")]
    Io {
        what: String,
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Error {
        let what = what.into();
        move |source| Error::Io { what, source }
    }
}

/// The root of the workspace that the running test was compiled from.
pub fn workspace_root() -> std::path::PathBuf {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// The folder for what is built once and kept outside the clone: `${XDG_CACHE_HOME:-$HOME/.cache}/tidegate`.
pub fn cache_dir() -> std::path::PathBuf {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(std::path::PathBuf::from)
    };
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
        .join("tidegate")
}

/// A TCP port of 127.0.0.1 that nobody listens on, and that this process has not given out yet.
///
/// It is below those that systems give to connections (from 32768 on with Linux, from 49152 on elsewhere): one of them
/// may be taken by anybody's connection before somebody listens on it.
pub fn free_port() -> Result<u16, Error> {
    const PORTS: std::ops::Range<u16> = 20_000..30_000;
    static GIVEN: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let count = u32::from(PORTS.end - PORTS.start);
    // Processes that run side by side begin far from each other.
    let first = std::process::id().wrapping_mul(211);
    let mut refused = None;
    for _ in PORTS {
        let given = GIVEN.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let port = PORTS.start + u16::try_from(first.wrapping_add(given) % count).unwrap_or(0);
        match std::net::TcpListener::bind(("127.0.0.1", port)) {
            Ok(_) => return Ok(port),
            Err(error) => refused = Some(error),
        }
    }
    Err(Error::io("a free port")(
        refused.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into()),
    ))
}
