//! `tidegate run` with API servers that little or nothing can be done with.

use anyhow::Context as _;
use anyhow::ensure;
use libtest_mimic::Failed;
use libtest_mimic::Trial;
use serde_json::Value;
use serde_json::json;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use tempfile::TempDir;
use tidegate_testkit::Process;

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, play: fn() -> anyhow::Result<()>| {
        Trial::test(name, move || {
            play().map_err(|error| Failed::from(format!("{error:#}")))
        })
    };
    vec![
        trial("api-server-not-there", api_server_not_there),
        trial(
            "told-to-stop-without-an-api-server",
            told_to_stop_without_an_api_server,
        ),
        trial("credentials-not-accepted", credentials_not_accepted),
        trial(
            "told-to-stop-without-any-right",
            told_to_stop_without_any_right,
        ),
        trial("lost-leases-are-logged", lost_leases_are_logged),
        trial("plugins-that-are-not-there", plugins_that_are_not_there),
    ]
}

/// Far more than it takes on a busy machine, and far less than reconciles under way are waited for.
const SOON: Duration = Duration::from_secs(7);

/// A `tidegate run`.
struct Started {
    process: Process,
    _folder: TempDir,
}

impl Started {
    fn at(server: &str, more: &[&str]) -> anyhow::Result<Self> {
        Self::in_environment(server, more, None)
    }

    fn in_environment(
        server: &str,
        more: &[&str],
        variable: Option<(&str, &Path)>,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let kubeconfig = folder.path().join("kubeconfig");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "a",
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
            "clusters": [{"name": "a", "cluster": {"server": server}}],
            "users": [{"name": "a", "user": {"token": "not-to-be-shown"}}],
        });
        std::fs::write(&kubeconfig, config.to_string())?;
        let data = folder.path().join("data");
        std::fs::create_dir(&data)?;
        let arguments = [
            "run".to_owned(),
            format!("--kubeconfig={}", kubeconfig.display()),
            format!("--storage-path={}", data.display()),
            "--storage-addr=127.0.0.1:0".to_owned(),
            "--metrics-addr=0".to_owned(),
            "--health-addr=0".to_owned(),
        ];
        let program = Path::new(env!("CARGO_BIN_EXE_tidegate"));
        let arguments = arguments
            .iter()
            .map(String::as_str)
            .chain(more.iter().copied());
        let variable = variable.map(|(name, value)| (name.into(), value.into()));
        let process = Process::start("tidegate", program, arguments, variable, folder.path())?;
        Ok(Self {
            process,
            _folder: folder,
        })
    }

    fn wait_for(&mut self, text: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_mins(1);
        while !self.process.log().contains(text) {
            ensure!(
                Instant::now() < deadline,
                "no {text:?} in\n{}",
                self.process.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn end(&mut self) -> anyhow::Result<ExitStatus> {
        let deadline = Instant::now() + Duration::from_mins(2);
        loop {
            if let Some(status) = self.process.exited() {
                return Ok(status);
            }
            ensure!(Instant::now() < deadline, "{}", self.process.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What was logged, each line of it JSON: level, text and error.
    fn lines(&self) -> anyhow::Result<Vec<[String; 3]>> {
        let log = self.process.log();
        ensure!(!log.contains("not-to-be-shown"), "{log}");
        let line = |line: &str| -> anyhow::Result<[String; 3]> {
            let line: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
            Ok(["level", "msg", "error"]
                .map(|name| line[name].as_str().unwrap_or_default().to_owned()))
        };
        log.lines().map(line).collect()
    }
}

/// The address of a server that answers so to every request, by its method and path.
fn server(answer: impl Fn(&str, &str) -> (u16, Value) + Send + 'static) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 8192];
            let count = stream.read(&mut request).unwrap_or_default();
            let request = String::from_utf8_lossy(&request[..count]).into_owned();
            let mut words = request.split(' ');
            let mut word = || words.next().unwrap_or_default();
            let (code, body) = answer(word(), word());
            let body = body.to_string();
            let _ = write!(
                stream,
                "HTTP/1.1 {code} Answer\r\ncontent-type: application/json\r\nconnection: close\r\n\
                 content-length: {}\r\n\r\n{body}",
                body.len()
            );
        }
    });
    Ok(address)
}

fn refusal(code: u16, reason: &str) -> (u16, Value) {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure",
        "message": reason, "reason": reason, "code": code,
    });
    (code, status)
}

fn nobody() -> anyhow::Result<String> {
    Ok(format!(
        "http://127.0.0.1:{}",
        tidegate_testkit::free_port()?
    ))
}

