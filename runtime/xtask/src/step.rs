//! Progress on stderr, one line a step, and the running of other programs.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// How often a step that shows nothing of itself says that it still goes on.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// Says what begins now.
pub(crate) fn begin(what: &str) {
    show(&format!("==> {what}"));
}

/// Says something about what is going on.
pub(crate) fn note(text: &str) {
    show(&format!("    {text}"));
}

/// Prints what the command was asked for: it may be read by another program.
pub(crate) fn result(text: &str) {
    // As in `show`.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Says why the command failed.
pub(crate) fn failed(error: &anyhow::Error) {
    show(&format!("error: {error:#}"));
}

fn show(line: &str) {
    // Cleaning up goes on when the terminal is gone.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Says what begins, does it, and says how long it took where that was noticeable.
pub(crate) fn timed<T>(what: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    begin(what);
    let start = Instant::now();
    let value = work()?;
    if start.elapsed() > Duration::from_secs(2) {
        note(&format!("{what}: {}", seconds(start.elapsed())));
    }
    Ok(value)
}

/// As [`timed`], for work that shows nothing of itself: says now and then that it goes on.
pub(crate) fn quiet<T>(what: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    std::thread::scope(|scope| {
        let (ended, has_ended) = channel::<()>();
        let start = Instant::now();
        scope.spawn(move || {
            while has_ended.recv_timeout(SIGN_OF_LIFE) == Err(RecvTimeoutError::Timeout) {
                note(&format!("{what}: {} so far", seconds(start.elapsed())));
            }
        });
        let value = timed(what, work);
        drop(ended);
        value
    })
}

/// A duration for people: `0.42 s`, `3 min 05 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    if duration.as_secs() >= 60 {
        return format!(
            "{} min {:02} s",
            duration.as_secs() / 60,
            duration.as_secs() % 60
        );
    }
    format!("{:.2} s", duration.as_secs_f64())
}

/// Runs a program whose output goes to the terminal.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| line(command))?;
    if !status.success() {
        bail!("`{}` failed ({status})", line(command));
    }
    Ok(())
}

/// Runs a program and returns its stdout; stderr is shown when it fails.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| line(command))?;
    if !output.status.success() {
        bail!(
            "`{}` failed ({})\n{}{}",
            line(command),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program can be started and says yes.
pub(crate) fn succeeds(program: impl AsRef<Path>, args: &[&str]) -> bool {
    let mut command = Command::new(program.as_ref());
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn line(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for arg in command.get_args() {
        let _ = write!(text, " {}", arg.to_string_lossy());
    }
    text
}
