use super::version::Version;
use regex::Regex;
use std::sync::LazyLock;

/// Limits of Masterminds/semver: `MaxConstraintLen`, `MaxConstraintGroups`.
const LONGEST: usize = 512;
const MOST_GROUPS: usize = 32;

/// A version in a range: numbers may be missing or wildcards.
const PARTIAL: &str = r"v?[0-9|xX*]+(?:\.[0-9|xX*]+){0,2}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?";

static TERM: LazyLock<Regex> = LazyLock::new(|| {
    regex(&format!(
        r"^(?<operator>!=|>=|=>|<=|=<|~>|=|>|<|~|\^)?\s*(?<version>{PARTIAL})"
    ))
});

static HYPHEN: LazyLock<Regex> =
    LazyLock::new(|| regex(&format!(r"\s*(?<from>{PARTIAL})\s+-\s+(?<to>{PARTIAL})\s*")));

fn regex(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant")
}

/// A range of versions: `1.x`, `>=1.0 <2`, `^1.2`, `~1.2.3`, `1.0 - 2.0`, `1.x || 3.x`.
///
/// A prerelease matches only ranges that name one, per group between `||` (Masterminds/semver 3.5, `Constraints`).
#[derive(Debug, Clone)]
pub struct Constraint {
    groups: Vec<Vec<Term>>,
}

/// A text that is no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConstraintError {
    #[error("improper constraint: {0:?}")]
    Improper(String),
    #[error("constraint string is too long (max {LONGEST} bytes)")]
    TooLong,
    #[error("too many constraint groups (max {MOST_GROUPS})")]
    TooManyGroups,
    #[error("constraint parser error")]
    Version,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

/// How much of a term's version was written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Precision {
    Nothing,
    Major,
    Minor,
    Patch,
}

#[derive(Debug, Clone)]
struct Term {
    operator: Operator,
    version: Version,
    precision: Precision,
}

impl Constraint {
    /// Reads a range.
    pub fn parse(text: &str) -> Result<Self, ConstraintError> {
        if text.len() > LONGEST {
            return Err(ConstraintError::TooLong);
        }
        let text = HYPHEN.replace_all(text, ">= $from, <= $to ");
        let groups: Vec<_> = text.split("||").map(group).collect::<Result<_, _>>()?;
        if groups.len() > MOST_GROUPS {
            return Err(ConstraintError::TooManyGroups);
        }
        Ok(Self { groups })
    }

    /// Whether `version` lies in the range.
    pub fn allows(&self, version: &Version) -> bool {
        self.groups.iter().any(|terms| {
            let prereleases = terms.iter().any(|term| !term.version.prerelease.is_empty());
            (prereleases || version.prerelease.is_empty())
                && terms.iter().all(|term| term.allows(version))
        })
    }
}

fn group(text: &str) -> Result<Vec<Term>, ConstraintError> {
    let improper = || ConstraintError::Improper(text.to_owned());
    let mut terms = Vec::new();
    let mut rest = text.trim_start();
    loop {
        let found = TERM.captures(rest).ok_or_else(improper)?;
        terms.push(term(&found)?);
        let after = &rest[found[0].len()..];
        let trimmed = after.trim_start();
        if trimmed.is_empty() {
            return Ok(terms);
        }
        rest = match trimmed.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if trimmed.len() < after.len() => trimmed,
            None => return Err(improper()),
        };
    }
}

fn term(found: &regex::Captures<'_>) -> Result<Term, ConstraintError> {
    let part = |name| found.name(name).map_or("", |part| part.as_str());
    let version = part("version").split('+').next().unwrap_or_default();
    let version = version.strip_prefix('v').unwrap_or(version);
    let (numbers, pre) = version.split_at(version.find('-').unwrap_or(version.len()));
    let mut numbers = numbers
        .split('.')
        .map(|text| Some(text).filter(|text| !matches!(*text, "x" | "X" | "*")));
    let mut number = || numbers.next().flatten();
    let (text, precision) = match (number(), number(), number()) {
        (None, ..) => (format!("0.0.0{pre}"), Precision::Nothing),
        (Some(major), None, _) => (format!("{major}.0.0{pre}"), Precision::Major),
        (Some(major), Some(minor), None) => (format!("{major}.{minor}.0{pre}"), Precision::Minor),
        (Some(major), Some(minor), Some(patch)) => {
            (format!("{major}.{minor}.{patch}{pre}"), Precision::Patch)
        }
    };
    let operator = match part("operator") {
        "!=" => Operator::NotEqual,
        ">" => Operator::Greater,
        "<" => Operator::Less,
        ">=" | "=>" => Operator::GreaterOrEqual,
        "<=" | "=<" => Operator::LessOrEqual,
        "~" | "~>" => Operator::Tilde,
        "^" => Operator::Caret,
        _ => Operator::Equal,
    };
    let version = Version::parse(&text).ok_or(ConstraintError::Version)?;
    Ok(Term {
        operator,
        version,
        precision,
    })
}

impl Term {
    fn allows(&self, version: &Version) -> bool {
        let wanted = &self.version;
        match self.operator {
            Operator::Equal if self.precision == Precision::Patch => version == wanted,
            Operator::Equal | Operator::Tilde => self.is_close(version),
            Operator::NotEqual => self.differs(version),
            Operator::Greater => match self.precision {
                Precision::Major => version.major > wanted.major,
                Precision::Minor => (version.major, version.minor) > (wanted.major, wanted.minor),
                // `>*` compares numbers first, where a wildcard counts as zero.
                Precision::Nothing => version.major > wanted.major || version > wanted,
                Precision::Patch => version > wanted,
            },
            Operator::Less => version < wanted,
            Operator::GreaterOrEqual => version >= wanted,
            Operator::LessOrEqual => match self.precision {
                Precision::Patch => version <= wanted,
                Precision::Major => version.major <= wanted.major,
                Precision::Minor | Precision::Nothing => {
                    (version.major, version.minor) <= (wanted.major, wanted.minor)
                }
            },
            Operator::Caret => self.is_compatible(version),
        }
    }

    /// `~1.2.3` is at least 1.2.3 and below 1.3; `~1` below 2; `~0.0.0` is anything.
    fn is_close(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if version < wanted {
            return false;
        }
        let zero = (wanted.major, wanted.minor, wanted.patch) == (0, 0, 0);
        match self.precision {
            Precision::Nothing | Precision::Patch if zero => true,
            Precision::Major => version.major == wanted.major,
            _ => (version.major, version.minor) == (wanted.major, wanted.minor),
        }
    }

    /// `^1.2.3` is at least 1.2.3 and below 2; with leading zeros the first other number must be equal.
    fn is_compatible(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if version < wanted || version.major != wanted.major {
            return false;
        }
        if wanted.major > 0 || self.precision == Precision::Major {
            return true;
        }
        if version.minor != wanted.minor {
            return false;
        }
        wanted.minor > 0 || self.precision == Precision::Minor || version.patch == wanted.patch
    }

    fn differs(&self, version: &Version) -> bool {
        let wanted = &self.version;
        match self.precision {
            Precision::Major => version.major != wanted.major,
            Precision::Minor => {
                (version.major, version.minor) != (wanted.major, wanted.minor)
                    || version.prerelease != wanted.prerelease
            }
            Precision::Nothing | Precision::Patch => version != wanted,
        }
    }
}
