//! Lists that merge element by element. The steps are those of kyaml/yaml/walk/associative_sequence.go, one by one:
//! what happens to elements without a key, or with keys that occur twice, follows from their order.

use super::{Merge, Patch};
use crate::Error;
use crate::schema::TypeSchema;
use tidegate_yaml::Tag;

use crate::tree::{Kind, Node, Tree, wrong_kind};

/// Merges two lists whose elements `keys` identify; no keys: lists of scalars.
pub(super) fn merge<'s>(
    merge: &Merge<'s>,
    mut dest: Node,
    patch: Patch,
    keys: Vec<String>,
    elements: Option<TypeSchema<'s>>,
) -> Result<Node, Error> {
    let (origin, same) = match patch {
        Patch::Node(mut node) => (std::mem::take(node.list_mut()), false),
        Patch::Same => (Vec::new(), true),
        Patch::Absent => (Vec::new(), false),
    };
    let sources = [origin.as_slice(), dest.items()];
    let (keys, mut values) = if keys.is_empty() {
        (vec![String::new()], scalar_values(sources))
    } else {
        let values = element_values(sources, &keys);
        (keys, values)
    };
    if keys.len() > 1 {
        unify_values(&mut values);
    }
    let mut items: Vec<Node> = Vec::new();
    let mut valid_keys = keys.clone();
    for index in 0..values.len() {
        let valid_values;
        (valid_keys, valid_values) = valid(&values, &values[index], &keys);
        let (match_keys, match_values) = valid(
            std::slice::from_ref(&valid_values),
            &valid_values,
            &valid_keys,
        );
        let position = find_element(dest.items(), &match_keys, &match_values);
        let dest_element = position.map(|position| dest.items()[position].clone());
        let patch_element = if same {
            if position.is_some() {
                Patch::Same
            } else {
                Patch::Absent
            }
        } else {
            find_element(&origin, &match_keys, &match_values).map_or(Patch::Absent, |position| {
                Patch::Node(origin[position].clone())
            })
        };
        let replaces =
            matches!(&patch_element, Patch::Node(node) if node.string_field("$patch") == "replace");
        let walked = merge.walk(dest_element, patch_element, elements)?;
        let Some(mut element) =
            walked.filter(|node| !node.is_tagged_null() && !node.is_empty_mapping())
        else {
            for _ in &valid_keys {
                set_element(dest.list_mut(), None, &valid_keys, &valid_values)?;
            }
            continue;
        };
        for (key, value) in valid_keys.iter().zip(&valid_values) {
            if element.field(key).is_none() && !value.is_empty() {
                if key.is_empty() {
                    element.set_scalar(value, Tag::NONE)?;
                } else {
                    element.set_field(key, Node::text(value))?;
                }
            }
        }
        // Upstream the element of the object and the merged one are the same node, unless the patch replaces it.
        if let (Some(position), false) = (position, replaces) {
            dest.list_mut()[position] = element.clone();
        }
        set_element(&mut items, Some(element), &valid_keys, &valid_values)?;
    }
    if !values.is_empty() {
        let present = std::mem::take(dest.list_mut());
        append(&mut items, present, &valid_keys)?;
        *dest.list_mut() = items;
        // Upstream makes a new list, which has no comments.
        dest.comments = None;
    }
    Ok(dest)
}

fn element_values(sources: [&[Node]; 2], keys: &[String]) -> Vec<Vec<String>> {
    let mut values: Vec<Vec<String>> = Vec::new();
    for item in sources.into_iter().flatten() {
        let of_item: Vec<String> = keys
            .iter()
            .map(|key| {
                item.field(key)
                    .filter(|v| !v.is_nil_or_empty())
                    .map_or("", Tree::value)
                    .to_owned()
            })
            .collect();
        if !values.contains(&of_item) {
            values.push(of_item);
        }
    }
    values
}

fn scalar_values(sources: [&[Node]; 2]) -> Vec<Vec<String>> {
    let mut values: Vec<Vec<String>> = Vec::new();
    for item in sources.into_iter().flatten() {
        if !values.iter().any(|v| v[0] == item.value()) {
            values.push(vec![item.value().to_owned()]);
        }
    }
    values
}

/// Fills keys that one side leaves out from the other side, where a key in common matches (`mergeValues`).
fn unify_values(values: &mut [Vec<String>]) {
    for i in 0..values.len() {
        for j in 0..values.len() {
            if let Some(united) = unite(&values[i], &values[j]) {
                values[i].clone_from(&united);
                values[j] = united;
            }
        }
    }
}

