//! Follows changed names: every field that names an object of the build gets the object's new name.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_object::{FieldSpec, Gvk, Kind, Node, Tree as _, wrong_kind};
use tidegate_yaml::Tag;

use crate::Error;
use crate::config::BackReferences;
use crate::error::Result;
use crate::resource::Resource;
use crate::resource_set::ResourceSet;

/// Updates all references. kustomize: api/internal/accumulator/namereferencetransformer.go, api/filters/nameref.
pub(crate) fn fix_references(set: &mut ResourceSet, references: &[BackReferences]) -> Result<()> {
    let candidates = Candidates::of(set);
    for index in 0..set.len() {
        let referrer = &candidates.all[index];
        let mut reach = None;
        let mut node = std::mem::take(&mut set.get_mut(index).node);
        let result: Result<()> = references.iter().try_for_each(|reference| {
            for field in reference.referrers.iter() {
                if !referrer.original.is_selected_by(&field.gvk) {
                    continue;
                }
                let reach = match &reach {
                    Some(reach) => reach,
                    None => reach.insert(Reach::of(referrer, &node)?),
                };
                let fix = Fix {
                    reach,
                    candidates: &candidates,
                    target: &reference.target,
                    field,
                };
                fix.apply(&mut node)?;
            }
            Ok(())
        });
        set.get_mut(index).node = node;
        result.map_err(|error| set.get(index).refuse(error))?;
    }
    Ok(())
}

/// What selection needs of an object. Names do not change while references are fixed.
struct Candidate {
    id: tidegate_object::ObjectId,
    original: Gvk,
    original_namespace: String,
    previous: Vec<(Gvk, String)>,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

impl Candidate {
    fn new(resource: &Resource) -> Self {
        let original = resource.original_id();
        let gvk = resource.gvk();
        Self {
            id: resource.current_id(),
            original_namespace: original.effective_namespace().to_owned(),
            original: original.gvk,
            previous: resource
                .previous
                .iter()
                .map(|p| {
                    (
                        Gvk::new(gvk.group.clone(), gvk.version.clone(), p.kind.clone()),
                        p.name.clone(),
                    )
                })
                .collect(),
            prefixes: resource.prefixes.clone(),
            suffixes: resource.suffixes.clone(),
        }
    }

    fn was_of_type(&self, gvk: &Gvk) -> bool {
        self.previous
            .iter()
            .any(|(previous, _)| previous.is_selected_by(gvk))
    }

    fn affixes_equal(&self, other: &Self, allow_empty: bool) -> bool {
        let equal = |a: &[String], b: &[String]| {
            (allow_empty && (a.is_empty() || b.is_empty())) || same_ending(a, b)
        };
        equal(&self.prefixes, &other.prefixes) && equal(&self.suffixes, &other.suffixes)
    }
}

/// True when the shorter list ends the longer one; an empty list ends only an empty one.
fn same_ending(a: &[String], b: &[String]) -> bool {
    let (shorter, longer) = if a.len() > b.len() { (b, a) } else { (a, b) };
    if shorter.is_empty() {
        longer.is_empty()
    } else {
        longer.ends_with(shorter)
    }
}

/// The objects of the build, and where to find those that had a name: most fields of most objects refer to one.
struct Candidates {
    all: Vec<Candidate>,
    by_previous_name: BTreeMap<String, BTreeSet<usize>>,
}

impl Candidates {
    fn of(set: &ResourceSet) -> Self {
        let all: Vec<Candidate> = set.iter().map(Candidate::new).collect();
        let mut by_previous_name: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for (index, candidate) in all.iter().enumerate() {
            for (_, name) in &candidate.previous {
                let with_name = by_previous_name.entry(name.clone()).or_default();
                with_name.insert(index);
            }
        }
        Self {
            all,
            by_previous_name,
        }
    }

