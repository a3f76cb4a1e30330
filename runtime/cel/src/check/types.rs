use std::fmt;

/// A type as far as it is known before evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    /// Only known when the expression runs; goes with everything.
    Dyn,
    /// Of an empty literal: goes with everything, and becomes what it is put together with.
    Free,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Null,
    Duration,
    Timestamp,
    /// The type of a type: `type(1)`, `int`.
    Class(Box<Type>),
    List(Box<Type>),
    Map(Box<Type>, Box<Type>),
    Optional(Box<Type>),
    /// A parameter in the signature of a function.
    Parameter(char),
}

impl Type {
    pub(crate) fn list(element: Self) -> Self {
        Self::List(Box::new(element))
    }

    pub(crate) fn map(key: Self, value: Self) -> Self {
        Self::Map(Box::new(key), Box::new(value))
    }

    pub(crate) fn optional(value: Self) -> Self {
        Self::Optional(Box::new(value))
    }

    /// What an optional holds; other types as they are.
    pub(crate) fn unwrapped(self) -> Self {
        match self {
            Self::Optional(value) => *value,
            other => other,
        }
    }

    /// With everything that stayed open being dynamic.
    pub(crate) fn settled(&self) -> Self {
        match self {
            Self::Free | Self::Parameter(_) => Self::Dyn,
            Self::Class(inner) => Self::Class(Box::new(inner.settled())),
            Self::List(element) => Self::list(element.settled()),
            Self::Map(key, value) => Self::map(key.settled(), value.settled()),
            Self::Optional(value) => Self::optional(value.settled()),
            other => other.clone(),
        }
    }
}

/// cel-go's notation.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dyn | Self::Free => f.write_str("dyn"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Uint => f.write_str("uint"),
            Self::Double => f.write_str("double"),
            Self::String => f.write_str("string"),
            Self::Bytes => f.write_str("bytes"),
            Self::Null => f.write_str("null"),
            Self::Duration => f.write_str("google.protobuf.Duration"),
            Self::Timestamp => f.write_str("google.protobuf.Timestamp"),
            Self::Class(inner) => write!(f, "type({inner})"),
            Self::List(element) => write!(f, "list({element})"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Optional(value) => write!(f, "optional_type({value})"),
            Self::Parameter(name) => write!(f, "{name}"),
        }
    }
}

/// A type that both go with; the more general of the two.
pub(crate) fn join(left: &Type, right: &Type) -> Type {
    match (left, right) {
        (Type::Free, other) | (other, Type::Free) => other.clone(),
        (Type::List(left), Type::List(right)) => Type::list(join(left, right)),
        (Type::Map(k1, v1), Type::Map(k2, v2)) => Type::map(join(k1, k2), join(v1, v2)),
        (Type::Optional(left), Type::Optional(right)) => Type::optional(join(left, right)),
        (left, right) if left == right => left.clone(),
        _ => Type::Dyn,
    }
}

/// The types that stand for the parameters of a signature.
#[derive(Debug, Default)]
pub(crate) struct Bindings {
    bound: Vec<(char, Type)>,
}

impl Bindings {
    /// Can a value of type `actual` be used where `expected` is asked for?
    pub(crate) fn accepts(&mut self, expected: &Type, actual: &Type) -> bool {
        match (expected, actual) {
            (Type::Parameter(name), actual) => {
                let Some(index) = self.bound.iter().position(|(bound, _)| bound == name) else {
                    self.bound.push((*name, actual.clone()));
                    return true;
                };
                let known = self.bound[index].1.clone();
                let fits = self.accepts(&known, actual);
                self.bound[index].1 = join(&known, actual);
                fits
            }
            (Type::Dyn | Type::Free, _) | (_, Type::Dyn | Type::Free) => {
                self.open(expected);
                true
            }
            (Type::List(expected), Type::List(actual))
            | (Type::Optional(expected), Type::Optional(actual))
            | (Type::Class(expected), Type::Class(actual)) => self.accepts(expected, actual),
            (Type::Map(k1, v1), Type::Map(k2, v2)) => self.accepts(k1, k2) && self.accepts(v1, v2),
            _ => expected == actual,
        }
    }

    /// Parameters that a value of unknown type stands for are unknown.
    fn open(&mut self, expected: &Type) {
        match expected {
            Type::Parameter(_) => {
                self.accepts(expected, &Type::Dyn);
            }
            Type::List(inner) | Type::Optional(inner) | Type::Class(inner) => self.open(inner),
            Type::Map(key, value) => {
                self.open(key);
                self.open(value);
            }
            _ => {}
        }
    }

    /// A type of the signature with its parameters filled in.
    pub(crate) fn fill(&self, signature: &Type) -> Type {
        match signature {
            Type::Parameter(name) => {
                let bound = self.bound.iter().find(|(bound, _)| bound == name);
                bound.map_or(Type::Free, |(_, found)| found.clone())
            }
            Type::Class(inner) => Type::Class(Box::new(self.fill(inner))),
            Type::List(element) => Type::list(self.fill(element)),
            Type::Map(key, value) => Type::map(self.fill(key), self.fill(value)),
            Type::Optional(value) => Type::optional(self.fill(value)),
            other => other.clone(),
        }
    }
}

/// Names of types are values in expressions: `type(x) == int`.
pub(crate) fn type_name(name: &str) -> Option<Type> {
    let named = match name {
        "bool" => Type::Bool,
        "bytes" => Type::Bytes,
        "double" => Type::Double,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "string" => Type::String,
        "null_type" => Type::Null,
        "list" => Type::list(Type::Dyn),
        "map" => Type::map(Type::Dyn, Type::Dyn),
        "type" => Type::Class(Box::new(Type::Dyn)),
        "optional_type" => Type::optional(Type::Dyn),
        _ => return None,
    };
    Some(Type::Class(Box::new(named)))
}
