//! Real Git repositories over smart HTTP on loopback: `git http-backend` behind a small server.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Runtime;

use crate::Error;

/// Git's own settings stay out: the same commits on every machine.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_AUTHOR_NAME", "Tidegate"),
    ("GIT_AUTHOR_EMAIL", "tidegate@example.test"),
    ("GIT_COMMITTER_NAME", "Tidegate"),
    ("GIT_COMMITTER_EMAIL", "tidegate@example.test"),
    ("GIT_TERMINAL_PROMPT", "0"),
];

/// Who may read; everybody when nothing is set.
#[derive(Debug, Clone, Default)]
pub enum Access {
    /// No credentials are asked for.
    #[default]
    Anonymous,
    /// HTTP basic authentication.
    Basic { username: String, password: String },
    /// A bearer token.
    Bearer(String),
}

impl Access {
    fn header(&self) -> Option<String> {
        match self {
            Access::Anonymous => None,
            Access::Basic { username, password } => Some(format!(
                "Basic {}",
                STANDARD.encode(format!("{username}:{password}"))
            )),
            Access::Bearer(token) => Some(format!("Bearer {token}")),
        }
    }
}

/// A server of repositories; ends when dropped.
#[derive(Debug)]
pub struct GitServer {
    address: SocketAddr,
    state: Arc<Served>,
    folder: PathBuf,
    runtime: Option<Runtime>,
    _temporary: Option<TempDir>,
}

#[derive(Debug)]
struct Served {
    root: PathBuf,
    authorization: Option<String>,
    down: AtomicBool,
    /// The paths of single repositories that are down.
    down_paths: Mutex<BTreeSet<String>>,
    delay_ms: AtomicU64,
    requests: AtomicUsize,
}

impl Served {
    /// A poisoned set is as good as another: each change of it is one call.
    fn down_paths(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.down_paths
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn is_down(&self, path: &str) -> bool {
        let one = || self.down_paths().iter().any(|down| path.starts_with(down));
        self.down.load(Ordering::Relaxed) || one()
    }
}

impl GitServer {
    /// Serves to anybody, from a temporary folder.
    pub fn start() -> Result<GitServer, Error> {
        GitServer::start_with(&Access::Anonymous)
    }

    /// Serves to those who have the credentials, from a temporary folder.
    pub fn start_with(access: &Access) -> Result<GitServer, Error> {
        let temporary =
            TempDir::with_prefix("tidegate-git-").map_err(Error::io("a temporary folder"))?;
        let folder = temporary.path().to_path_buf();
        GitServer::start_at(folder, access, Some(temporary))
    }

    /// Serves from a folder that is kept at the end.
    pub fn start_in(folder: PathBuf) -> Result<GitServer, Error> {
        GitServer::start_at(folder, &Access::Anonymous, None)
    }

    fn start_at(
        folder: PathBuf,
        access: &Access,
        temporary: Option<TempDir>,
    ) -> Result<GitServer, Error> {
        let root = folder.join("served");
        std::fs::create_dir_all(&root).map_err(Error::io(root.display().to_string()))?;
        let state = Arc::new(Served {
            root,
            authorization: access.header(),
            down: AtomicBool::new(false),
            down_paths: Mutex::default(),
            delay_ms: AtomicU64::new(0),
            requests: AtomicUsize::new(0),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("git-server")
            .enable_all()
            .build()
            .map_err(Error::io("the Git server"))?;
        let listener =
            std::net::TcpListener::bind("127.0.0.1:0").map_err(Error::io("the Git server"))?;
        listener
            .set_nonblocking(true)
            .map_err(Error::io("the Git server"))?;
        let address = listener.local_addr().map_err(Error::io("the Git server"))?;
        let router = axum::Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&state));
        let guard = runtime.enter();
        let listener =
            tokio::net::TcpListener::from_std(listener).map_err(Error::io("the Git server"))?;
        drop(guard);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(GitServer {
            address,
            state,
            folder,
            runtime: Some(runtime),
            _temporary: temporary,
        })
    }

    /// The address of a repository, there or not.
    pub fn url(&self, name: &str) -> String {
        format!("http://{}/{name}.git", self.address)
    }

    /// While it is down, every request gets 503.
    pub fn set_down(&self, down: bool) {
        self.state.down.store(down, Ordering::Relaxed);
    }

