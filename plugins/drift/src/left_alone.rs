//! How ignored fields are kept as they are when the rest of their object is applied (fluxcd/pkg,
//! `ssa/manager_apply.go`, `computeDriftedPaths` and `applyDriftResult`).

use serde_json::Value;

use crate::managed_fields::{is_applied_by, is_applied_by_other};
use crate::ownership::covers;
use crate::{Pair, Pointer, Rules};

/// What becomes of a field that is left alone, in what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upkeep {
    /// It is taken out: somebody else applied it, and keeps it. So is a field that is not there.
    Release,
    /// It gets its live value: leaving it out would delete it.
    Adopt,
}

/// The ignored fields that an apply of the pair would change; those to be taken out come first.
pub(crate) fn left_alone(pair: &Pair<'_>, live: &Value, rules: &Rules) -> Vec<(Pointer, Upkeep)> {
    let wanted = pair.dry_run.unwrap_or(pair.desired);
    let mut left: Vec<(Pointer, Upkeep)> = rules
        .paths(wanted)
        .into_iter()
        .filter(|path| !path.segments().is_empty())
        .filter(|path| differs(path, pair, live, rules.manager()))
        .map(|path| {
            let is_ours =
                path.find(live).is_some() && !is_applied_by_other(live, path, rules.manager());
            // Upstream sends null for a field that is gone, which comes to the same.
            let upkeep = if is_ours {
                Upkeep::Adopt
            } else {
                Upkeep::Release
            };
            (path.clone(), upkeep)
        })
        .collect();
    left.sort_by_key(|(_, upkeep)| *upkeep == Upkeep::Adopt);
    left
}

/// Would applying the desired object change the value at `path`?
fn differs(path: &Pointer, pair: &Pair<'_>, live: &Value, manager: &str) -> bool {
    let live_value = path.find(live);
    if let Some(dry_run) = pair.dry_run {
        return path.find(dry_run) != live_value;
    }
    match (path.find(pair.desired), live_value) {
        (Some(wanted), Some(live)) => !covers(live, wanted),
        (Some(_), None) => true,
        // What we applied once and do not want any more would be deleted.
        (None, Some(_)) => is_applied_by(live, path, manager),
        (None, None) => false,
    }
}
