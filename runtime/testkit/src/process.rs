//! A child process that does not outlive the test.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Error;

/// Runs the program, says its process id, and ends it when the other end of stdin is gone: so that a test that is
/// killed, or leaves by `process::exit` with the handle in a static, leaves nothing running.
const GUARD: &str = r#"
pidfile=$1; shift
exec 3<&0
"$@" 3<&- </dev/null & pid=$!
echo $pid >"$pidfile.new"; mv "$pidfile.new" "$pidfile"
( cat <&3 >/dev/null; kill -TERM $pid ) 2>/dev/null & guard=$!
exec 3<&-
wait $pid; code=$?
kill $guard 2>/dev/null
exit $code
"#;

/// A running program whose output goes to a file. Dropping it ends it: SIGTERM, and SIGKILL ten seconds later.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    pid: u32,
    stdin: Option<ChildStdin>,
    log: PathBuf,
}

impl Process {
    /// Starts `program`; `folder` gets `<name>.log` (stdout and stderr) and `<name>.pid`.
    pub fn start<A: AsRef<OsStr>>(
        name: &str,
        program: &Path,
        args: impl IntoIterator<Item = A>,
        env: impl IntoIterator<Item = (OsString, OsString)>,
        folder: &Path,
    ) -> Result<Process, Error> {
        let log = folder.join(format!("{name}.log"));
        let pidfile = folder.join(format!("{name}.pid"));
        let _ = std::fs::remove_file(&pidfile);
        let out = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(Error::io(log.display().to_string()))?;
        let err = out
            .try_clone()
            .map_err(Error::io(log.display().to_string()))?;
        let mut child = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .arg(&pidfile)
            .arg(program)
            .args(args)
            .envs(env)
            // Ctrl-C at a terminal is for whoever started the program, who may still need it to clean up.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(out)
            .stderr(err)
            .spawn()
            .map_err(Error::io(format!("starting {name}")))?;
        let stdin = child.stdin.take();
        let mut process = Process {
            name: name.to_owned(),
            child,
            pid: 0,
            stdin,
            log,
        };
        process.pid = process.wait_until("process id", Duration::from_secs(10), || {
            std::fs::read_to_string(&pidfile)
                .ok()
                .and_then(|text| text.trim().parse().ok())
        })?;
        Ok(process)
    }

    /// The program's own process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Everything the program has written so far.
    pub fn log(&self) -> String {
        std::fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// How the program ended, if it has.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Polls `done` until it gives a value. An error when the program ends first, or after `limit`.
    pub fn wait_until<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut done: impl FnMut() -> Option<T>,
    ) -> Result<T, Error> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(value) = done() {
                return Ok(value);
            }
            if let Some(status) = self.exited() {
                return Err(self.error(format!("ended ({status}) while waiting for {what}")));
            }
            if Instant::now() > deadline {
                return Err(self.error(format!("{what} not reached in {} s", limit.as_secs())));
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// Asks the program to end (SIGTERM) and waits up to `limit` for it.
    pub fn terminate(&mut self, limit: Duration) -> Result<ExitStatus, Error> {
        self.signal("TERM");
        self.wait(limit)
    }

    /// Ends the program without a chance to clean up (SIGKILL).
    pub fn kill(&mut self) -> Result<ExitStatus, Error> {
        self.signal("KILL");
        self.wait(Duration::from_secs(10))
    }

    fn wait(&mut self, limit: Duration) -> Result<ExitStatus, Error> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.exited() {
                return Ok(status);
            }
            if Instant::now() > deadline {
                return Err(self.error(format!(
                    "still running {} s after it was told to end",
                    limit.as_secs()
                )));
            }
            sleep(Duration::from_millis(20));
        }
    }

    fn signal(&mut self, signal: &str) {
        if self.exited().is_none() {
            let command = format!("kill -{signal} {}", self.pid);
            let _ = Command::new("sh")
                .args(["-c", &command])
                .stderr(Stdio::null())
                .status();
        }
    }

    fn error(&self, why: String) -> Error {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let log = lines[lines.len().saturating_sub(40)..].join("\n");
        Error::Process {
            what: self.name.clone(),
            why,
            log,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.pid == 0 {
            let _ = self.child.kill();
        } else if self.terminate(Duration::from_secs(10)).is_err() {
            let _ = self.kill();
        }
        self.stdin.take();
    }
}