    /// The same for one repository.
    pub fn set_repository_down(&self, name: &str, down: bool) {
        let path = format!("/{name}.git/");
        let mut paths = self.state.down_paths();
        if down {
            paths.insert(path);
        } else {
            paths.remove(&path);
        }
    }

    /// Each request waits this long before it is looked at.
    pub fn set_delay(&self, delay: Duration) {
        let delay = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.state.delay_ms.store(delay, Ordering::Relaxed);
    }

    /// How many requests came so far, refused ones included.
    pub fn requests(&self) -> usize {
        self.state.requests.load(Ordering::Relaxed)
    }

    /// The repository `name` (a name, or a path like `team/app`), made when it is not there, with `main` checked out.
    pub fn repository(&self, name: &str) -> Result<Repository, Error> {
        self.repository_in(name, "sha1")
    }

    /// The same; one that is not there is made with objects named by `format`, `sha1` or `sha256`.
    pub fn repository_in(&self, name: &str, format: &str) -> Result<Repository, Error> {
        let bare = self.state.root.join(format!("{name}.git"));
        let repository = Repository {
            bare,
            tree: self.folder.join("trees").join(name),
            url: self.url(name),
        };
        if !repository.bare.exists() {
            for folder in [&repository.bare, &repository.tree] {
                std::fs::create_dir_all(folder).map_err(Error::io(folder.display().to_string()))?;
            }
            let format = format!("--object-format={format}");
            repository.git(&[
                "init",
                "--quiet",
                "--bare",
                "--initial-branch=main",
                &format,
                ".",
            ])?;
            // Any commit may be asked for by its hash, as on the large hosts.
            repository.git(&["config", "uploadpack.allowAnySHA1InWant", "true"])?;
            repository.git(&["config", "uploadpack.allowFilter", "true"])?;
        }
        Ok(repository)
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        // In the background: a runtime may not be awaited where a test's own runtime drops it.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// One repository of a [`GitServer`] and a work tree of it.
#[derive(Debug, Clone)]
pub struct Repository {
    bare: PathBuf,
    tree: PathBuf,
    url: String,
}

impl Repository {
    /// The address it is served at.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The bare repository itself.
    pub fn git_dir(&self) -> &Path {
        &self.bare
    }

    /// The work tree: what is changed here is part of the next commit.
    pub fn tree(&self) -> &Path {
        &self.tree
    }

    /// Writes a file of the work tree, with the folders above it.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> Result<(), Error> {
        let path = self.tree.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io(folder.display().to_string()))?;
        }
        std::fs::write(&path, content).map_err(Error::io(path.display().to_string()))
    }

    /// Removes a file or a folder of the work tree.
    pub fn remove(&self, path: &str) -> Result<(), Error> {
        let path = self.tree.join(path);
        let removed = if path.is_dir() {
            std::fs::remove_dir_all(&path)
        } else {
            std::fs::remove_file(&path)
        };
        removed.map_err(Error::io(path.display().to_string()))
    }

    /// Makes a symbolic link in the work tree, in the place of what stands there.
    pub fn link(&self, path: &str, target: &str) -> Result<(), Error> {
        // Also makes the folders above it.
        self.write(path, "")?;
        self.remove(path)?;
        let link = self.tree.join(path);
        std::os::unix::fs::symlink(target, &link).map_err(Error::io(link.display().to_string()))
    }

    /// Puts the head of another repository at a path, as a submodule. `.gitmodules` is the caller's.
    pub fn submodule(&self, path: &str, of: &Repository) -> Result<(), Error> {
        // Git keeps a submodule in the index as long as its folder is there.
        let folder = self.tree.join(path);
        std::fs::create_dir_all(&folder).map_err(Error::io(folder.display().to_string()))?;
        let entry = format!("160000,{},{path}", of.head()?);
        self.work(&["update-index", "--add", "--cacheinfo", &entry])
            .map(drop)
    }

    /// Commits the work tree as it is to the branch that is checked out. Returns the hash of the commit.
    pub fn commit(&self, message: &str) -> Result<String, Error> {
        self.work(&["add", "--all", "--force", "."])?;
        self.work(&["commit", "--quiet", "--allow-empty", "--message", message])?;
        self.head()
    }

    /// The hash of the commit that is checked out.
    pub fn head(&self) -> Result<String, Error> {
        self.hash("HEAD")
    }

    /// The hash of the commit that a branch, a tag or any other expression of Git's stands for.
    pub fn hash(&self, revision: &str) -> Result<String, Error> {
        self.git(&["rev-parse", "--verify", &format!("{revision}^{{commit}}")])
    }

