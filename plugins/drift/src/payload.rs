//! What is sent when ignored fields differ (fluxcd/pkg, `ssa/manager_apply.go`,
//! `computeDriftedPaths` and `applyDriftResult`).

use serde_json::Value;

use crate::managed_fields::{is_applied_by, is_applied_by_other};
use crate::ownership::covers;
use crate::{Pointer, Rules};

/// Makes `payload`, a desired object that is to be applied over `live`, leave the ignored fields as
/// they are. A field that somebody else applied is taken out, so that ownership passes on; another
/// gets the live value, since leaving it out would delete it.
///
/// `dry_run` is what a dry run of the unchanged payload gave. Without one, the payload itself is
/// compared with the live object.
pub fn prepare_payload(payload: &mut Value, live: &Value, dry_run: Option<&Value>, rules: &Rules) {
    if rules.is_empty() {
        return;
    }
    let mut removed = Vec::new();
    let mut adopted = Vec::new();
    for path in rules.paths(dry_run.unwrap_or(payload)) {
        if path.segments().is_empty() || !differs(path, payload, live, dry_run, rules.manager()) {
            continue;
        }
        match path.find(live) {
            Some(value) if !is_applied_by_other(live, path, rules.manager()) => {
                adopted.push((path, value.clone()));
            }
            // Upstream sends null for a field that is gone, which comes to the same.
            _ => removed.push(path),
        }
    }
    for path in removed {
        path.remove(payload);
    }
    for (path, value) in adopted {
        path.set(payload, value);
    }
}

/// Would applying the payload change the value at `path`?
fn differs(
    path: &Pointer,
    payload: &Value,
    live: &Value,
    dry_run: Option<&Value>,
    manager: &str,
) -> bool {
    let live_value = path.find(live);
    if let Some(dry_run) = dry_run {
        return path.find(dry_run) != live_value;
    }
    match (path.find(payload), live_value) {
        (Some(wanted), Some(live)) => !covers(live, wanted),
        (Some(_), None) => true,
        // What we applied once and do not want any more would be deleted.
        (None, Some(_)) => is_applied_by(live, path, manager),
        (None, None) => false,
    }
}
