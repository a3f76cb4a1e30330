use jiff::Timestamp;
use serde_json::Value;

use crate::condition::conditions;
use crate::field::{Error, boolean, integer, string};
use crate::status::Health;

struct Counts {
    parallelism: i64,
    completions: i64,
    active: i64,
    succeeded: i64,
    failed: i64,
}

impl Counts {
    fn of(object: &Value) -> Self {
        let parallelism = integer(object, &["spec", "parallelism"], 1);
        Self {
            parallelism,
            completions: integer(object, &["spec", "completions"], parallelism),
            active: integer(object, &["status", "active"], 0),
            succeeded: integer(object, &["status", "succeeded"], 0),
            failed: integer(object, &["status", "failed"], 0),
        }
    }

    fn progress(&self) -> String {
        let Self {
            active,
            succeeded,
            failed,
            ..
        } = self;
        format!("Job in progress. success:{succeeded}, active: {active}, failed: {failed}")
    }
}

/// Flux's own rule (fluxcd/pkg, `runtime/statusreaders/job.go`): current when completed, or when it
/// is suspended and so will not start.
pub(crate) fn job(object: &Value) -> Result<Health, Error> {
    if boolean(object, &["spec", "suspend"]) {
        return Ok(Health::current("Job is suspended"));
    }
    let counts = Counts::of(object);
    if let Some(finished) = finished(object, &counts)? {
        return Ok(finished);
    }
    Ok(Health::in_progress(if has_started(object) {
        counts.progress()
    } else {
        format!("Job not started. active: 0/{}", counts.parallelism)
    }))
}

/// kstatus's rule: current as soon as it has started.
pub(super) fn started_job(object: &Value, _: Timestamp) -> Result<Health, Error> {
    let counts = Counts::of(object);
    if let Some(finished) = finished(object, &counts)? {
        return Ok(finished);
    }
    Ok(if has_started(object) {
        Health::current(counts.progress())
    } else {
        Health::in_progress("Job not started")
    })
}

fn finished(object: &Value, counts: &Counts) -> Result<Option<Health>, Error> {
    let Counts {
        completions,
        succeeded,
        failed,
        ..
    } = counts;
    Ok(conditions(object)?.into_iter().find_map(|condition| {
        if condition.is_true("Complete") {
            return Some(Health::current(format!(
                "Job Completed. succeeded: {succeeded}/{completions}"
            )));
        }
        let failure = || Health::failed(format!("Job Failed. failed: {failed}/{completions}"));
        condition.is_true("Failed").then(failure)
    }))
}

fn has_started(object: &Value) -> bool {
    !string(object, &["status", "startTime"], "").is_empty()
}