    /// Checks a branch out, made at the current commit when it is not there.
    pub fn checkout(&self, branch: &str) -> Result<(), Error> {
        let reference = format!("refs/heads/{branch}");
        if self
            .git(&["rev-parse", "--quiet", "--verify", &reference])
            .is_ok()
        {
            self.work(&["checkout", "--quiet", "--force", branch])
                .map(drop)
        } else {
            self.work(&["checkout", "--quiet", "-b", branch]).map(drop)
        }
    }

    /// Sets a tag at the current commit; an annotated one with a message.
    pub fn tag(&self, name: &str, message: Option<&str>) -> Result<(), Error> {
        match message {
            Some(message) => self
                .git(&["tag", "--force", "--annotate", "--message", message, name])
                .map(drop),
            None => self.git(&["tag", "--force", name]).map(drop),
        }
    }

    /// Runs `git` on the repository. Returns what it printed, without the last line end.
    pub fn git(&self, args: &[&str]) -> Result<String, Error> {
        run(&self.bare, &[], args)
    }

    fn work(&self, args: &[&str]) -> Result<String, Error> {
        let bare = format!("--git-dir={}", self.bare.display());
        let tree = format!("--work-tree={}", self.tree.display());
        run(&self.tree, &[&bare, &tree], args)
    }
}

fn run(folder: &Path, before: &[&str], args: &[&str]) -> Result<String, Error> {
    let output = std::process::Command::new("git")
        .args(before)
        .args(args)
        .current_dir(folder)
        .envs(ENVIRONMENT.iter().copied())
        .stdin(Stdio::null())
        .output()
        .map_err(Error::io("starting git"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned());
    }
    Err(Error::Git {
        args: args.join(" "),
        message: String::from_utf8_lossy(&output.stderr)
            .trim_end()
            .to_owned(),
    })
}

async fn answer(State(served): State<Arc<Served>>, request: Request<Body>) -> Response<Body> {
    served.requests.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(
        served.delay_ms.load(Ordering::Relaxed),
    ))
    .await;
    if served.is_down(request.uri().path()) {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "down");
    }
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    if served.authorization.is_some() && given != served.authorization.as_deref() {
        let mut response = plain(StatusCode::UNAUTHORIZED, "who are you?");
        response.headers_mut().insert(
            header::WWW_AUTHENTICATE,
            header::HeaderValue::from_static("Basic realm=\"git\""),
        );
        return response;
    }
    match backend(&served.root, request).await {
        Ok(response) => response,
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, &error),
    }
}

fn plain(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{text}\n")));
    *response.status_mut() = status;
    response
}

/// One CGI call of `git http-backend`.
async fn backend(root: &Path, request: Request<Body>) -> Result<Response<Body>, String> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX)
        .await
        .map_err(|error| error.to_string())?;
    let text = |headers: &HeaderMap, name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let mut child = tokio::process::Command::new("git")
        .arg("http-backend")
        .envs(ENVIRONMENT.iter().copied())
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", head.method.as_str())
        .env("PATH_INFO", head.uri.path())
        .env("QUERY_STRING", head.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", text(&head.headers, "content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env(
            "HTTP_CONTENT_ENCODING",
            text(&head.headers, "content-encoding"),
        )
        .env("GIT_PROTOCOL", text(&head.headers, "git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("git http-backend: {error}"))?;
    let mut stdin = child.stdin.take().ok_or("git http-backend: no stdin")?;
    // Beside the reading: neither side may wait for the other's pipe. A backend that does not want the body closes it.
    let feed = async move {
        let _ = stdin.write_all(&body).await;
    };
    let ((), output) = tokio::join!(feed, child.wait_with_output());
    let output = output.map_err(|error| error.to_string())?.stdout;
    let split = output
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .ok_or("git http-backend: no header")?;
    let mut response = Response::new(Body::from(output[split + 4..].to_vec()));
    for line in String::from_utf8_lossy(&output[..split]).split("\r\n") {
        let Some((name, value)) = line.split_once(": ") else {
            continue;
        };
        if name == "Status" {
            let code = value
                .split(' ')
                .next()
                .and_then(|code| code.parse().ok())
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            *response.status_mut() = code;
        } else if let (Ok(name), Ok(value)) = (
            header::HeaderName::try_from(name),
            header::HeaderValue::try_from(value),
        ) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}
