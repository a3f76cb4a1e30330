//! Label selectors in text form, as `kubectl -l` takes them.

use crate::Error;

/// A parsed selector: requirements that must all hold.
#[derive(Debug, Clone, Default)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
    GreaterThan,
    LessThan,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Open,
    Close,
    Comma,
    Not,
    Equals,
    NotEquals,
    Greater,
    Less,
}

impl LabelSelector {
    /// Parses `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`. Kubernetes: apimachinery/pkg/labels, `Parse`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let tokens = tokens(text);
        let mut parser = Parser {
            tokens: &tokens,
            position: 0,
        };
        let mut requirements = Vec::new();
        while parser.peek().is_some() {
            let requirement = parser.requirement()?;
            requirement.check()?;
            requirements.push(requirement);
            match parser.next() {
                None => break,
                Some(Token::Comma) => match parser.peek() {
                    Some(Token::Word(_) | Token::Not) => {}
                    other => {
                        return Err(invalid(&format!(
                            "found '{}', expected: identifier after ','",
                            show(other)
                        )));
                    }
                },
                other => {
                    return Err(invalid(&format!(
                        "found '{}', expected: ',' or 'end of string'",
                        show(other.as_ref())
                    )));
                }
            }
        }
        Ok(Self { requirements })
    }

    /// True when the labels that `value_of` finds satisfy every requirement.
    pub fn matches<'a>(&self, value_of: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = value_of(&requirement.key);
            let listed = |value: &str| requirement.values.iter().any(|v| v == value);
            match requirement.operator {
                Operator::In => value.is_some_and(listed),
                Operator::NotIn => !value.is_some_and(listed),
                Operator::Exists => value.is_some(),
                Operator::DoesNotExist => value.is_none(),
                Operator::GreaterThan | Operator::LessThan => {
                    let bound = requirement
                        .values
                        .first()
                        .and_then(|v| v.parse::<i64>().ok());
                    let (Some(value), Some(bound)) =
                        (value.and_then(|v| v.parse::<i64>().ok()), bound)
                    else {
                        return false;
                    };
                    if requirement.operator == Operator::GreaterThan {
                        value > bound
                    } else {
                        value < bound
                    }
                }
            }
        })
    }
}

impl Requirement {
    /// Refuses what no object can have. Kubernetes: apimachinery/pkg/labels, `NewRequirement`.
    fn check(&self) -> Result<(), Error> {
        if !is_label_key(&self.key) {
            return Err(invalid(&format!("{:?} is no label key", self.key)));
        }
        for value in &self.values {
            if !(value.is_empty() || is_label_name(value)) {
                return Err(invalid(&format!("{value:?} is no label value")));
            }
            let compared = matches!(self.operator, Operator::GreaterThan | Operator::LessThan);
            if compared && value.parse::<i64>().is_err() {
                return Err(invalid(&format!("{value:?} is no whole number")));
            }
        }
        Ok(())
    }
}

/// A name, or a DNS subdomain, `/` and a name.
fn is_label_key(text: &str) -> bool {
    let Some((prefix, name)) = text.split_once('/') else {
        return is_label_name(text);
    };
    let is_part = |part: &str| {
        let inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
        !part.is_empty()
            && part.bytes().all(|byte| inner(&byte))
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    prefix.len() <= 253 && prefix.split('.').all(is_part) && is_label_name(name)
}

/// At most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends.
fn is_label_name(text: &str) -> bool {
    let ends = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    bytes.len() <= 63 && ends(bytes.first()) && ends(bytes.last()) && bytes.iter().all(inner)
}

fn invalid(message: &str) -> Error {
    Error::text(format!("unable to parse requirement: {message}"))
}

fn show(token: Option<&Token>) -> String {
    match token {
        None => String::new(),
        Some(Token::Word(word)) => word.clone(),
        Some(Token::Open) => "(".to_owned(),
        Some(Token::Close) => ")".to_owned(),
        Some(Token::Comma) => ",".to_owned(),
        Some(Token::Not) => "!".to_owned(),
        Some(Token::Equals) => "=".to_owned(),
        Some(Token::NotEquals) => "!=".to_owned(),
        Some(Token::Greater) => ">".to_owned(),
        Some(Token::Less) => "<".to_owned(),
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ',' => (Token::Comma, 1),
            '>' => (Token::Greater, 1),
            '<' => (Token::Less, 1),
            '=' if rest.starts_with("==") => (Token::Equals, 2),
            '=' => (Token::Equals, 1),
            '!' if rest.starts_with("!=") => (Token::NotEquals, 2),
            '!' => (Token::Not, 1),
            _ => {
                let end = rest
                    .find(|c: char| c.is_whitespace() || "(),><=!".contains(c))
                    .unwrap_or(rest.len());
                (Token::Word(rest[..end].to_owned()), end)
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    tokens
}

struct Parser<'a> {
    tokens: &'a [Token],
    position: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.position)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.position).cloned();
        self.position += 1;
        token
    }

    fn word(&mut self) -> Result<String, Error> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word),
            other => Err(invalid(&format!(
                "found '{}', expected: identifier",
                show(other.as_ref())
            ))),
        }
    }

    fn requirement(&mut self) -> Result<Requirement, Error> {
        let negated = self.peek() == Some(&Token::Not);
        if negated {
            self.next();
        }
        let key = self.word()?;
        if negated {
            return Ok(Requirement {
                key,
                operator: Operator::DoesNotExist,
                values: Vec::new(),
            });
        }
        let operator = match self.peek() {
            None | Some(Token::Comma) => {
                return Ok(Requirement {
                    key,
                    operator: Operator::Exists,
                    values: Vec::new(),
                });
            }
            Some(Token::Equals) => Operator::In,
            Some(Token::NotEquals) => Operator::NotIn,
            Some(Token::Greater) => Operator::GreaterThan,
            Some(Token::Less) => Operator::LessThan,
            Some(Token::Word(word)) if word == "in" || word == "notin" => {
                let operator = if word == "in" {
                    Operator::In
                } else {
                    Operator::NotIn
                };
                self.next();
                return Ok(Requirement {
                    key,
                    operator,
                    values: self.list()?,
                });
            }
            other => {
                return Err(invalid(&format!(
                    "found '{}', expected: in, notin, =, ==, !=, gt, lt",
                    show(other)
                )));
            }
        };
        self.next();
        // An empty value is allowed: `a=` and `a=,b`.
        let value = match self.peek() {
            Some(Token::Word(_)) => self.word()?,
            None | Some(Token::Comma) => String::new(),
            other => {
                return Err(invalid(&format!(
                    "found '{}', expected: identifier",
                    show(other)
                )));
            }
        };
        Ok(Requirement {
            key,
            operator,
            values: vec![value],
        })
    }

    fn list(&mut self) -> Result<Vec<String>, Error> {
        match self.next() {
            Some(Token::Open) => {}
            other => {
                return Err(invalid(&format!(
                    "found '{}' expected: '('",
                    show(other.as_ref())
                )));
            }
        }
        let mut values = Vec::new();
        let mut pending = String::new();
        loop {
            match self.next() {
                Some(Token::Word(word)) => pending = word,
                Some(Token::Comma) => values.push(std::mem::take(&mut pending)),
                Some(Token::Close) => {
                    values.push(pending);
                    return Ok(values);
                }
                other => {
                    return Err(invalid(&format!(
                        "found '{}', expected: ',', or ')'",
                        show(other.as_ref())
                    )));
                }
            }
        }
    }
}