    /// In the order of the build.
    fn that_had_name(&self, name: &str) -> impl Iterator<Item = &Candidate> {
        let indices = self.by_previous_name.get(name).into_iter().flatten();
        indices.map(|index| &self.all[*index])
    }
}

/// What an object can refer to. kustomize: `SubsetThatCouldBeReferencedByResource`.
struct Reach<'c> {
    referrer: &'c Candidate,
    /// Namespaces beside the object's own.
    namespaces: Vec<String>,
}

impl<'c> Reach<'c> {
    fn of(referrer: &'c Candidate, node: &Node) -> Result<Self> {
        let namespaces = if referrer.id.cluster_scoped {
            Vec::new()
        } else {
            subject_namespaces(node, referrer)?
        };
        Ok(Self {
            referrer,
            namespaces,
        })
    }

    fn contains(&self, candidate: &Candidate) -> bool {
        self.referrer.id.cluster_scoped
            || candidate.id.cluster_scoped
            || candidate.id.same_namespace(&self.referrer.id)
            || self.namespaces.contains(&candidate.id.namespace)
    }
}

/// Namespaces of the service accounts that a role binding names.
fn subject_namespaces(node: &Node, referrer: &Candidate) -> Result<Vec<String>> {
    let mut namespaces = Vec::new();
    if referrer.id.gvk.kind != "RoleBinding" {
        return Ok(namespaces);
    }
    for subject in node.field("subjects").into_iter().flat_map(Node::items) {
        let (Some(namespace), Some(kind)) = (subject.field("namespace"), subject.field("kind"))
        else {
            continue;
        };
        if kind.value() == "ServiceAccount" {
            if namespace.is_tagged_null() {
                let id = &referrer.id;
                return Err(Error::text(format!(
                    "Invalid Input: namespace is blank for resource {:?}\n",
                    id.to_string()
                )));
            }
            namespaces.push(namespace.value().to_owned());
        }
    }
    Ok(namespaces)
}

struct Fix<'a> {
    reach: &'a Reach<'a>,
    candidates: &'a Candidates,
    target: &'a Gvk,
    field: &'a FieldSpec,
}

