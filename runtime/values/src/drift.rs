use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::ObjectRef;

/// Tells which live objects differ from what is wanted of them, and what of it is to be left alone.
///
/// Whoever applies objects asks; plugins answer.
pub trait DriftCheck: Send + Sync {
    /// One judgement for each pair, in their order. Without pairs it tells whether the configuration can be used.
    /// Blocks: call it on a thread that may, with a stack of 2 MiB or more.
    fn check(&self, comparison: Comparison) -> Result<Vec<Judgement>, DriftCheckError>;
}

/// What is to be judged in one go.
#[derive(Debug)]
pub struct Comparison {
    /// The namespace on whose behalf it is done.
    pub tenant: String,
    /// A JSON object: `fieldManager`, the name that objects are applied under, and `ignore`, the rules of their
    /// owner as it wrote them.
    pub config: String,
    pub pairs: Vec<Pair>,
}

/// An object as it is wanted, and as it is. The objects are written out only when they are asked for.
#[derive(Clone, PartialEq)]
pub struct Pair {
    pub id: ObjectRef,
    pub desired: Arc<Value>,
    /// `None`: the object does not exist.
    pub live: Option<Arc<Value>>,
    /// What a server-side dry run of `desired` gave, when there was one.
    pub dry_run: Option<Arc<Value>>,
    /// The field manager that changed it last, when known.
    pub last_manager: Option<String>,
}

impl fmt::Debug for Pair {
    /// Objects may hold secrets: only what names them is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// One entry of an object's `managedFields`, in whatever form its reader has it.
#[derive(Debug, Clone, Copy)]
pub struct FieldOwner<'a, T> {
    /// Who it is, where that is known.
    pub manager: Option<&'a str>,
    /// The part of the object that has requests of its own, such as `status`.
    pub subresource: Option<&'a str>,
    /// When it last changed its fields; times are ordered as they follow each other.
    pub time: Option<T>,
}

/// The manager of the latest change outside of sub-resources, so not of a status.
pub fn last_manager<'a, T: Ord>(
    owners: impl IntoIterator<Item = FieldOwner<'a, T>>,
) -> Option<&'a str> {
    let owners = owners.into_iter();
    let latest = owners
        .filter(|owner| owner.subresource.is_none_or(str::is_empty))
        .max_by(|one, other| one.time.cmp(&other.time));
    latest?.manager
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Applying the desired object would change nothing.
    Same,
    /// It would change something.
    Drifted,
    /// All that it would change is to be left alone.
    Ignored,
}

/// How a field that is left alone is kept as it is, when the rest of its object is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upkeep {
    /// Sent with its live value: leaving it out would delete it.
    Adopt,
    /// Not sent: somebody else applied it, and keeps it.
    Release,
}

/// How one [`Pair`] was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    pub verdict: Verdict,
    /// JSON pointers (RFC 6901) of what differs. The empty one is the object as a whole.
    pub pointers: Vec<String>,
    /// JSON pointers of what is to stay as it is should the object be applied, to be dealt with in this order.
    pub left_alone: Vec<(String, Upkeep)>,
}

/// Why nothing was judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DriftCheckError {
    /// The check can't use its configuration: the rules of the owner are wrong. The text is for the user.
    #[error("{0}")]
    Configuration(String),
    /// The check itself failed.
    #[error("{0}")]
    Failed(String),
}

#[cfg(test)]
mod tests {
    use super::FieldOwner;
    use super::last_manager;

    #[test]
    fn the_last_manager_is_that_of_the_object_itself() {
        let owner = |manager, subresource, time| FieldOwner {
            manager: Some(manager),
            subresource,
            time,
        };
        let owners = [
            owner("undated", None, None),
            owner("first", None, Some(1)),
            owner("second", Some(""), Some(2)),
            owner("status", Some("status"), Some(3)),
        ];
        assert_eq!(last_manager(owners), Some("second"));
        assert_eq!(last_manager(owners[..1].iter().copied()), Some("undated"));
        assert_eq!(last_manager(owners[3..].iter().copied()), None);
    }
}