fn api_server_not_there() -> anyhow::Result<()> {
    let server = nobody()?;
    let mut started = Started::at(&server, &[])?;
    let ended = started.end()?;
    let lines = started.lines()?;
    ensure!(ended.code() == Some(1), "{ended}: {lines:?}");
    let error =
        format!("the API server {server} can't be reached: Connection refused (os error 111)");
    let (last, tries) = lines.split_last().context("a line")?;
    let wanted = ["error", "unable to start", &error];
    ensure!(*last == wanted, "{last:?}");
    ensure!(tries.len() > 2, "{tries:?}");
    for line in tries {
        let wanted = ["error", "failed to begin, trying again", &error];
        ensure!(*line == wanted, "{line:?}");
    }
    Ok(())
}

fn told_to_stop_without_an_api_server() -> anyhow::Result<()> {
    let mut started = Started::at(&nobody()?, &[])?;
    started.wait_for("trying again")?;
    let ended = started.process.terminate(SOON)?;
    ensure!(ended.success(), "{ended}: {}", started.process.log());
    Ok(())
}

fn credentials_not_accepted() -> anyhow::Result<()> {
    let server = server(|_, _| refusal(401, "Unauthorized"))?;
    let mut started = Started::at(&server, &[])?;
    started.wait_for("trying again")?;
    let ended = started.process.terminate(SOON)?;
    ensure!(ended.success(), "{ended}: {}", started.process.log());
    let lines = started.lines()?;
    let error = format!("the API server {server} does not accept the credentials: Unauthorized");
    let wanted = ["error", "failed to begin, trying again", &error];
    ensure!(
        lines.first().is_some_and(|line| *line == wanted),
        "{lines:?}"
    );
    ensure!(!started.process.log().contains("right"), "{lines:?}");
    Ok(())
}

fn version() -> (u16, Value) {
    let version = json!({
        "major": "1", "minor": "34", "gitVersion": "v1.34.1", "gitCommit": "", "gitTreeState": "",
        "buildDate": "", "goVersion": "", "compiler": "", "platform": "",
    });
    (200, version)
}

/// Whoever never gets a list has nothing to end.
fn told_to_stop_without_any_right() -> anyhow::Result<()> {
    let server = server(|_, path| match path {
        "/version" => version(),
        _ => refusal(403, "Forbidden"),
    })?;
    let mut started = Started::at(&server, &[])?;
    started.wait_for("no right to list kustomizations")?;
    let ended = started.process.terminate(SOON)?;
    ensure!(ended.success(), "{ended}: {}", started.process.log());
    Ok(())
}

fn lost_leases_are_logged() -> anyhow::Result<()> {
    let is_taken = AtomicBool::new(false);
    let server = server(move |method, path| match method {
        _ if path == "/version" => version(),
        "POST" => {
            is_taken.store(true, Ordering::Relaxed);
            (201, json!({"metadata": {"name": "lease"}}))
        }
        _ if path.contains("/leases/") && !is_taken.load(Ordering::Relaxed) => {
            refusal(404, "NotFound")
        }
        _ => refusal(403, "Forbidden"),
    })?;
    let flags = [
        "--controllers=kustomize-controller",
        "--enable-leader-election",
        "--leader-election-lease-duration=3s",
        "--leader-election-renew-deadline=1s",
        "--leader-election-retry-period=200ms",
    ];
    let mut started = Started::at(&server, &flags)?;
    let ended = started.end()?;
    let lines = started.lines()?;
    ensure!(ended.code() == Some(1), "{ended}: {lines:?}");
    let wanted = [
        "error",
        "a role ended",
        "a lease was lost; another process has it",
    ];
    ensure!(
        lines.last().is_some_and(|line| *line == wanted),
        "{lines:?}"
    );
    Ok(())
}

/// Known before the API server is asked anything, and logged as everything is.
fn plugins_that_are_not_there() -> anyhow::Result<()> {
    let empty = tempfile::tempdir()?;
    let variable = ("TIDEGATE_PLUGINS_DIR", empty.path());
    let mut started = Started::in_environment(&nobody()?, &[], Some(variable))?;
    let ended = started.end()?;
    let lines = started.lines()?;
    ensure!(ended.code() == Some(1), "{ended}: {lines:?}");
    let [[level, text, error]] = lines.as_slice() else {
        anyhow::bail!("{lines:?}");
    };
    ensure!(
        level == "error"
            && text == "unable to start"
            && error.starts_with("no built-in plugin `kustomize` in "),
        "{lines:?}"
    );
    Ok(())
}
