use std::{collections::BTreeMap, fmt};

use tidegate_values::ObjectRef;

/// What happened to an object. The words are Flux's (fluxcd/pkg, `ssa`, `changeset.go`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It was not there.
    Created,
    /// It was there, and was changed.
    Configured,
    /// It was there as it is wanted.
    Unchanged,
    /// It was asked to go; finalizers may keep it a while.
    Deleted,
    /// Left alone because its metadata says so.
    Skipped,
    /// The attempt failed; what is true of the object is not known.
    Unknown,
}

impl Action {
    /// The word of events and logs: `created`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::Deleted => "deleted",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
        }
    }

    /// Whether an event should tell of it (kustomize-controller, `HasChanged`).
    pub fn is_change(self) -> bool {
        !matches!(self, Self::Skipped | Self::Unchanged)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One object and what happened to it. Cluster-scoped objects have no namespace here,
/// even when their manifest names one, once the server knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The object, as the server names it.
    pub object: ObjectRef,
    /// What happened to it.
    pub action: Action,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.object, self.action)
    }
}

/// What happened to a set of objects, in order. Written one line each, as in Flux's events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeSet {
    /// One entry for each object, in the order that they were dealt with.
    pub entries: Vec<Change>,
}

impl ChangeSet {
    /// Adds an object at the end.
    pub fn push(&mut self, object: ObjectRef, action: Action) {
        self.entries.push(Change { object, action });
    }

    /// Whether no object was dealt with at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The text of the event: the changed objects only, a line each, without a final newline.
    /// Empty when nothing changed.
    pub fn log(&self) -> String {
        join(
            self.entries
                .iter()
                .filter(|change| change.action.is_change()),
        )
    }

    /// What happened by object, as Flux's log has it (fluxcd/pkg, `ssa/changeset.go`, `ToMap`).
    pub fn by_object(&self) -> BTreeMap<String, &'static str> {
        let entry = |change: &Change| (change.object.to_string(), change.action.as_str());
        self.entries.iter().map(entry).collect()
    }

    /// The objects by what happened to them, in order (fluxcd/pkg, `ssa/changeset.go`, `ToGroupedMap`).
    pub fn by_action(&self) -> BTreeMap<&'static str, Vec<String>> {
        let mut grouped: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for change in &self.entries {
            let objects = grouped.entry(change.action.as_str()).or_default();
            objects.push(change.object.to_string());
        }
        grouped
    }
}

impl fmt::Display for ChangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&join(self.entries.iter()))
    }
}

fn join<'a>(changes: impl Iterator<Item = &'a Change>) -> String {
    let mut text = String::new();
    for change in changes {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&change.to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_only_what_changed() {
        let reference = |name: &str| ObjectRef {
            api_version: "v1".into(),
            kind: "ConfigMap".into(),
            namespace: "ns".into(),
            name: name.into(),
        };
        let mut set = ChangeSet::default();
        set.push(reference("a"), Action::Created);
        set.push(reference("b"), Action::Unchanged);
        set.push(reference("c"), Action::Configured);
        set.push(reference("d"), Action::Skipped);
        assert_eq!(
            set.log(),
            "ConfigMap/ns/a created\nConfigMap/ns/c configured"
        );
        assert_eq!(set.to_string().lines().count(), 4);
        set.push(reference("e"), Action::Created);
        let by_object = serde_json::to_string(&set.by_object()).unwrap();
        assert_eq!(
            by_object,
            r#"{"ConfigMap/ns/a":"created","ConfigMap/ns/b":"unchanged","ConfigMap/ns/c":"configured","ConfigMap/ns/d":"skipped","ConfigMap/ns/e":"created"}"#
        );
        let by_action = serde_json::to_string(&set.by_action()).unwrap();
        assert_eq!(
            by_action,
            r#"{"configured":["ConfigMap/ns/c"],"created":["ConfigMap/ns/a","ConfigMap/ns/e"],"skipped":["ConfigMap/ns/d"],"unchanged":["ConfigMap/ns/b"]}"#
        );
    }
}
