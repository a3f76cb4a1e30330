use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Files looked at in one collection at most (fluxcd/pkg `artifact/storage`, `GarbageCountLimit`).
const LIMIT: usize = 1000;

/// Which files of an artifact's folder to remove, `current` never.
///
/// First those older than `age`; then, when as many as `records` or more are left, the oldest until `records` are
/// (fluxcd/pkg `artifact/storage`, `GetGarbageFiles`).
pub(super) fn garbage(
    folder: &Path,
    current: &Path,
    records: usize,
    age: Duration,
) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)?.take(LIMIT) {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_file() {
            files.push((metadata.modified()?, entry.path()));
        }
    }
    files.sort();
    let now = now();
    let mut left = files.len();
    let mut garbage = Vec::new();
    let mut younger = Vec::new();
    for (modified, path) in files {
        if path == current {
            continue;
        }
        if now.duration_since(modified).is_ok_and(|old| old > age) {
            left -= 1;
            garbage.push(path);
        } else {
            younger.push(path);
        }
    }
    let surplus = left.saturating_sub(records);
    garbage.extend(younger.into_iter().take(surplus));
    Ok(garbage)
}

/// The time by the clock that dates files.
#[expect(
    clippy::disallowed_methods,
    reason = "ages of files are told by the clock that dated them"
)]
pub(super) fn now() -> SystemTime {
    SystemTime::now()
}
