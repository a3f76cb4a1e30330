//! What Linux and the engine say about a process.

use anyhow::{Context, ensure};
use tidegate_testkit::Tidegate;

/// Linux counts CPU time in hundredths of a second (`USER_HZ` is 100 on every architecture we build for).
const TICKS_PER_SECOND: f64 = 100.0;

/// Seconds of CPU that a process has used.
pub(super) fn cpu(pid: u32) -> anyhow::Result<f64> {
    ticks(&format!("/proc/{pid}/stat"), [11, 12])
}

/// Seconds of CPU of all children that have ended.
pub(super) fn cpu_of_children() -> anyhow::Result<f64> {
    ticks("/proc/self/stat", [13, 14])
}

fn ticks(path: &str, fields: [usize; 2]) -> anyhow::Result<f64> {
    let text = std::fs::read_to_string(path).with_context(|| path.to_owned())?;
    // After the program's name, which may hold spaces and parentheses.
    let rest = text.rsplit(')').next().unwrap_or_default();
    let words: Vec<&str> = rest.split_whitespace().collect();
    let mut sum = 0.0;
    for field in fields {
        sum += words
            .get(field)
            .and_then(|word| word.parse::<f64>().ok())
            .with_context(|| format!("{path} is short"))?;
    }
    Ok(sum / TICKS_PER_SECOND)
}

/// Peak resident memory of a process, in MiB.
pub(super) fn peak_mib(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("no VmHWM")?;
    Ok(line
        .split_whitespace()
        .next()
        .context("no VmHWM")?
        .parse::<u64>()?
        / 1024)
}

/// Requests to the API server that the engine has sent.
pub(super) fn requests(engine: &Tidegate) -> anyhow::Result<u64> {
    sum(engine, "rest_client_requests_total")
}

/// The sum of a counter over all its labels.
pub(super) fn sum(engine: &Tidegate, name: &str) -> anyhow::Result<u64> {
    let text = engine.metrics().context("no answer from /metrics")?;
    let lines = text
        .lines()
        .filter(|line| line.starts_with(name) && line[name.len()..].starts_with(['{', ' ']));
    let values: Vec<f64> = lines
        .filter_map(|line| line.rsplit(' ').next()?.parse().ok())
        .collect();
    ensure!(!values.is_empty(), "/metrics has no {name}");
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counters are whole and positive"
    )]
    Ok(values.iter().sum::<f64>() as u64)
}

/// Two digits after the point.
pub(super) fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