fn unite(a: &[String], b: &[String]) -> Option<Vec<String>> {
    if a.len() != b.len() {
        return None;
    }
    let mut common = false;
    let mut united = Vec::with_capacity(a.len());
    for (x, y) in a.iter().zip(b) {
        if x == y {
            common = true;
            united.push(x.clone());
        } else if !x.is_empty() && !y.is_empty() {
            return None;
        } else {
            united.push(if x.is_empty() { y.clone() } else { x.clone() });
        }
    }
    common.then_some(united)
}

/// The keys that any element sets, with this element's values for them (`validateKeys`).
fn valid(all: &[Vec<String>], values: &[String], keys: &[String]) -> (Vec<String>, Vec<String>) {
    let is_set = |key: &String| {
        all.iter().any(|values| {
            values
                .iter()
                .zip(keys)
                .any(|(value, k)| k == key && !value.is_empty())
        })
    };
    if !keys.iter().any(is_set) {
        return (keys.to_vec(), values.to_vec());
    }
    let valid_keys = keys.iter().filter(|key| is_set(key)).cloned().collect();
    let valid_values = values
        .iter()
        .zip(keys)
        .filter(|(value, key)| !value.is_empty() || is_set(key))
        .map(|(v, _)| v.clone())
        .collect();
    (valid_keys, valid_values)
}

fn find_element(items: &[Node], keys: &[String], values: &[String]) -> Option<usize> {
    let empty = String::new();
    if keys.first().is_none_or(String::is_empty) {
        let value = values.first().unwrap_or(&empty);
        return items.iter().position(|item| item.value() == value);
    }
    items.iter().position(|item| {
        item.node_kind() == Kind::Mapping
            && keys
                .iter()
                .zip(values)
                .all(|(key, value)| item.field(key).is_some_and(|field| field.value() == value))
    })
}

/// kyaml's `ElementSetter`: replaces every element whose keys have the values by `element` (or drops them without
/// one), and appends it if there was none. Nulls and empty mappings are dropped on the way.
pub(super) fn set_element(
    items: &mut Vec<Node>,
    element: Option<Node>,
    keys: &[String],
    values: &[String],
) -> Result<(), Error> {
    let by_field = keys.first().is_some_and(|key| !key.is_empty())
        && values.first().is_some_and(|value| !value.is_empty());
    let mut kept = Vec::with_capacity(items.len() + 1);
    let mut found = false;
    for item in items.drain(..) {
        if item.is_tagged_null() || item.is_empty_mapping() {
            continue;
        }
        if item.node_kind() != Kind::Mapping && by_field {
            kept.push(item);
            continue;
        }
        if !has_values(&item, keys, values)? {
            if !values.is_empty() {
                kept.push(item);
            }
            continue;
        }
        found = true;
        if let Some(element) = &element {
            kept.push(element.clone());
        }
    }
    *items = kept;
    if let Some(element) = element.filter(|element| !element.is_tagged_null())
        && !found
    {
        items.push(element);
    }
    Ok(())
}

fn has_values(item: &Node, keys: &[String], values: &[String]) -> Result<bool, Error> {
    let mut matched = None;
    for (index, key) in keys.iter().enumerate() {
        if let Some(value) = values.get(index) {
            matched = Some(if key.is_empty() {
                if item.node_kind() != Kind::Scalar {
                    return Err(wrong_kind(Kind::Scalar, item));
                }
                item.value() == value
            } else {
                if item.node_kind() != Kind::Mapping {
                    return Err(wrong_kind(Kind::Mapping, item));
                }
                item.field(key)
                    .is_some_and(|field| value.is_empty() || field.value() == value)
            });
        }
        if matched != Some(true) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// kyaml's `appendListNode`: adds the elements of `source`, in place of those with equal keys.
fn append(items: &mut Vec<Node>, source: Vec<Node>, keys: &[String]) -> Result<(), Error> {
    for element in source {
        if keys.first().is_none_or(String::is_empty) {
            let value = element.value().to_owned();
            set_element(items, Some(element), &[String::new()], &[value])?;
            continue;
        }
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            if !element.is_tagged_null() && element.node_kind() != Kind::Mapping {
                return Err(wrong_kind(Kind::Mapping, &element));
            }
            match element.field(key) {
                Some(field) => values.push(field.value().to_owned()),
                None => items.push(element.clone()),
            }
        }
        if keys.len() > 1 {
            set_element(items, None, keys, &values)?;
        }
        set_element(items, Some(element), keys, &values)?;
    }
    Ok(())
}
