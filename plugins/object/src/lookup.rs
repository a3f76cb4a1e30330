//! Finding nodes by dotted paths: exactly one (`find`), or all that match with patterns and creation (`find_all`).

use crate::Error;
use crate::path::{element_selector, index};
use crate::selector::FreePattern;
use crate::tree::{Kind, Node, Tree, wrong_kind};

/// Follows names, list indices, `-` (the last element) and `[name=value]`. kyaml/yaml, `PathGetter`.
pub fn find<'n>(node: &'n Node, path: &[String]) -> Result<Option<&'n Node>, Error> {
    let mut at = node;
    for step in path
        .iter()
        .map(|step| step.trim())
        .filter(|step| !step.is_empty())
    {
        match find_step(at, step)? {
            Some(next) => at = next,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

fn find_step<'n>(node: &'n Node, step: &str) -> Result<Option<&'n Node>, Error> {
    if let Some(index) = index(step) {
        let index = usize::try_from(index)
            .map_err(|_| Error::text(format!("array index {index} cannot be negative")))?;
        return Ok(sequence(node)?.get(index));
    }
    if step == "-" {
        return Ok(sequence(node)?.last());
    }
    if step == "*" {
        return Err(Error::text("wildcard is not supported in PathGetter"));
    }
    if let Some(selector) = element_selector(step) {
        let (name, value) = selector?;
        let items = sequence(node)?;
        if name.is_empty() {
            return Ok(items.iter().find(|item| item.value() == value));
        }
        return Ok(items.iter().find(|item| {
            item.node_kind() == Kind::Mapping
                && item.field(name).is_some_and(|field| field.value() == value)
        }));
    }
    if node.is_tagged_null() {
        return Ok(None);
    }
    if node.node_kind() != Kind::Mapping {
        return Err(wrong_kind(Kind::Mapping, node));
    }
    Ok(node.field(step))
}

fn sequence(node: &Node) -> Result<&[Node], Error> {
    if node.is_tagged_null() {
        return Ok(&[]);
    }
    if node.node_kind() != Kind::Sequence {
        return Err(wrong_kind(Kind::Sequence, node));
    }
    Ok(node.items())
}

/// Positions from a root to a node: field or item indices.
pub type Position = Vec<usize>;

/// The node at a position, if it exists.
pub fn at_mut<'n>(node: &'n mut Node, position: &[usize]) -> Option<&'n mut Node> {
    let mut at = node;
    for &index in position {
        at = match at.node_kind() {
            Kind::Mapping => &mut at.fields_mut().get_mut(index)?.1,
            Kind::Sequence => at.list_mut().get_mut(index)?,
            Kind::Scalar => return None,
        };
    }
    Some(at)
}

/// The positions of all nodes that a path matches; `[name=pattern]` takes a regular expression, `*` every element.
/// With `create`, what is missing is made, ending in a node of that kind. kyaml/yaml, `PathMatcher`.
pub fn find_all(node: &mut Node, path: &[String], create: Option<Kind>) -> Result<Matches, Error> {
    let mut found = Matches::default();
    let mut position = Vec::new();
    Finder {
        create,
        found: &mut found,
    }
    .visit(node, path, &mut position)?;
    Ok(found)
}

/// What [`find_all`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matches {
    /// Where they are, in the order of the document.
    pub positions: Vec<Position>,
    /// Matches inside of texts that are YAML themselves: upstream finds them in a copy, so that changes get lost.
    pub in_texts: usize,
}

impl Matches {
    /// Whether there was no match at all.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty() && self.in_texts == 0
    }

    fn len(&self) -> usize {
        self.positions.len() + self.in_texts
    }
}

struct Finder<'a> {
    create: Option<Kind>,
    found: &'a mut Matches,
}

