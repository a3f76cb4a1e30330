//! Shell patterns for `${v#p}` and its like: `*` (over slashes too), `?`, `[a-z]`, `[^a-z]`, `\c`
//! (fluxcd/pkg, `envsubst/path`, which is Go's `path.Match` with a star that crosses slashes).

use super::{ExpressionError, Meter};

/// What matches one character.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Single {
    Any,
    Literal(char),
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// Runs of single matches with a star between each two. A pattern that begins with a star has an
/// empty first run, one that ends with a star an empty last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    runs: Vec<Vec<Single>>,
}

impl Pattern {
    /// None for a malformed pattern: it matches nothing, and upstream then leaves the value alone.
    pub(super) fn parse(text: impl Iterator<Item = char>) -> Option<Self> {
        let mut text = text.peekable();
        let mut runs = vec![Vec::new()];
        let mut after_star = false;
        while let Some(character) = text.next() {
            if character == '*' {
                if !after_star {
                    runs.push(Vec::new());
                }
                after_star = true;
                continue;
            }
            after_star = false;
            let single = match character {
                '?' => Single::Any,
                '[' => class(&mut text)?,
                '\\' => Single::Literal(text.next()?),
                _ => Single::Literal(character),
            };
            runs.last_mut()?.push(single);
        }
        Some(Self { runs })
    }

    /// The length of the shortest prefix that matches, of at least one character.
    pub(super) fn shortest_prefix(
        &self,
        text: &[char],
        meter: &mut Meter,
    ) -> Result<Option<usize>, ExpressionError> {
        match self.runs.as_slice() {
            [only] => only_prefix(only, text, meter),
            [first, middle @ .., last] => {
                let Some(before) = leftmost(first, middle, text, meter)? else {
                    return Ok(None);
                };
                let start = find(last, text, before..=text.len(), meter)?;
                Ok(start
                    .map(|start| (start + last.len()).max(1))
                    .filter(|end| *end <= text.len()))
            }
            [] => Ok(None),
        }
    }

    /// The length of the longest prefix that matches, of at least one character.
    pub(super) fn longest_prefix(
        &self,
        text: &[char],
        meter: &mut Meter,
    ) -> Result<Option<usize>, ExpressionError> {
        match self.runs.as_slice() {
            [only] => only_prefix(only, text, meter),
            [first, middle @ .., last] => {
                let Some(before) = leftmost(first, middle, text, meter)? else {
                    return Ok(None);
                };
                let start = find(last, text, (before..=text.len()).rev(), meter)?;
                Ok(start.map(|start| start + last.len()).filter(|end| *end > 0))
            }
            [] => Ok(None),
        }
    }
}

/// Without a star only one length can match.
fn only_prefix(
    run: &[Single],
    text: &[char],
    meter: &mut Meter,
) -> Result<Option<usize>, ExpressionError> {
    let found = find(run, text, 0..=0, meter)?;
    Ok(found.filter(|_| !run.is_empty()).map(|_| run.len()))
}

/// Places the runs before the last star as far left as they go: what a star takes can always grow,
/// so no other place leaves more for the last run. Gives where that one may begin.
fn leftmost(
    first: &[Single],
    middle: &[Vec<Single>],
    text: &[char],
    meter: &mut Meter,
) -> Result<Option<usize>, ExpressionError> {
    let Some(_) = find(first, text, 0..=0, meter)? else {
        return Ok(None);
    };
    let mut end = first.len();
    for run in middle {
        match find(run, text, end..=text.len(), meter)? {
            Some(start) => end = start + run.len(),
            None => return Ok(None),
        }
    }
    Ok(Some(end))
}
/// The first of `starts` at which all of `run` matches.
fn find(
    run: &[Single],
    text: &[char],
    starts: impl Iterator<Item = usize>,
    meter: &mut Meter,
) -> Result<Option<usize>, ExpressionError> {
    for start in starts {
        let Some(window) = text.get(start..).and_then(|rest| rest.get(..run.len())) else {
            continue;
        };
        let matched = run
            .iter()
            .zip(window)
            .take_while(|(single, character)| single.matches(**character));
        let matched = matched.count();
        meter.step(matched + 1)?;
        if matched == run.len() {
            return Ok(Some(start));
        }
    }
    Ok(None)
}

impl Single {
    fn matches(&self, character: char) -> bool {
        match self {
            Self::Any => true,
            Self::Literal(literal) => *literal == character,
            Self::Class { negated, ranges } => {
                ranges
                    .iter()
                    .any(|(low, high)| (*low..=*high).contains(&character))
                    != *negated
            }
        }
    }
}

/// What follows `[`, the closing bracket included. A class has at least one range; `-` and `]` in it
/// must be escaped.
fn class(text: &mut std::iter::Peekable<impl Iterator<Item = char>>) -> Option<Single> {
    let negated = text.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    while ranges.is_empty() || text.next_if_eq(&']').is_none() {
        let low = bound(text)?;
        let high = if text.next_if_eq(&'-').is_some() {
            bound(text)?
        } else {
            low
        };
        ranges.push((low, high));
    }
    Some(Single::Class { negated, ranges })
}

fn bound(text: &mut impl Iterator<Item = char>) -> Option<char> {
    match text.next()? {
        '-' | ']' => None,
        '\\' => text.next(),
        character => Some(character),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, shortest: Option<usize>, longest: Option<usize>) {
        let pattern = Pattern::parse(pattern.chars()).expect("well formed");
        let text: Vec<char> = text.chars().collect();
        let meter = &mut Meter::default();
        assert_eq!(
            pattern.shortest_prefix(&text, meter),
            Ok(shortest),
            "shortest {pattern:?}"
        );
        assert_eq!(
            pattern.longest_prefix(&text, meter),
            Ok(longest),
            "longest {pattern:?}"
        );
    }

    #[test]
    fn stars_take_least_or_most() {
        check("*/", "a/b/c", Some(2), Some(4));
        check("a*", "abc", Some(1), Some(3));
        check("*", "abc", Some(1), Some(3));
        check("*b*", "abcbd", Some(2), Some(5));
        check("a*c*e", "abcdecde", Some(5), Some(8));
        check("x*", "abc", None, None);
        check("a*x", "abc", None, None);
        check("*", "", None, None);
    }

    #[test]
    fn without_stars_one_length_fits() {
        check("ab", "abc", Some(2), Some(2));
        check("a?c", "abc", Some(3), Some(3));
        check("[a-c][^a-c]", "bx", Some(2), Some(2));
        check(r"\*", "*x", Some(1), Some(1));
        check("", "abc", None, None);
        check("abcd", "abc", None, None);
    }

    #[test]
    fn malformed_patterns() {
        for pattern in ["[", "[]a]", "[a", "[-a]", "[a-]", "\\", "a\\"] {
            assert_eq!(Pattern::parse(pattern.chars()), None, "{pattern}");
        }
    }

    #[test]
    fn hard_patterns_run_out_of_steps() {
        let text = vec!['a'; 200_000];
        let pattern =
            Pattern::parse(format!("*{}b", "a".repeat(100_000)).chars()).expect("well formed");
        let meter = &mut Meter::default();
        assert_eq!(
            pattern.shortest_prefix(&text, meter),
            Err(ExpressionError::TooCostly)
        );
    }
}
