use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What an object has applied to the cluster and answers for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Inventory {
    /// The applied objects.
    pub entries: Vec<InventoryEntry>,
}

/// Names one applied object.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase", default)]
pub struct InventoryEntry {
    /// The object, written `<namespace>_<name>_<group>_<kind>`.
    pub id: String,
    /// API version that the object was applied with, without the group.
    pub v: String,
}

/// The parts of an inventory entry's `id`. Namespace and group are empty where there is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct InventoryId {
    pub namespace: String,
    pub name: String,
    pub group: String,
    pub kind: String,
}

/// A text that is no `<namespace>_<name>_<group>_<kind>`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("inventory id {0:?} is not of the form <namespace>_<name>_<group>_<kind>")]
pub struct InventoryIdError(String);

impl InventoryEntry {
    /// The entry of an object with this API version, such as `apps/v1`.
    pub fn new(api_version: &str, kind: &str, namespace: &str, name: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let id = InventoryId {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            group: group.to_owned(),
            kind: kind.to_owned(),
        };
        Self {
            id: id.to_string(),
            v: version.to_owned(),
        }
    }

    pub fn parse(&self) -> Result<InventoryId, InventoryIdError> {
        self.id.parse()
    }
}

impl InventoryId {
    /// API group and version as manifests write them, for an entry whose `v` is `version`.
    pub fn api_version(&self, version: &str) -> String {
        if self.group.is_empty() {
            version.to_owned()
        } else {
            format!("{}/{version}", self.group)
        }
    }

    /// Names of RBAC objects may hold colons, which ConfigMap keys, the first home of these ids, could not.
    fn may_hold_colons(&self) -> bool {
        self.group == "rbac.authorization.k8s.io"
            && matches!(
                self.kind.as_str(),
                "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding"
            )
    }
}

impl fmt::Display for InventoryId {
    /// cli-utils: `ObjMetadata.String` of pkg/object/objmetadata.go.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            namespace,
            name,
            group,
            kind,
        } = self;
        if self.may_hold_colons() {
            write!(f, "{namespace}_{}_{group}_{kind}", name.replace(':', "__"))
        } else {
            write!(f, "{namespace}_{name}_{group}_{kind}")
        }
    }
}

impl FromStr for InventoryId {
    type Err = InventoryIdError;

    /// cli-utils: `ParseObjMetadata` of pkg/object/objmetadata.go.
    fn from_str(text: &str) -> Result<Self, InventoryIdError> {
        let parts = || {
            let (namespace, rest) = text.split_once('_')?;
            let (rest, kind) = rest.rsplit_once('_')?;
            let (name, group) = rest.rsplit_once('_')?;
            let name = name.replace("__", ":");
            (!name.contains('_')).then(|| Self {
                namespace: namespace.to_owned(),
                name,
                group: group.to_owned(),
                kind: kind.to_owned(),
            })
        };
        parts().ok_or_else(|| InventoryIdError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::{InventoryEntry, InventoryId};

    #[track_caller]
    fn check(entry: (&str, &str, &str, &str), id: &str, version: &str) {
        let (api_version, kind, namespace, name) = entry;
        let made = InventoryEntry::new(api_version, kind, namespace, name);
        assert_eq!((made.id.as_str(), made.v.as_str()), (id, version));
        let parsed = made.parse().unwrap();
        assert_eq!(
            (
                parsed.namespace.as_str(),
                parsed.name.as_str(),
                parsed.kind.as_str()
            ),
            (namespace, name, kind)
        );
        assert_eq!(parsed.api_version(&made.v), api_version);
    }

    #[test]
    fn writes_and_reads_ids() {
        check(
            ("v1", "ConfigMap", "apps", "one"),
            "apps_one__ConfigMap",
            "v1",
        );
        check(
            ("apps/v1", "Deployment", "apps", "web"),
            "apps_web_apps_Deployment",
            "v1",
        );
        check(("v1", "Namespace", "", "apps"), "_apps__Namespace", "v1");
        let role = (
            "rbac.authorization.k8s.io/v1",
            "ClusterRole",
            "",
            "system:node:reader",
        );
        check(
            role,
            "_system__node__reader_rbac.authorization.k8s.io_ClusterRole",
            "v1",
        );
    }

    #[test]
    fn refuses_other_texts() {
        for text in ["", "apps", "apps_one", "apps_one_ConfigMap", "a_b_c_d_e"] {
            assert!(text.parse::<InventoryId>().is_err(), "{text}");
        }
    }
}
