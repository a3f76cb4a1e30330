use crate::{Conditions, Duration};
use k8s_openapi::NamespaceResourceScope;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A column of what `kubectl get` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its head: `READY`.
    pub name: &'static str,
    /// `string`, `date`, `integer`…
    pub type_: &'static str,
    /// Where the value stands: `.metadata.creationTimestamp`.
    pub json_path: &'static str,
}

/// What every kind of ours has in common: names for its definition, and the fields that the reconcile loop reads.
pub trait CustomResource:
    kube::Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Serialize
    + DeserializeOwned
    + Clone
    + std::fmt::Debug
    + Send
    + Sync
    + 'static
{
    /// What people ask for.
    type Spec: JsonSchema;
    /// What came of it.
    type Status: JsonSchema + ReconcileStatus + Serialize + Clone;

    /// API group: `source.toolkit.fluxcd.io`.
    const GROUP: &'static str;
    /// API version without the group: `v1`.
    const VERSION: &'static str;
    /// The kind: `GitRepository`.
    const KIND: &'static str;
    /// The name in request paths: `gitrepositories`.
    const PLURAL: &'static str;
    /// The name for one that `kubectl get` takes: `gitrepository`.
    const SINGULAR: &'static str;
    /// Shorter names that `kubectl get` takes: `gitrepo`.
    const SHORT_NAMES: &'static [&'static str];
    /// Names for this and other kinds together that `kubectl get` takes: `fluxcd`.
    const CATEGORIES: &'static [&'static str];
    /// What `kubectl get` prints beside the name.
    const COLUMNS: &'static [Column];
    /// One sentence for `kubectl explain`.
    const DESCRIPTION: &'static str;

    /// What people ask for.
    fn spec(&self) -> &Self::Spec;
    /// What came of it.
    fn status(&self) -> &Self::Status;
    /// The status, to be changed.
    fn status_mut(&mut self) -> &mut Self::Status;

    /// Whether somebody asked to leave the object alone.
    fn is_suspended(&self) -> bool;
    /// Time between two reconciles that nothing else asked for.
    fn interval(&self) -> Duration;

    /// Value of the annotation that asks for a reconcile.
    fn reconcile_request(&self) -> Option<&str> {
        let annotations = self.meta().annotations.as_ref()?;
        annotations
            .get(crate::meta::annotation::RECONCILE_REQUESTED_AT)
            .map(String::as_str)
    }

    /// Number of the object's spec, 0 before the API server gave one.
    fn generation(&self) -> i64 {
        self.meta().generation.unwrap_or(0)
    }
}

/// What every status of ours has in common.
pub trait ReconcileStatus {
    /// The conditions, as they stand in the status.
    fn conditions(&self) -> &Conditions;
    /// The conditions, to be changed.
    fn conditions_mut(&mut self) -> &mut Conditions;
    /// -1 is the default that the API server gives to an object that nothing has looked at yet.
    fn observed_generation(&self) -> i64;
    /// Notes the generation of the spec that the status tells of.
    fn set_observed_generation(&mut self, generation: i64);
    /// Value of the annotation [`RECONCILE_REQUESTED_AT`](crate::meta::annotation::RECONCILE_REQUESTED_AT) that was
    /// answered last.
    fn last_handled_reconcile_at(&self) -> Option<&str>;
    /// Notes the request that was answered.
    fn set_last_handled_reconcile_at(&mut self, request: Option<String>);
}

