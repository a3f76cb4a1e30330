//! Whether a set of objects is well (fluxcd/pkg, `ssa/manager_wait.go`).

use std::fmt::Write as _;

use serde_json::Value;
use tidegate_values::ObjectRef;

use crate::field::{group_kind, strict_integer};
use crate::status::{Health, Status};

/// One object that is waited for, and what was last seen of it.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    pub object: &'a ObjectRef,
    /// None: not read yet.
    pub health: Option<&'a Health>,
    /// A Job that the cluster deletes once it is done: its absence is completion. See
    /// [`may_vanish`].
    pub may_vanish: bool,
}

/// Where the set stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// All are well.
    Current,
    /// Go on waiting, until the time-out.
    Waiting,
    /// Waiting longer changes nothing; [`failure`] says why.
    Failed,
}

impl Observation<'_> {
    /// The status that decides, with what may vanish counted as well once it has.
    fn status(&self) -> Status {
        match self.health.map_or(Status::Unknown, |health| health.status) {
            Status::NotFound if self.may_vanish => Status::Current,
            status => status,
        }
    }
}

/// Is this a Job with a time to live, which may be gone before it was seen completed? The manifest
/// decides, as it was applied (fluxcd/pkg, `ssa/utils`, `ExtractJobsWithTTL`).
pub fn may_vanish(manifest: &Value) -> bool {
    group_kind(manifest) == ("batch", "Job")
        && strict_integer(manifest, &["spec", "ttlSecondsAfterFinished"])
            .is_ok_and(|time| time.is_some())
}

/// What to do next. With `fail_fast` the first failed object ends the wait; without, it goes on for
/// as long as anything can still change.
pub fn progress(observations: &[Observation<'_>], fail_fast: bool) -> Progress {
    let has_failed = observations
        .iter()
        .any(|each| each.status() == Status::Failed);
    let settled =
        |each: &Observation<'_>| matches!(each.status(), Status::Failed | Status::Current);
    let all_settled = observations.iter().all(settled);
    match (has_failed, all_settled) {
        (false, true) => Progress::Current,
        (true, true) => Progress::Failed,
        (true, false) if fail_fast => Progress::Failed,
        _ => Progress::Waiting,
    }
}

/// Why the set is not well: the text for the condition Healthy, which Ready's reads behind
/// `health check failed after …: `. Before the time-out only failed objects are named, at the
/// time-out all that are not well. None when there is nothing to name.
///
/// Objects are named in the order given; upstream's is that of a Go map.
pub fn failure(observations: &[Observation<'_>], timed_out: bool) -> Option<String> {
    // Upstream learns of no object before the first answer.
    let nothing_read = observations.iter().all(|each| each.health.is_none());
    let mut named = Vec::new();
    for each in observations {
        if nothing_read {
            if !each.may_vanish {
                named.push(format!("can't determine status for {}", each.object));
            }
            continue;
        }
        let status = each.status();
        if status == Status::Failed || (timed_out && status != Status::Current) {
            let mut text = format!("{} status: '{status}'", each.object);
            if let Some(error) = each.health.and_then(|health| health.error.as_ref()) {
                // Writing to a string does not fail.
                let _ = write!(text, ": {error}");
            }
            named.push(text);
        }
    }
    let lead = if timed_out {
        "timeout waiting for"
    } else {
        "failed early due to stalled resources"
    };
    (!named.is_empty()).then(|| format!("{lead}: [{}]", named.join(", ")))
}
