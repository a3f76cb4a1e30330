/// A pattern for one name with the syntax of Go's `filepath.Match` on Unix: `*`, `?`, `[a-z]`, `[^a]` and `\`.
#[derive(Debug, Clone)]
pub(super) struct Glob {
    /// `None` when the pattern is malformed, which then matches nothing.
    tokens: Option<Vec<Token>>,
}

#[derive(Debug, Clone)]
enum Token {
    Literal(char),
    One,
    Any,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Glob {
    pub(super) fn parse(text: &str) -> Self {
        Self {
            tokens: tokens(text),
        }
    }

    pub(super) fn is_malformed(&self) -> bool {
        self.tokens.is_none()
    }

    /// Whether the whole name matches.
    pub(super) fn matches(&self, name: &str) -> bool {
        let Some(tokens) = &self.tokens else {
            return false;
        };
        let name: Vec<char> = name.chars().collect();
        // The last star and how much of the name it has spent: enough to go back to, as stars before it never help.
        let mut star = None;
        let (mut token, mut at) = (0, 0);
        loop {
            match tokens.get(token) {
                Some(Token::Any) => {
                    star = Some((token, at));
                    token += 1;
                    continue;
                }
                Some(other) if at < name.len() && other.accepts(name[at]) => {
                    token += 1;
                    at += 1;
                    continue;
                }
                None if at == name.len() => return true,
                _ => {}
            }
            match star {
                Some((back, spent)) if spent < name.len() => {
                    star = Some((back, spent + 1));
                    token = back + 1;
                    at = spent + 1;
                }
                _ => return false,
            }
        }
    }
}

impl Token {
    fn accepts(&self, character: char) -> bool {
        match self {
            Self::Literal(wanted) => *wanted == character,
            Self::One => character != '/',
            Self::Any => false,
            Self::Class { negated, ranges } => {
                ranges
                    .iter()
                    .any(|(low, high)| (*low..=*high).contains(&character))
                    != *negated
            }
        }
    }
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        tokens.push(match character {
            '*' => Token::Any,
            '?' => Token::One,
            '\\' => Token::Literal(rest.next()?),
            '[' => class(&mut rest)?,
            other => Token::Literal(other),
        });
    }
    Some(tokens)
}

fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Token> {
    let negated = rest.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    while ranges.is_empty() || rest.next_if_eq(&']').is_none() {
        let low = bound(rest)?;
        let high = if rest.next_if_eq(&'-').is_some() {
            bound(rest)?
        } else {
            low
        };
        ranges.push((low, high));
    }
    Some(Token::Class { negated, ranges })
}

/// One end of a range. A bare `-` or `]` is malformed there.
fn bound(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    let end = match rest.next()? {
        '-' | ']' => return None,
        '\\' => rest.next()?,
        other => other,
    };
    // Go wants something after it: at least the closing bracket.
    rest.peek().map(|_| end)
}
