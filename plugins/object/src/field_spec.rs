//! Field specifications: a type and a path such as `spec/template/spec/containers[]/image`, and what kustomize does
//! at the end of it.

use std::borrow::Cow;
use std::fmt;

use crate::tree::{Kind, Node, Tree};
use crate::{Error, Gvk, ObjectId, parse_api_version, split_path};
use tidegate_yaml::Tag;

/// Where a transformer works: objects of a type (empty fields match any), at a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSpec {
    /// The type of objects; empty fields match any.
    pub gvk: Gvk,
    /// Steps divided by `/`. Lists on the way are entered by themselves; `name[]` says that a list is meant.
    pub path: Cow<'static, str>,
    /// Make what is missing on the way, except below lists.
    pub create: bool,
}

impl FieldSpec {
    /// A specification of its parts.
    pub fn new(gvk: Gvk, path: impl Into<Cow<'static, str>>, create: bool) -> Self {
        Self {
            gvk,
            path: path.into(),
            create,
        }
    }

    /// Adds `incoming` to `specs` where no present entry covers it. kustomize: api/types, `FsSlice.MergeAll`.
    #[expect(clippy::ptr_arg, reason = "built-in lists are told by being borrowed")]
    pub fn merge_all(
        specs: &mut Cow<'static, [FieldSpec]>,
        incoming: &Cow<'static, [FieldSpec]>,
    ) -> Result<(), Error> {
        // Written-out lists go through the loop even then: a later entry that covers an earlier one is left out.
        if specs.is_empty() && matches!(incoming, Cow::Borrowed(_)) {
            specs.clone_from(incoming);
            return Ok(());
        }
        if let (Cow::Borrowed(a), Cow::Borrowed(b)) = (&*specs, incoming)
            && std::ptr::eq(*a, *b)
        {
            return Ok(());
        }
        for spec in incoming.iter() {
            Self::merge_one(specs, spec)?;
        }
        Ok(())
    }

    /// Adds `spec` where no present entry covers it; an error where one does and says otherwise of `create`
    /// (kustomize: api/types, `FsSlice.MergeOne`).
    pub fn merge_one(specs: &mut Cow<'static, [FieldSpec]>, spec: &FieldSpec) -> Result<(), Error> {
        let covering = specs
            .iter()
            .find(|present| present.path == spec.path && present.gvk.is_selected_by(&spec.gvk));
        match covering {
            Some(present) if present.create != spec.create => {
                Err(Error::text("conflicting fieldspecs"))
            }
            Some(_) => Ok(()),
            None => {
                specs.to_mut().push(spec.clone());
                Ok(())
            }
        }
    }

    fn selects(&self, object: &Node) -> bool {
        if !self.gvk.kind.is_empty() && self.gvk.kind != object.string_field("kind") {
            return false;
        }
        if self.gvk.group.is_empty() && self.gvk.version.is_empty() {
            return true;
        }
        let (group, version) = parse_api_version(object.string_field("apiVersion"));
        (self.gvk.group.is_empty() || self.gvk.group == group)
            && (self.gvk.version.is_empty() || self.gvk.version == version)
    }

    /// Calls `set` on every node at the path, if the object is of the type. `make` says what a missing last step
    /// becomes. kustomize: api/filters/fieldspec.
    pub fn apply(
        &self,
        object: &mut Node,
        make: Option<(Kind, Tag)>,
        set: &mut dyn FnMut(&mut Node) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if !self.selects(object) {
            return Ok(());
        }
        self.apply_to_any(object, make, set)
    }

    /// As [`FieldSpec::apply`], whatever the type of the object.
    pub fn apply_to_any(
        &self,
        object: &mut Node,
        make: Option<(Kind, Tag)>,
        set: &mut dyn FnMut(&mut Node) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let steps = split_path(&self.path, '/');
        let mut walk = Walk {
            create: self.create,
            make,
            set,
        };
        let walked = walk.node(object, &steps);
        walked.map_err(|error| {
            error.wrap(&format!(
                "considering field '{}' of object {}",
                self.path,
                id_without_scope(object)
            ))
        })
    }
}

/// `group.version.kind:create:path`, as upstream prints it.
impl fmt::Display for FieldSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.gvk, self.create, self.path)
    }
}

fn id_without_scope(object: &Node) -> ObjectId {
    ObjectId {
        gvk: Gvk::from_api_version(
            object.string_field("apiVersion"),
            object.string_field("kind"),
        ),
        name: object.metadata_field("name").to_owned(),
        namespace: object.metadata_field("namespace").to_owned(),
        cluster_scoped: false,
    }
}

struct Walk<'a> {
    create: bool,
    make: Option<(Kind, Tag)>,
    set: &'a mut dyn FnMut(&mut Node) -> Result<(), Error>,
}

impl Walk<'_> {
    fn node(&mut self, node: &mut Node, steps: &[String]) -> Result<(), Error> {
        let Some((step, rest)) = steps.split_first() else {
            return (self.set)(node);
        };
        if node.is_tagged_null() {
            return Ok(());
        }
        match node.node_kind() {
            Kind::Sequence => {
                for item in node.list_mut() {
                    self.node(item, steps).map_err(|error| {
                        error.wrap(&format!("visit traversal on path: [{}]", steps.join(" ")))
                    })?;
                }
                Ok(())
            }
            Kind::Mapping => self.field(node, step, rest),
            Kind::Scalar => Err(Error::text("expected sequence or mapping node")),
        }
    }

    fn field(&mut self, node: &mut Node, step: &str, rest: &[String]) -> Result<(), Error> {
        let (name, is_list) = step
            .strip_suffix("[]")
            .map_or((step, false), |name| (name, true));
        if name.is_empty() {
            return Err(Error::text("cannot set or create an empty field name"));
        }
        let create = match self.make.clone() {
            Some(make) if self.create && !is_list => Some(if rest.is_empty() {
                make
            } else {
                (Kind::Mapping, Tag::MAP)
            }),
            _ => None,
        };
        // What a present null turns into.
        let instead_of_null = create.clone().or(if is_list {
            Some((Kind::Sequence, Tag::NONE))
        } else {
            None
        });
        if node.field(name).is_none() {
            let Some((kind, _)) = create else {
                return Ok(());
            };
            node.fields_mut()
                .push((Node::text(name), Node::empty(kind)));
        }
        let Some(field) = node.field_mut(name) else {
            return Ok(());
        };
        if field.is_tagged_null()
            && let Some((kind, tag)) = instead_of_null
        {
            field.turn_into(kind, tag);
        }
        self.node(field, rest)
    }
}