impl Fix<'_> {
    fn apply(&self, node: &mut Node) -> Result<()> {
        let role = self
            .field
            .path
            .ends_with("roleRef/name")
            .then(|| role_type(node))
            .flatten();
        let result = self
            .field
            .apply_to_any(node, None, &mut |found| self.set(found, role.as_ref()));
        result.map_err(|error| {
            Error::from(error).wrap(format_args!(
                "updating name reference in '{}' field of '{}'",
                self.field.path, self.reach.referrer.id
            ))
        })
    }

    fn set(&self, node: &mut Node, role: Option<&Gvk>) -> Result<(), tidegate_object::Error> {
        if node.is_tagged_null() {
            return Ok(());
        }
        match node.node_kind() {
            Kind::Scalar => self.set_scalar(node, role),
            Kind::Mapping => self.set_mapping(node, role),
            Kind::Sequence => node.list_mut().iter_mut().try_for_each(|item| {
                if item.is_tagged_null() {
                    return Ok(());
                }
                match item.node_kind() {
                    Kind::Scalar => self.set_scalar(item, role),
                    Kind::Mapping => self.set_mapping(item, role),
                    Kind::Sequence => Err(tidegate_object::Error::text(
                        "node is expected to be either a string or a map of string",
                    )),
                }
            }),
        }
    }

    fn set_scalar(
        &self,
        node: &mut Node,
        role: Option<&Gvk>,
    ) -> Result<(), tidegate_object::Error> {
        let identical = |a: &Candidate, b: &Candidate| a.id.name == b.id.name;
        let Some(referral) = self.select(node.value(), |_| true, role, identical)? else {
            return Ok(());
        };
        if referral.id.name == node.value() {
            return Ok(());
        }
        node.set_scalar(&referral.id.name, Tag::NONE)
    }

    /// A mapping with name and, perhaps, namespace.
    fn set_mapping(
        &self,
        node: &mut Node,
        role: Option<&Gvk>,
    ) -> Result<(), tidegate_object::Error> {
        let Some(name) = node.field("name") else {
            return Err(tidegate_object::Error::text(
                "path config error; no 'name' field in node",
            ));
        };
        let name = name.value().to_owned();
        let namespace = node
            .field("namespace")
            .map(|field| field.value().to_owned());
        let originally = namespace
            .as_deref()
            .is_some_and(|namespace| self.is_original_namespace(namespace));
        let is_there = |candidate: &Candidate| match namespace.as_deref() {
            None => true,
            Some(tidegate_object::NOT_A_NAMESPACE) => false,
            Some(namespace) if originally => candidate.original_namespace == namespace,
            Some(namespace) => candidate.id.effective_namespace() == namespace,
        };
        let identical = |a: &Candidate, b: &Candidate| {
            a.id.name == b.id.name && a.id.namespace == b.id.namespace
        };
        let Some(referral) = self.select(&name, is_there, role, identical)? else {
            return Ok(());
        };
        if referral.id.name == name && referral.id.namespace.is_empty() {
            return Ok(());
        }
        set_text(node, "name", &referral.id.name)?;
        if referral.id.namespace.is_empty() {
            Ok(())
        } else {
            set_text(node, "namespace", &referral.id.namespace)
        }
    }

    /// True when some object in reach came with this namespace.
    fn is_original_namespace(&self, namespace: &str) -> bool {
        let came_with = |candidate: &&Candidate| candidate.original_namespace == namespace;
        let mut with_it = self.candidates.all.iter().filter(came_with);
        with_it.any(|candidate| self.reach.contains(candidate))
    }

    fn select(
        &self,
        old_name: &str,
        is_there: impl Fn(&Candidate) -> bool,
        role: Option<&Gvk>,
        identical: impl Fn(&Candidate, &Candidate) -> bool,
    ) -> Result<Option<&Candidate>, tidegate_object::Error> {
        let referrer = self.reach.referrer;
        let mut found: Vec<&Candidate> = self
            .candidates
            .that_had_name(old_name)
            .filter(|candidate| {
                self.reach.contains(candidate)
                    && is_there(candidate)
                    && candidate.was_of_type(self.target)
                    && role.is_none_or(|role| candidate.was_of_type(role))
                    && self.is_in_reach(candidate)
            })
            .collect();
        if let [single] = found.as_slice() {
            return Ok(Some(single));
        }
        found.retain(|candidate| candidate.affixes_equal(referrer, true));
        if found.len() > 1 {
            found.retain(|candidate| candidate.affixes_equal(referrer, false));
        }
        match found.as_slice() {
            [] => Ok(None),
            [single] => Ok(Some(single)),
            [first, rest @ ..] if rest.iter().all(|other| identical(first, other)) => {
                Ok(Some(first))
            }
            many => {
                let ids: Vec<String> = many
                    .iter()
                    .map(|candidate| candidate.id.to_string())
                    .collect();
                Err(tidegate_object::Error::text(format!(
                    "found multiple possible referrals: {}",
                    ids.join(", ")
                )))
            }
        }
    }

    fn is_in_reach(&self, candidate: &Candidate) -> bool {
        let referrer = self.reach.referrer;
        referrer.id.cluster_scoped
            || candidate.id.cluster_scoped
            || candidate.id.gvk.kind == "ServiceAccount"
            || candidate.id.same_namespace(&referrer.id)
    }
}

/// The type that `roleRef` names.
fn role_type(node: &Node) -> Option<Gvk> {
    let role = node.field("roleRef")?;
    let group = role.field("apiGroup")?.value().to_owned();
    let kind = role.field("kind")?.value().to_owned();
    Some(Gvk::new(group, "", kind))
}

fn set_text(node: &mut Node, field: &str, text: &str) -> Result<(), tidegate_object::Error> {
    if node.node_kind() != Kind::Mapping {
        return Err(wrong_kind(Kind::Mapping, node));
    }
    node.set_field(field, Node::text(text))
}