/// Declares the object around a spec and a status, with what the API machinery wants to know of it.
macro_rules! custom_resource {
    (
        $(#[doc = $description:literal])+
        $object:ident($spec:ty, $status:ty) in $group:path, $version:path;
        plural $plural:literal, singular $singular:literal,
        short names $short_names:expr, categories $categories:expr, columns $columns:expr
    ) => {
        $(#[doc = $description])+
        #[derive(Debug, Clone, PartialEq, Default, serde::Deserialize)]
        #[serde(default)]
        pub struct $object {
            /// Name, namespace, labels, annotations and the rest of what every object has.
            pub metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
            /// What people ask for.
            pub spec: $spec,
            /// What came of it; the default before anything looked at the object.
            pub status: $status,
        }

        impl $object {
            /// An object with this name and spec and nothing else.
            pub fn new(name: &str, spec: $spec) -> Self {
                let mut object = Self { spec, ..Self::default() };
                object.metadata.name = Some(name.to_owned());
                object
            }
        }

        impl serde::Serialize for $object {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeStruct;
                let has_status = self.status != <$status>::default();
                let mut object = serializer.serialize_struct(stringify!($object), 4 + usize::from(has_status))?;
                object.serialize_field("apiVersion", &<Self as kube::Resource>::api_version(&()))?;
                object.serialize_field("kind", stringify!($object))?;
                object.serialize_field("metadata", &self.metadata)?;
                object.serialize_field("spec", &self.spec)?;
                if has_status {
                    object.serialize_field("status", &self.status)?;
                } else {
                    object.skip_field("status")?;
                }
                object.end()
            }
        }

        impl kube::Resource for $object {
            type DynamicType = ();
            type Scope = k8s_openapi::NamespaceResourceScope;

            fn kind(_: &()) -> std::borrow::Cow<'_, str> {
                stringify!($object).into()
            }

            fn group(_: &()) -> std::borrow::Cow<'_, str> {
                $group.into()
            }

            fn version(_: &()) -> std::borrow::Cow<'_, str> {
                $version.into()
            }

            fn plural(_: &()) -> std::borrow::Cow<'_, str> {
                $plural.into()
            }

            fn meta(&self) -> &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                &self.metadata
            }

            fn meta_mut(&mut self) -> &mut k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                &mut self.metadata
            }
        }

        impl $crate::CustomResource for $object {
            type Spec = $spec;
            type Status = $status;

            const GROUP: &'static str = $group;
            const VERSION: &'static str = $version;
            const KIND: &'static str = stringify!($object);
            const PLURAL: &'static str = $plural;
            const SINGULAR: &'static str = $singular;
            const SHORT_NAMES: &'static [&'static str] = &$short_names;
            const CATEGORIES: &'static [&'static str] = &$categories;
            const COLUMNS: &'static [$crate::Column] = &$columns;
            const DESCRIPTION: &'static str = concat!($($description),+);

            fn spec(&self) -> &Self::Spec {
                &self.spec
            }

            fn status(&self) -> &Self::Status {
                &self.status
            }

            fn status_mut(&mut self) -> &mut Self::Status {
                &mut self.status
            }

            fn is_suspended(&self) -> bool {
                self.spec.suspend
            }

            fn interval(&self) -> $crate::Duration {
                self.spec.interval
            }
        }

        impl $crate::ReconcileStatus for $status {
            fn conditions(&self) -> &$crate::Conditions {
                &self.conditions
            }

            fn conditions_mut(&mut self) -> &mut $crate::Conditions {
                &mut self.conditions
            }

            fn observed_generation(&self) -> i64 {
                self.observed_generation
            }

            fn set_observed_generation(&mut self, generation: i64) {
                self.observed_generation = generation;
            }

            fn last_handled_reconcile_at(&self) -> Option<&str> {
                self.last_handled_reconcile_at.as_deref()
            }

            fn set_last_handled_reconcile_at(&mut self, request: Option<String>) {
                self.last_handled_reconcile_at = request;
            }
        }
    };
}

pub(crate) use custom_resource;

/// Columns that every kind of Flux prints.
pub(crate) mod column {
    use super::Column;

    pub(crate) const AGE: Column = Column {
        name: "Age",
        type_: "date",
        json_path: ".metadata.creationTimestamp",
    };
    pub(crate) const READY: Column = Column {
        name: "Ready",
        type_: "string",
        json_path: r#".status.conditions[?(@.type=="Ready")].status"#,
    };
    pub(crate) const STATUS: Column = Column {
        name: "Status",
        type_: "string",
        json_path: r#".status.conditions[?(@.type=="Ready")].message"#,
    };
}

/// For fields that are left out when they hold Go's zero value.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
pub(crate) fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// For fields that are left out when they hold Go's zero value.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
pub(crate) fn is_false(flag: &bool) -> bool {
    !*flag
}