impl Finder<'_> {
    fn visit(
        &mut self,
        node: &mut Node,
        path: &[String],
        position: &mut Position,
    ) -> Result<(), Error> {
        let Some((step, rest)) = path.split_first() else {
            self.found.positions.push(position.clone());
            return Ok(());
        };
        if let Some(number) = index(step).filter(|number| *number >= 0) {
            return self.visit_index(
                node,
                usize::try_from(number).unwrap_or(usize::MAX),
                step,
                rest,
                position,
            );
        }
        if let Some(selector) = element_selector(step) {
            let (name, pattern) = selector?;
            return self.visit_matching(node, (name, pattern), rest, position);
        }
        if step == "*" {
            sequence(node)?;
            for item in 0..node.items().len() {
                self.descend(node, item, rest, position)?;
            }
            return Ok(());
        }
        self.visit_field(node, step, rest, position)
    }

    fn descend(
        &mut self,
        node: &mut Node,
        child: usize,
        rest: &[String],
        position: &mut Position,
    ) -> Result<(), Error> {
        position.push(child);
        let result = match at_mut(node, &[child]) {
            Some(node) => self.visit(node, rest, position),
            None => Ok(()),
        };
        position.pop();
        result
    }

    fn visit_field(
        &mut self,
        node: &mut Node,
        name: &str,
        rest: &[String],
        position: &mut Position,
    ) -> Result<(), Error> {
        if node.is_tagged_null() {
            // Upstream reads no field from a null, and cannot make one in it either.
            return match self.create {
                None => Ok(()),
                Some(_) => Err(wrong_kind(Kind::Mapping, node)),
            };
        }
        if node.node_kind() != Kind::Mapping {
            return Err(wrong_kind(Kind::Mapping, node));
        }
        let child = if let Some(child) = node
            .entries()
            .iter()
            .position(|(key, _)| key.value() == name)
        {
            child
        } else {
            let Some(create) = self.create else {
                return Ok(());
            };
            let kind = next_kind(rest.first(), create);
            node.fields_mut()
                .push((Node::text(name), Node::empty(kind)));
            node.entries().len() - 1
        };
        if let Some((_, value)) = node.entries().get(child)
            && value.is_scalar()
            && !rest.is_empty()
        {
            return self.visit_text(value.value(), rest);
        }
        self.descend(node, child, rest, position)
    }

    fn visit_text(&mut self, text: &str, rest: &[String]) -> Result<(), Error> {
        let parsed = tidegate_yaml::parse_document(text.as_bytes())
            .map_err(|error| Error::text(error.to_string()))?;
        let mut inner = parsed.unwrap_or_else(|| Node::text(""));
        let found = find_all(&mut inner, rest, self.create)?;
        self.found.in_texts += found.len();
        Ok(())
    }

    fn visit_index(
        &mut self,
        node: &mut Node,
        number: usize,
        step: &str,
        rest: &[String],
        position: &mut Position,
    ) -> Result<(), Error> {
        let count = sequence(node)?.len();
        if count == number
            && let Some(create) = self.create
            && !node.is_tagged_null()
        {
            node.list_mut()
                .push(Node::empty(next_kind(rest.first(), create)));
        } else if count <= number {
            return Err(Error::text(format!(
                "index {step} specified but only {count} elements found"
            )));
        }
        self.descend(node, number, rest, position)
    }

    fn visit_matching(
        &mut self,
        node: &mut Node,
        (name, pattern): (&str, &str),
        rest: &[String],
        position: &mut Position,
    ) -> Result<(), Error> {
        sequence(node)?;
        let compiled = FreePattern::compile(pattern)?;
        let before = self.found.len();
        for item in 0..node.items().len() {
            let element = &node.items()[item];
            let text = if name.is_empty() {
                Some(element)
            } else {
                element.field(name)
            };
            let Some(text) = text.map(written) else {
                continue;
            };
            if !compiled.matches(text.trim()) {
                continue;
            }
            if name.is_empty() {
                position.push(item);
                self.found.positions.push(position.clone());
                position.pop();
            } else {
                self.descend(node, item, rest, position)?;
            }
        }
        if self.found.len() > before || self.create.is_none() || node.is_tagged_null() {
            return Ok(());
        }
        let mut element = Node::text(pattern);
        if !name.is_empty() {
            let value = element;
            element = Node::empty(Kind::Mapping);
            element.fields_mut().push((Node::text(name), value));
        }
        if !compiled.matches(pattern) {
            // Upstream would append for ever.
            return Err(Error::text(format!(
                "failed to create element for \"[{name}={pattern}]\""
            )));
        }
        node.list_mut().push(element);
        let item = node.items().len() - 1;
        if name.is_empty() {
            position.push(item);
            self.found.positions.push(position.clone());
            position.pop();
            return Ok(());
        }
        self.descend(node, item, rest, position)
    }
}

/// The text that upstream matches patterns against: the scalar as YAML would write it.
fn written(node: &Node) -> String {
    node.written()
}

/// The kind to make for a step that `next` follows.
fn next_kind(next: Option<&String>, last: Kind) -> Kind {
    match next.map(String::as_str) {
        None | Some("") => last,
        Some(step) if step.starts_with('[') && step.ends_with(']') => Kind::Sequence,
        Some(step) if index(step).is_some_and(|number| number >= 0) => Kind::Sequence,
        Some(_) => Kind::Mapping,
    }
}
