//! Sets the namespace of everything that can have one, and of what refers to it.

use std::collections::BTreeMap;

use tidegate_object::{ErrorKind, FieldSpec, Gvk, Kind, Node, Tree as _};
use tidegate_yaml::{Tag, Value};

use super::Transformer;
use crate::Error;
use crate::error::{Result, quote};
use crate::resource_set::ResourceSet;
use crate::session::Session;

/// Which subjects of role bindings move along.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum RoleBindingSubjects {
    /// Those called `default`.
    #[default]
    DefaultOnly,
    AllServiceAccounts,
    None,
}

impl RoleBindingSubjects {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        match text {
            "" | "defaultOnly" => Ok(Self::DefaultOnly),
            "allServiceAccounts" => Ok(Self::AllServiceAccounts),
            "none" => Ok(Self::None),
            other => Err(Error::text(format!(
                "invalid value {} for setRoleBindingSubjects: must be one of \"defaultOnly\", \"none\" or \"allServiceAccounts\"",
                quote(other)
            ))),
        }
    }
}

pub(crate) struct NamespaceTransformer {
    pub(crate) namespace: String,
    pub(crate) fields: Vec<FieldSpec>,
    /// Leave namespaces that are there.
    pub(crate) unset_only: bool,
    pub(crate) subjects: RoleBindingSubjects,
}

const METADATA_NAMESPACE: &str = "metadata/namespace";

impl Transformer for NamespaceTransformer {
    fn transform(&self, set: &mut ResourceSet, _: &Session<'_>) -> Result<()> {
        if self.namespace.is_empty() {
            return Ok(());
        }
        for resource in set.iter_mut() {
            resource.store_previous_id();
            self.apply(&mut resource.node)?;
        }
        refuse_conflicts(set)
    }
}

fn refuse_conflicts(set: &ResourceSet) -> Result<()> {
    // The name first: it is what tells most objects apart.
    let mut seen: BTreeMap<(String, String, Gvk), usize> = BTreeMap::new();
    for (index, resource) in set.iter().enumerate() {
        let id = resource.current_id();
        let namespace = id.effective_namespace().to_owned();
        let key = (id.name, namespace, id.gvk);
        if let Some(first) = seen.insert(key, index) {
            let show = |index: usize| -> Result<String> {
                let resource = set.get(index);
                let mut value = resource.value()?;
                if let Value::Map(fields) = &mut value
                    && resource.kind() == "Secret"
                {
                    fields.retain(|name, _| name != "data" && name != "stringData");
                }
                Ok(tidegate_yaml::to_json(&value)?)
            };
            return Err(Error::text(format!(
                "namespace transformation produces ID conflict: [{} {}]",
                show(first)?,
                show(index)?
            )));
        }
    }
    Ok(())
}

impl NamespaceTransformer {
    /// kustomize: api/filters/namespace.
    pub(crate) fn apply(&self, object: &mut Node) -> Result<()> {
        let gvk = Gvk::from_api_version(
            object.string_field("apiVersion"),
            object.string_field("kind"),
        );
        let is_core = object.string_field("apiVersion") == "v1";
        if !gvk.is_cluster_scoped() {
            let own = FieldSpec::new(Gvk::default(), METADATA_NAMESPACE, true);
            own.apply(object, Some((Kind::Scalar, Tag::NONE)), &mut |node| {
                self.set(node)
            })?;
        }
        let is_role_binding = is_role_binding(&gvk.kind);
        if is_role_binding {
            self.move_subjects(object)?;
        }
        for field in &self.fields {
            let skipped = field.path == METADATA_NAMESPACE
                || (!is_core && field.path == "metadata/name")
                || (is_role_binding && is_role_binding_spec(field));
            if skipped {
                continue;
            }
            field
                .apply(object, Some((Kind::Scalar, Tag::STR)), &mut |node| {
                    self.set(node)
                })
                .map_err(|error| {
                    let context = match error.kind() {
                        ErrorKind::CollectionInsteadOfScalar => {
                            "namespace field specs must target scalar nodes"
                        }
                        ErrorKind::Other => "namespace transformation failed",
                    };
                    Error::from(error).wrap(context)
                })?;
        }
        Ok(())
    }

    fn set(&self, node: &mut Node) -> Result<(), tidegate_object::Error> {
        if self.unset_only
            && !node.is_nil_or_empty()
            && node.node_kind() == Kind::Scalar
            && !node.value().is_empty()
        {
            return Ok(());
        }
        node.set_scalar(&self.namespace, Tag::STR)
    }

    fn move_subjects(&self, object: &mut Node) -> Result<()> {
        let (field, wanted) = match self.subjects {
            RoleBindingSubjects::None => return Ok(()),
            RoleBindingSubjects::DefaultOnly => ("name", "default"),
            RoleBindingSubjects::AllServiceAccounts => ("kind", "ServiceAccount"),
        };
        let Some(subjects) = object
            .field_mut("subjects")
            .filter(|subjects| !subjects.is_tagged_null())
        else {
            return Ok(());
        };
        let context = "setting namespace on (cluster)role binding subjects";
        if subjects.node_kind() != Kind::Sequence {
            return Err(
                Error::from(tidegate_object::wrong_kind(Kind::Sequence, subjects)).wrap(context),
            );
        }
        for subject in subjects.list_mut() {
            if subject
                .field(field)
                .is_some_and(|value| !value.is_tagged_null() && value.value() == wanted)
            {
                let namespace = subject.field_or_insert("namespace", Kind::Scalar)?;
                self.set(namespace)
                    .map_err(|error| Error::from(error).wrap(context))?;
            }
        }
        Ok(())
    }
}

fn is_role_binding(kind: &str) -> bool {
    kind == "RoleBinding" || kind == "ClusterRoleBinding"
}

fn is_role_binding_spec(field: &FieldSpec) -> bool {
    is_role_binding(&field.gvk.kind) && field.path == "subjects/namespace"
}
