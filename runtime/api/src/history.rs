use crate::{Duration, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// How many snapshots are kept.
const MAX_LENGTH: usize = 5;

/// One state that was tried, and how that went.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Snapshot {
    /// Checksum of the manifests, written `<algorithm>:<hexadecimal digits>`.
    pub digest: String,
    /// When these manifests were first reconciled with this status.
    pub first_reconciled: Time,
    /// When they last were.
    pub last_reconciled: Time,
    /// How long the last time took.
    #[serde(deserialize_with = "duration_or_zero")]
    pub last_reconciled_duration: Duration,
    /// How the last time ended: the reason of the Ready condition.
    pub last_reconciled_status: String,
    /// How many times there were.
    pub total_reconciliations: i64,
    /// More about the last time, such as its revision.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// The schema has no pattern for this field, and what somebody wrote there must not hide the other objects of a list.
fn duration_or_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(text.parse().unwrap_or_default())
}

/// The last snapshots, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct History(Vec<Snapshot>);

impl History {
    /// Notes that manifests of `digest` were reconciled at `now` in `duration`, with the Ready reason `status`.
    ///
    /// A snapshot of the same digest and status is counted up and moved to the front; otherwise a new one is put there
    /// and the sixth dropped. Flux: `History.Upsert` of pkg/apis/meta/history.go.
    pub fn upsert(
        &mut self,
        digest: &str,
        now: Time,
        duration: Duration,
        status: &str,
        metadata: BTreeMap<String, String>,
    ) {
        let known = self.0.iter().position(|snapshot| {
            snapshot.digest == digest && snapshot.last_reconciled_status == status
        });
        let before = known.map(|index| self.0.remove(index));
        let snapshot = Snapshot {
            digest: digest.to_owned(),
            first_reconciled: before
                .as_ref()
                .map_or(now, |before| before.first_reconciled),
            last_reconciled: now,
            last_reconciled_duration: duration,
            last_reconciled_status: status.to_owned(),
            total_reconciliations: before
                .map_or(0, |before| before.total_reconciliations)
                .saturating_add(1),
            metadata,
        };
        self.0.insert(0, snapshot);
        self.0.truncate(MAX_LENGTH);
    }

    /// What was built last; `None` before anything was.
    pub fn latest(&self) -> Option<&Snapshot> {
        self.0.first()
    }

    /// What was built, the latest first.
    pub fn iter(&self) -> std::slice::Iter<'_, Snapshot> {
        self.0.iter()
    }

    /// Whether nothing was built yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a History {
    type Item = &'a Snapshot;
    type IntoIter = std::slice::Iter<'a, Snapshot>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::{BTreeMap, Duration, History, Time};

    fn note(history: &mut History, digest: &str, second: i64, status: &str) {
        let now = Time::new(jiff::Timestamp::from_second(second).unwrap());
        history.upsert(digest, now, Duration::from_secs(1), status, BTreeMap::new());
    }

    #[test]
    fn counts_what_it_knows_and_keeps_five() {
        let mut history = History::default();
        for (second, digest) in (1..).zip(["a", "b", "c", "d", "e"]) {
            note(&mut history, digest, second, "ReconciliationSucceeded");
        }
        note(&mut history, "b", 6, "ReconciliationSucceeded");
        let latest = history.latest().unwrap();
        assert_eq!(
            (latest.digest.as_str(), latest.total_reconciliations),
            ("b", 2)
        );
        assert_eq!(latest.first_reconciled.timestamp().as_second(), 2);
        note(&mut history, "b", 7, "ReconciliationFailed");
        let order: Vec<_> = history
            .iter()
            .map(|snapshot| snapshot.digest.as_str())
            .collect();
        assert_eq!(order, ["b", "b", "e", "d", "c"]);
        assert_eq!(history.latest().unwrap().total_reconciliations, 1);
    }

    #[test]
    fn an_odd_duration_reads_as_zero() {
        let history: History =
            serde_json::from_str(r#"[{"digest":"a","lastReconciledDuration":"soon"}]"#).unwrap();
        assert_eq!(
            history.latest().unwrap().last_reconciled_duration,
            Duration::ZERO
        );
    }
}
