//! The expression language: `${name}` and its operators, as Flux's fork of drone/envsubst reads
//! them (fluxcd/pkg, `envsubst`). Text in, text out; nothing of Kubernetes or YAML here.

mod evaluate;
mod function;
mod parse;
mod pattern;

pub use evaluate::Meter;

/// Expansions may hold expansions (`${a:-${b:-c}}`); deeper nesting than this is refused.
pub const MAX_DEPTH: usize = 100;

/// Why a text cannot be expanded. The first five are upstream's errors, word by word; what follows
/// them are limits of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpressionError {
    #[error("bad substitution")]
    BadSubstitution,
    #[error("missing closing brace")]
    MissingClosingBrace,
    #[error("unable to parse variable name")]
    VariableName,
    #[error("unable to parse substitution within function")]
    FunctionArgument,
    #[error("variable not set (strict mode): \"{0}\"")]
    NotSet(String),
    /// `${name:1:-1}`: upstream's engine crashes here.
    #[error("the length in a substring of \"{0}\" is negative")]
    NegativeLength(String),
    /// Upstream cuts the character and then fails on the bytes that are left.
    #[error("a substring of \"{0}\" begins or ends inside of a character")]
    SplitCharacter(String),
    #[error("expressions are nested more than {MAX_DEPTH} deep")]
    TooDeep,
    #[error("the expanded text is too large")]
    TooLarge,
    #[error("matching patterns takes too long")]
    TooCostly,
}

/// A text that was read once and can be expanded for any variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    nodes: Vec<Node>,
}

/// A piece of a template, or of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Text(String),
    Expansion(Expansion),
}

/// `${variable}`, with what stands behind the name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Expansion {
    variable: String,
    operator: Operator,
    arguments: Vec<Node>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    /// `${v}`, and mixed casing operators such as `${v,^}`, which change nothing.
    Value,
    /// `${#v}`
    Length,
    /// `${v,}` and `${v,,}`
    LowerFirst,
    Lower,
    /// `${v^}` and `${v^^}`
    UpperFirst,
    Upper,
    /// `${v:position}` and `${v:position:length}`
    Substring,
    /// `${v/a/b}`, `${v//a/b}`, `${v/#a/b}`, `${v/%a/b}`
    ReplaceFirst,
    ReplaceAll,
    ReplacePrefix,
    ReplaceSuffix,
    /// `${v#p}`, `${v##p}`, `${v%p}`, `${v%%p}`
    TrimShortestPrefix,
    TrimLongestPrefix,
    TrimShortestSuffix,
    TrimLongestSuffix,
    /// `${v=d}`, `${v:=d}`, `${v:-d}`; and `${v:+d}`, `${v:?d}`, which upstream treats alike.
    Default,
}

impl Template {
    /// Reads `text`. The first error in reading order is reported.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        parse::template(text)
    }

    /// The text with every expansion replaced. `lookup` gives the value of a variable, none when it
    /// is not set; an unset variable without default is an error, so a lenient caller answers
    /// `Some("")`. `meter` bounds the size of the result and the time that patterns take.
    pub fn expand<'v>(
        &self,
        lookup: &dyn Fn(&str) -> Option<&'v str>,
        meter: &mut Meter,
    ) -> Result<String, ExpressionError> {
        evaluate::template(self, lookup, meter)
    }
}
