//! Which functions there are, and what they give for which types.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::types::{Bindings, Type};

/// The result of looking for a function.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// With this result; dynamic when several overloads fit that differ in it.
    Found(Type),
    NoOverload,
    Undeclared,
}

#[derive(Debug)]
struct Overload {
    is_member: bool,
    /// The target of a member first.
    parameters: Vec<Type>,
    result: Type,
}

const NAMESPACES: &[&str] = &["base64", "optional", "sets", "strings"];
const RELATIONS: &[&str] = &["_<_", "_<=_", "_>_", "_>=_"];
const ORDERED: &[Type] = &[
    Type::Bool,
    Type::Bytes,
    Type::String,
    Type::Duration,
    Type::Timestamp,
];
const NUMBERS: &[Type] = &[Type::Int, Type::Uint, Type::Double];

static FUNCTIONS: LazyLock<BTreeMap<String, Vec<Overload>>> = LazyLock::new(|| {
    let mut functions: BTreeMap<String, Vec<Overload>> = BTreeMap::new();
    for line in include_str!("functions.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        if let Some((name, overload)) = parse(line) {
            functions.entry(name).or_default().push(overload);
        }
    }
    // Numbers of different types compare with each other.
    for relation in RELATIONS {
        let same = ORDERED.iter().map(|ordered| (ordered, ordered));
        let numbers = NUMBERS
            .iter()
            .flat_map(|left| NUMBERS.iter().map(move |right| (left, right)));
        let overloads = same.chain(numbers).map(|(left, right)| Overload {
            is_member: false,
            parameters: vec![left.clone(), right.clone()],
            result: Type::Bool,
        });
        functions
            .entry((*relation).to_owned())
            .or_default()
            .extend(overloads);
    }
    functions
});

/// Is there a function of this name?
pub(crate) fn is_declared(name: &str) -> bool {
    FUNCTIONS.contains_key(name)
}

/// What a call gives.
pub(crate) fn resolve(name: &str, is_member: bool, arguments: &[Type]) -> Resolution {
    let Some(overloads) = FUNCTIONS.get(name) else {
        return Resolution::Undeclared;
    };
    let mut found: Option<Type> = None;
    for overload in overloads
        .iter()
        .filter(|overload| overload.is_member == is_member)
    {
        if overload.parameters.len() != arguments.len() {
            continue;
        }
        let mut bindings = Bindings::default();
        if !overload
            .parameters
            .iter()
            .zip(arguments)
            .all(|(parameter, argument)| bindings.accepts(parameter, argument))
        {
            continue;
        }
        let result = bindings.fill(&overload.result);
        found = Some(match found {
            Some(other) if other != result => Type::Dyn,
            _ => result,
        });
    }
    found.map_or(Resolution::NoOverload, Resolution::Found)
}

/// Reads a line of the table.
fn parse(line: &str) -> Option<(String, Overload)> {
    // The operators are full of signs; only the last parentheses before the result count.
    let open = line.rfind(") ").and_then(|close| matching(line, close))?;
    let close = line.rfind(") ")?;
    let (head, arguments, result) = (&line[..open], &line[open + 1..close], &line[close + 2..]);
    let mut parameters: Vec<Type> = split(arguments).map(parse_type).collect();
    let target = head
        .rsplit_once('.')
        .filter(|(target, _)| !target.starts_with('_') && !NAMESPACES.contains(target));
    let (name, is_member) = match target {
        Some((target, name)) => {
            parameters.insert(0, parse_type(target));
            (name, true)
        }
        None => (head, false),
    };
    Some((
        name.to_owned(),
        Overload {
            is_member,
            parameters,
            result: parse_type(result),
        },
    ))
}

/// The opening parenthesis of the closing one at `close`.
fn matching(line: &str, close: usize) -> Option<usize> {
    let mut depth = 0_usize;
    line[..=close]
        .char_indices()
        .rev()
        .find_map(|(index, character)| {
            match character {
                ')' => depth += 1,
                '(' => depth = depth.checked_sub(1)?,
                _ => {}
            }
            (depth == 0).then_some(index)
        })
}

/// The parts between commas that are in no parentheses.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    let separated = text.split(move |character| {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        character == ',' && depth == 0
    });
    separated.map(str::trim).filter(|part| !part.is_empty())
}

fn parse_type(text: &str) -> Type {
    if let Some((outer, inner)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let mut inner = split(inner).map(parse_type);
        let mut next = || inner.next().unwrap_or(Type::Dyn);
        return match outer {
            "list" => Type::list(next()),
            "map" => Type::map(next(), next()),
            "optional" => Type::optional(next()),
            _ => Type::Class(Box::new(next())),
        };
    }
    match text {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "duration" => Type::Duration,
        "timestamp" => Type::Timestamp,
        "A" => Type::Parameter('A'),
        "B" => Type::Parameter('B'),
        _ => Type::Dyn,
    }
}
