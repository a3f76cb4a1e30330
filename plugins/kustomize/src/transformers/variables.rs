//! Deprecated variables: `$(NAME)` in given fields stands for a field of an object.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use tidegate_object::{FieldSpec, Kind, Node, Tree as _, find, split_dotted_path};
use tidegate_yaml::{Style, Tag, Value};

use crate::Error;
use crate::error::Result;
use crate::kustomization::Variable;
use crate::resource_set::ResourceSet;
use crate::session::Session;

/// Replaces all variables. kustomize: `ResolveVars`, api/filters/refvar.
pub(crate) fn resolve(
    set: &mut ResourceSet,
    variables: &BTreeMap<String, Variable>,
    fields: &[FieldSpec],
    session: &Session<'_>,
) -> Result<()> {
    if variables.is_empty() {
        return Ok(());
    }
    let values: BTreeMap<&str, Value> = variables
        .values()
        .map(|v| Ok((v.name.as_str(), value_of(set, v)?)))
        .collect::<Result<_>>()?;
    let mut replacer = Replacer {
        values: &values,
        used: BTreeSet::new(),
    };
    for resource in set.iter_mut() {
        for field in fields {
            field.apply(&mut resource.node, None, &mut |node| replacer.set(node))?;
        }
    }
    let unused: Vec<&str> = values
        .keys()
        .copied()
        .filter(|name| !replacer.used.contains(*name))
        .collect();
    if !unused.is_empty() {
        session.warn(format!(
            "well-defined vars that were never replaced: {}\n",
            unused.join(",")
        ));
    }
    Ok(())
}

fn value_of(set: &ResourceSet, variable: &Variable) -> Result<Value> {
    let Some(resource) = set
        .iter()
        .find(|resource| resource.variables.contains(&variable.name))
    else {
        return Err(Error::text(format!(
            "var '{variable}' cannot be mapped to a field in the set of known resources"
        )));
    };
    let missing = || {
        Error::text(format!(
            "field specified in var '{variable}' not found in corresponding resource"
        ))
    };
    let path = with_indices_apart(&split_dotted_path(variable.field_path()));
    let found = find(&resource.node, &path)
        .map_err(|_| missing())?
        .ok_or_else(missing)?;
    match found.node_kind() {
        Kind::Scalar => Ok(scalar(found)),
        _ => tidegate_yaml::decode(found).map_err(|_| missing()),
    }
}

/// A scalar by its tag alone.
fn scalar(node: &Node) -> Value {
    let text = node.value();
    let typed = match node.tag.as_str() {
        "!!int" => text.parse().ok().map(Value::Int),
        "!!float" => text.parse().ok().map(Value::Float),
        "!!bool" => text.parse().ok().map(Value::Bool),
        _ => None,
    };
    typed.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// `name[0]` as two steps.
fn with_indices_apart(path: &[String]) -> Vec<String> {
    let mut steps = Vec::new();
    for step in path {
        let split = step
            .strip_suffix(']')
            .and_then(|rest| rest.rsplit_once('['));
        match split {
            Some((name, index))
                if !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()) =>
            {
                if !name.is_empty() {
                    steps.push(name.to_owned());
                }
                steps.push(index.to_owned());
            }
            _ => steps.push(step.clone()),
        }
    }
    steps
}

struct Replacer<'v> {
    values: &'v BTreeMap<&'v str, Value>,
    used: BTreeSet<String>,
}

fn is_text(node: &Node) -> bool {
    node.node_kind() == Kind::Scalar && (node.tag.is_empty() || node.tag == Tag::STR)
}

impl Replacer<'_> {
    fn set(&mut self, node: &mut Node) -> Result<(), tidegate_object::Error> {
        if node.is_tagged_null() {
            return Ok(());
        }
        match node.node_kind() {
            Kind::Scalar => {
                if is_text(node) {
                    self.replace(node);
                }
            }
            Kind::Mapping => {
                for (key, value) in node.fields_mut() {
                    if !is_text(key) {
                        return Err(tidegate_object::Error::text(format!(
                            "invalid map key: value='{}', tag='{}'",
                            key.value(),
                            key.tag
                        )));
                    }
                    if is_text(value) {
                        self.replace(value);
                    }
                }
            }
            Kind::Sequence => {
                for item in node.list_mut() {
                    if !is_text(item) {
                        return Err(tidegate_object::Error::text(
                            "invalid value type expect a string",
                        ));
                    }
                    self.replace(item);
                }
            }
        }
        Ok(())
    }

    fn replace(&mut self, node: &mut Node) {
        let (text, tag) = match self.expand(node.value()) {
            Value::Int(value) => (value.to_string(), Tag::INT),
            Value::Bool(value) => (value.to_string(), Tag::BOOL),
            Value::Float(value) => (value.to_string(), Tag::FLOAT),
            Value::String(text) => (text, Tag::STR),
            _ => return,
        };
        node.kind = tidegate_yaml::Kind::Scalar(text);
        node.tag = tag;
        node.style = Style::Plain;
    }

    /// Replaces the variables of a text; a text that is one variable takes its type. `$$` is a `$`.
    fn expand(&mut self, input: &str) -> Value {
        let mut output = String::new();
        let mut rest = input;
        while let Some(at) = rest.find('$') {
            let (before, after) = (&rest[..at], &rest[at + 1..]);
            let Some(next) = after.chars().next() else {
                break;
            };
            output.push_str(before);
            match next {
                '$' => {
                    output.push('$');
                    rest = &after[1..];
                }
                '(' => {
                    if let Some(end) = after.find(')') {
                        let name = &after[1..end];
                        let value = self.value(name);
                        if input.len() == name.len() + 3 {
                            return value;
                        }
                        push_value(&mut output, &value);
                        rest = &after[end + 1..];
                    } else {
                        output.push_str("$(");
                        rest = &after[1..];
                    }
                }
                other => {
                    output.push('$');
                    output.push(other);
                    rest = &after[other.len_utf8()..];
                }
            }
        }
        output.push_str(rest);
        Value::String(output)
    }

    fn value(&mut self, name: &str) -> Value {
        match self.values.get(name) {
            Some(value @ (Value::String(_) | Value::Int(_) | Value::Float(_) | Value::Bool(_))) => {
                self.used.insert(name.to_owned());
                value.clone()
            }
            _ => Value::String(format!("$({name})")),
        }
    }
}

fn push_value(output: &mut String, value: &Value) {
    let _ = match value {
        Value::Int(value) => write!(output, "{value}"),
        Value::Bool(value) => write!(output, "{value}"),
        Value::Float(value) => write!(output, "{value}"),
        Value::String(text) => write!(output, "{text}"),
        _ => Ok(()),
    };
}
