use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
