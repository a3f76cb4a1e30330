use std::collections::HashSet;

use tidegate_values::ObjectRef;

use crate::{
    Outcome,
    change::{Action, ChangeSet},
    error::Error,
    order,
};

/// The objects that an owner has applied, as its status lists them: the identity of each without version,
/// and the version it was applied in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// In the order of the status; no object twice.
    pub entries: Vec<Entry>,
}

/// `status.inventory.entries[]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    /// `<namespace>_<name>_<group>_<kind>`.
    pub id: String,
    /// The version inside the group: `v1`.
    pub version: String,
}

impl Inventory {
    /// Everything that was applied or skipped, in order (kustomize-controller, `internal/inventory`, `AddChangeSet`).
    pub fn of(changes: &ChangeSet) -> Self {
        let mut inventory = Self::default();
        inventory.entries.extend(
            changes
                .entries
                .iter()
                .map(|change| Entry::of(&change.object)),
        );
        inventory
    }

    /// Whether the object is listed, in whatever version.
    pub fn contains(&self, object: &ObjectRef) -> bool {
        let id = id_of(object);
        self.entries.iter().any(|entry| entry.id == id)
    }

    /// Appends what is not there yet.
    pub fn merge<'a>(&mut self, objects: impl IntoIterator<Item = &'a ObjectRef>) {
        let mut seen: HashSet<String> = self.entries.iter().map(|entry| entry.id.clone()).collect();
        for object in objects {
            let entry = Entry::of(object);
            if seen.insert(entry.id.clone()) {
                self.entries.push(entry);
            }
        }
    }

    /// What a failed apply leaves: the old entries, whatever was applied before the failure, and what may have been.
    #[must_use]
    pub fn after_failure(mut self, outcome: &Outcome) -> Self {
        let changes = outcome.changes.entries.iter();
        let applied = changes.filter(|change| change.action != Action::Deleted);
        self.merge(applied.map(|change| &change.object).chain(&outcome.unsure));
        self
    }

    /// All objects in apply order. An entry that can't be read is an error, as in Flux.
    pub fn objects(&self) -> Result<Vec<ObjectRef>, Error> {
        let mut objects = self
            .entries
            .iter()
            .map(Entry::object)
            .collect::<Result<Vec<_>, _>>()?;
        objects.sort_by(order::compare);
        Ok(objects)
    }

    /// The objects of `self` that `newer` does not have, in apply order: those to prune
    /// (kustomize-controller, `internal/inventory`, `Diff`).
    pub fn without(&self, newer: &Self) -> Result<Vec<ObjectRef>, Error> {
        let kept = newer
            .entries
            .iter()
            .map(|entry| entry.object().map(|object| id_of(&object)));
        let kept: HashSet<String> = kept.collect::<Result<_, _>>()?;
        let mut seen = HashSet::new();
        let mut objects = Vec::new();
        for entry in &self.entries {
            let object = entry.object()?;
            let id = id_of(&object);
            if !kept.contains(&id) && seen.insert(id) {
                objects.push(object);
            }
        }
        objects.sort_by(order::compare);
        Ok(objects)
    }
}

impl Entry {
    /// The entry of an object.
    pub fn of(object: &ObjectRef) -> Self {
        Self {
            id: id_of(object),
            version: object.version().to_owned(),
        }
    }

    /// Takes the identity apart (cli-utils, `pkg/object`, `ParseObjMetadata`).
    pub fn object(&self) -> Result<ObjectRef, Error> {
        let wrong = || Error::InventoryId(self.id.clone());
        let (namespace, rest) = self.id.split_once('_').ok_or_else(wrong)?;
        let (rest, kind) = rest.rsplit_once('_').ok_or_else(wrong)?;
        let (name, group) = rest.rsplit_once('_').ok_or_else(wrong)?;
        let name = name.replace("__", ":");
        if name.contains('_') {
            return Err(wrong());
        }
        let api_version = if group.is_empty() {
            self.version.clone()
        } else {
            format!("{group}/{}", self.version)
        };
        Ok(ObjectRef {
            api_version,
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name,
        })
    }
}

/// `<namespace>_<name>_<group>_<kind>`; the colons of RBAC names become `__`
/// (cli-utils, `pkg/object`, `ObjMetadata.String`).
pub fn id_of(object: &ObjectRef) -> String {
    let group = object.group();
    let is_rbac = group == "rbac.authorization.k8s.io"
        && matches!(
            object.kind.as_str(),
            "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding"
        );
    let name = if is_rbac {
        object.name.replace(':', "__")
    } else {
        object.name.clone()
    };
    format!("{}_{name}_{group}_{}", object.namespace, object.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(id: &str, version: &str, api_version: &str, shown: &str) {
        let entry = Entry {
            id: id.into(),
            version: version.into(),
        };
        let object = entry.object().unwrap();
        assert_eq!(
            (object.api_version.as_str(), object.to_string().as_str()),
            (api_version, shown)
        );
        assert_eq!(Entry::of(&object), entry);
    }

    // Identities from recorded inventories.
    #[test]
    fn writes_and_reads_identities() {
        check(
            "ks-apply-one-bad_a__ConfigMap",
            "v1",
            "v1",
            "ConfigMap/ks-apply-one-bad/a",
        );
        check(
            "_earth_cluster.example.test_Planet",
            "v1",
            "cluster.example.test/v1",
            "Planet/earth",
        );
        check(
            "_system__x_rbac.authorization.k8s.io_ClusterRole",
            "v1",
            "rbac.authorization.k8s.io/v1",
            "ClusterRole/system:x",
        );
    }

    #[test]
    fn refuses_broken_identities() {
        for id in ["", "a_b", "a_b_c", "ns_a_b_g_Kind"] {
            let entry = Entry {
                id: id.into(),
                version: "v1".into(),
            };
            assert!(entry.object().is_err(), "{id}");
        }
    }

    #[test]
    fn finds_what_to_prune() {
        let inventory = |ids: &[&str]| Inventory {
            entries: ids
                .iter()
                .map(|id| Entry {
                    id: (*id).into(),
                    version: "v1".into(),
                })
                .collect(),
        };
        let old = inventory(&[
            "n_b__ConfigMap",
            "n_web_apps_Deployment",
            "n_a__ConfigMap",
            "n_s__Service",
        ]);
        let stale = old.without(&inventory(&["n_s__Service"])).unwrap();
        let shown: Vec<_> = stale.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            ["ConfigMap/n/a", "ConfigMap/n/b", "Deployment/n/web"]
        );
        assert!(old.contains(&stale[0]));
    }
}
