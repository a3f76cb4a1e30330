//! What identifies an object: its type, namespace and name.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use crate::scope;

/// Namespace text that stands for "cannot be in a namespace" in comparisons (kustomize, kyaml/resid).
pub const NOT_A_NAMESPACE: &str = "_non_namespaceable_";
const DEFAULT_NAMESPACE: &str = "default";

/// Group, version and kind of an object. As a selector, an empty field matches anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gvk {
    /// Empty for the core group.
    pub group: Cow<'static, str>,
    /// The version inside the group: `v1`.
    pub version: Cow<'static, str>,
    /// The kind: `Deployment`.
    pub kind: Cow<'static, str>,
}

impl Gvk {
    /// A type of its parts.
    pub fn new(
        group: impl Into<Cow<'static, str>>,
        version: impl Into<Cow<'static, str>>,
        kind: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
        }
    }

    /// The type that a manifest with this `apiVersion` and `kind` names.
    pub fn from_api_version(api_version: &str, kind: &str) -> Self {
        let (group, version) = parse_api_version(api_version);
        Self::new(group.to_owned(), version.to_owned(), kind.to_owned())
    }

    /// `group/version`, or `version` for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_string()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// True when every field that `selector` sets equals this one's.
    pub fn is_selected_by(&self, selector: &Gvk) -> bool {
        (selector.group.is_empty() || self.group == selector.group)
            && (selector.version.is_empty() || self.version == selector.version)
            && (selector.kind.is_empty() || self.kind == selector.kind)
    }

    /// Whether objects of this type live outside of namespaces; a type that nobody knows lives inside.
    pub fn is_cluster_scoped(&self) -> bool {
        scope::is_cluster_scoped(&self.group, &self.version, &self.kind)
    }

    /// The order that kustomize keeps field specifications in: by kind of `ORDER_FIRST` and `ORDER_LAST`, then text.
    pub fn compare(&self, other: &Gvk) -> Ordering {
        kind_rank(&self.kind, crate::ORDER_FIRST, crate::ORDER_LAST)
            .cmp(&kind_rank(
                &other.kind,
                crate::ORDER_FIRST,
                crate::ORDER_LAST,
            ))
            .then_with(|| self.sort_text().cmp(&other.sort_text()))
    }

    pub(crate) fn sort_text(&self) -> String {
        let or = |text: &str, instead: &str| {
            if text.is_empty() {
                instead.to_owned()
            } else {
                text.to_owned()
            }
        };
        format!(
            "{}_{}_{}",
            or(&self.group, "~G"),
            or(&self.version, "~V"),
            or(&self.kind, "~K")
        )
    }
}

/// Rank of a kind by two lists: negative for those of `first`, 0 for unlisted, positive for those of `last`.
pub(crate) fn kind_rank<S: AsRef<str>>(kind: &str, first: &[S], last: &[S]) -> isize {
    let signed = |index: usize| isize::try_from(index).unwrap_or(isize::MAX);
    // Later entries of a list win over earlier ones, the last list over the first (map writes upstream).
    if let Some(index) = last.iter().rposition(|k| k.as_ref() == kind) {
        return 1 + signed(index);
    }
    first
        .iter()
        .rposition(|k| k.as_ref() == kind)
        .map_or(0, |index| signed(index) - signed(first.len()))
}

/// `Kind.version.group`, with `[noKind]`, `[noVer]` and `[noGrp]` for what is empty.
impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |text: &'_ str, instead: &'static str| {
            if text.is_empty() {
                instead.to_owned()
            } else {
                text.to_owned()
            }
        };
        write!(
            f,
            "{}.{}.{}",
            or(&self.kind, "[noKind]"),
            or(&self.version, "[noVer]"),
            or(&self.group, "[noGrp]")
        )
    }
}

/// Splits `apiVersion` into group and version; the core group is empty.
pub fn parse_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// Type, name and namespace of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectId {
    /// The type.
    pub gvk: Gvk,
    /// `metadata.name`
    pub name: String,
    /// `metadata.namespace`, empty where it is missing.
    pub namespace: String,
    /// Known to be outside of namespaces. Ids that stand for an earlier state of an object leave it false and carry
    /// [`NOT_A_NAMESPACE`] instead, as upstream does.
    pub cluster_scoped: bool,
}

impl ObjectId {
    /// An id of its parts; the type tells whether it is outside of namespaces.
    pub fn new(gvk: Gvk, name: impl Into<String>, namespace: impl Into<String>) -> Self {
        let cluster_scoped = gvk.is_cluster_scoped();
        Self {
            gvk,
            name: name.into(),
            namespace: namespace.into(),
            cluster_scoped,
        }
    }

    /// A namespace that is never empty: `default`, the real one, or [`NOT_A_NAMESPACE`].
    pub fn effective_namespace(&self) -> &str {
        if self.cluster_scoped {
            NOT_A_NAMESPACE
        } else if self.namespace.is_empty() {
            DEFAULT_NAMESPACE
        } else {
            &self.namespace
        }
    }

    /// Whether both are in one namespace; none and `default` are one.
    pub fn same_namespace(&self, other: &ObjectId) -> bool {
        self.effective_namespace() == other.effective_namespace()
    }

    /// Whether type and name are equal, wherever they are.
    pub fn same_type_and_name(&self, other: &ObjectId) -> bool {
        self.name == other.name && self.gvk == other.gvk
    }

    /// True when both mean the same object.
    pub fn matches(&self, other: &ObjectId) -> bool {
        self.same_namespace(other) && self.same_type_and_name(other)
    }

    /// True when every field that `selector` sets matches exactly.
    pub fn is_selected_by(&self, selector: &ObjectId) -> bool {
        (selector.name.is_empty() || selector.name == self.name)
            && (selector.namespace.is_empty() || selector.same_namespace(self))
            && self.gvk.is_selected_by(&selector.gvk)
    }

    /// Whether nothing of it is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// `Kind.version.group/name.namespace` with placeholders for what is empty.
impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() {
            "[noName]"
        } else {
            &self.name
        };
        let namespace = if self.namespace.is_empty() {
            "[noNs]"
        } else {
            &self.namespace
        };
        write!(f, "{}/{name}.{namespace}", self.gvk)
    }
}
