//! Reads templates. Follows the scanner and parser of fluxcd/pkg, `envsubst/parse`, in what they
//! accept and in which error they give, oddities included: they are what users' manifests were
//! tried against.

use super::{Expansion, ExpressionError, MAX_DEPTH, Node, Operator, Template};

/// Where the text of an argument ends, besides at `${` and the end of the input.
#[derive(Clone, Copy)]
struct ArgumentRule {
    ends_at: &'static [u8],
    /// `$$`, `\/` and `\\` stand for one character.
    escapes: bool,
}

const WORD: ArgumentRule = ArgumentRule {
    ends_at: b"}",
    escapes: false,
};
const POSITION: ArgumentRule = ArgumentRule {
    ends_at: b":}",
    escapes: false,
};
/// A brace does not end it: `${v/a}b/c}` replaces `a}b`.
const SEARCHED: ArgumentRule = ArgumentRule {
    ends_at: b"/",
    escapes: true,
};
const REPLACEMENT: ArgumentRule = ArgumentRule {
    ends_at: b"}",
    escapes: true,
};

pub(super) fn template(text: &str) -> Result<Template, ExpressionError> {
    let mut parser = Parser {
        text,
        position: 0,
        depth: 0,
    };
    let mut nodes = Vec::new();
    while !parser.at_end() {
        if parser.take("${") {
            nodes.push(Node::Expansion(parser.expansion()?));
        } else {
            nodes.push(Node::Text(parser.plain_text()));
        }
    }
    Ok(Template { nodes })
}

struct Parser<'a> {
    text: &'a str,
    /// In bytes; always at a character boundary.
    position: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn at_end(&self) -> bool {
        self.position == self.text.len()
    }

    /// Steps over `token` if it comes next.
    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.position += token.len();
        }
        found
    }

    /// Text outside of expansions up to the next one. Only `$$` is special: it gives one `$`, which
    /// opens nothing.
    fn plain_text(&mut self) -> String {
        let mut plain = String::new();
        while let Some(offset) = self.rest().find('$') {
            let rest = self.rest();
            plain.push_str(&rest[..offset]);
            let after = &rest[offset + 1..];
            if after.starts_with('{') {
                self.position += offset;
                return plain;
            }
            plain.push('$');
            self.position += offset + 1 + usize::from(after.starts_with('$'));
        }
        plain.push_str(self.rest());
        self.position = self.text.len();
        plain
    }

    /// What follows `${`, the closing brace included.
    fn expansion(&mut self) -> Result<Expansion, ExpressionError> {
        if self.depth == MAX_DEPTH {
            return Err(ExpressionError::TooDeep);
        }
        self.depth += 1;
        let expansion = self.expansion_unchecked();
        self.depth -= 1;
        expansion
    }

    fn expansion_unchecked(&mut self) -> Result<Expansion, ExpressionError> {
        if self.peek() == Some(b'#') {
            return self.length();
        }
        let variable = self.name().ok_or(ExpressionError::VariableName)?;
        let (operator, arguments) = match self.peek() {
            Some(b':') => self.default_or_substring()?,
            Some(b'=') => {
                self.position += 1;
                (Operator::Default, self.default_words()?)
            }
            Some(b',' | b'^') => (self.casing(), Vec::new()),
            Some(b'/') => self.replacement()?,
            Some(b'#') => self.trim(
                "#",
                Operator::TrimShortestPrefix,
                Operator::TrimLongestPrefix,
            )?,
            Some(b'%') => self.trim(
                "%",
                Operator::TrimShortestSuffix,
                Operator::TrimLongestSuffix,
            )?,
            Some(b'}') => (Operator::Value, Vec::new()),
            _ => return Err(ExpressionError::MissingClosingBrace),
        };
        self.close()?;
        Ok(Expansion {
            variable,
            operator,
            arguments,
        })
    }

    fn length(&mut self) -> Result<Expansion, ExpressionError> {
        self.position += 1;
        let variable = self.name().ok_or(ExpressionError::BadSubstitution)?;
        self.close()?;
        Ok(Expansion {
            variable,
            operator: Operator::Length,
            arguments: Vec::new(),
        })
    }

    /// Letters, digits and underscores, in any order: `${1}` is a variable, which no one can set.
    fn name(&mut self) -> Option<String> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        self.position += end;
        (end > 0).then(|| rest[..end].to_owned())
    }

    fn close(&mut self) -> Result<(), ExpressionError> {
        if self.take("}") {
            Ok(())
        } else {
            Err(ExpressionError::BadSubstitution)
        }
    }

    fn default_or_substring(&mut self) -> Result<(Operator, Vec<Node>), ExpressionError> {
        self.position += 1;
        match self.peek() {
            Some(b'=' | b'-' | b'?' | b'+') => {
                self.position += 1;
                Ok((Operator::Default, self.default_words()?))
            }
            Some(byte) if byte.is_ascii() => Ok((Operator::Substring, self.substring()?)),
            // Upstream loses its place after a colon that nothing, or a longer character, follows.
            _ => Err(ExpressionError::BadSubstitution),
        }
    }

    /// Texts and expansions up to the closing brace.
    fn default_words(&mut self) -> Result<Vec<Node>, ExpressionError> {
        let mut words = Vec::new();
        while self.peek() != Some(b'}') {
            words.push(self.argument(WORD)?);
        }
        Ok(words)
    }

    fn substring(&mut self) -> Result<Vec<Node>, ExpressionError> {
        let mut arguments = vec![self.argument(POSITION)?];
        match self.peek() {
            Some(b'}') => return Ok(arguments),
            Some(b':') => self.skip_all(b':'),
            _ => return Err(ExpressionError::BadSubstitution),
        }
        arguments.push(self.argument(WORD)?);
        Ok(arguments)
    }

    fn casing(&mut self) -> Operator {
        const OPERATORS: &[(&str, Operator)] = &[
            (",,", Operator::Lower),
            ("^^", Operator::Upper),
            (",^", Operator::Value),
            ("^,", Operator::Value),
            (",", Operator::LowerFirst),
            ("^", Operator::UpperFirst),
        ];
        OPERATORS
            .iter()
            .find(|(token, _)| self.take(token))
            .map_or(Operator::Value, |(_, operator)| *operator)
    }

    fn replacement(&mut self) -> Result<(Operator, Vec<Node>), ExpressionError> {
        self.position += 1;
        let operator = if self.take("/") {
            Operator::ReplaceAll
        } else if self.take("#") {
            Operator::ReplacePrefix
        } else if self.take("%") {
            Operator::ReplaceSuffix
        } else {
            Operator::ReplaceFirst
        };
        let mut arguments = vec![self.argument(SEARCHED)?];
        if self.peek() != Some(b'/') {
            return Err(ExpressionError::BadSubstitution);
        }
        self.skip_all(b'/');
        if self.peek() != Some(b'}') {
            arguments.push(self.argument(REPLACEMENT)?);
        }
        Ok((operator, arguments))
    }

    fn trim(
        &mut self,
        token: &str,
        shortest: Operator,
        longest: Operator,
    ) -> Result<(Operator, Vec<Node>), ExpressionError> {
        self.position += 1;
        let operator = if self.take(token) { longest } else { shortest };
        Ok((operator, vec![self.argument(WORD)?]))
    }

    /// Repeated separators count as one.
    fn skip_all(&mut self, separator: u8) {
        while self.peek() == Some(separator) {
            self.position += 1;
        }
    }

    /// One argument: an expansion, or a text of at least one character. Text that follows an
    /// expansion, or the reverse, is an argument of its own; only defaults take more than one.
    fn argument(&mut self, rule: ArgumentRule) -> Result<Node, ExpressionError> {
        if self.take("${") {
            return Ok(Node::Expansion(self.expansion()?));
        }
        let text = self.argument_text(rule);
        if text.is_empty() {
            Err(ExpressionError::FunctionArgument)
        } else {
            Ok(Node::Text(text))
        }
    }

    fn argument_text(&mut self, rule: ArgumentRule) -> String {
        const ESCAPES: &[&str] = &["$$", "\\/", "\\\\"];
        let mut text = String::new();
        while let Some(character) = self.rest().chars().next() {
            let rest = self.rest();
            if rest.starts_with("${") {
                break;
            }
            if rule.escapes
                && let Some(escape) = ESCAPES.iter().find(|escape| rest.starts_with(**escape))
            {
                text.push_str(&escape[1..]);
                self.position += escape.len();
                continue;
            }
            if u8::try_from(character).is_ok_and(|byte| rule.ends_at.contains(&byte)) {
                break;
            }
            text.push(character);
            self.position += character.len_utf8();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Node {
        Node::Text(value.to_owned())
    }

    fn expansion(variable: &str, operator: Operator, arguments: Vec<Node>) -> Node {
        Node::Expansion(Expansion {
            variable: variable.to_owned(),
            operator,
            arguments,
        })
    }

    #[track_caller]
    fn check(input: &str, nodes: Vec<Node>) {
        assert_eq!(template(input), Ok(Template { nodes }), "{input}");
    }

    #[test]
    fn arguments_keep_text_and_expansions_apart() {
        check(
            "${string=prefix-${var}-suffix}",
            vec![expansion(
                "string",
                Operator::Default,
                vec![
                    text("prefix-"),
                    expansion("var", Operator::Value, vec![]),
                    text("-suffix"),
                ],
            )],
        );
        check(
            "${string:${stringy:position:length}:${stringz,,}}",
            vec![expansion(
                "string",
                Operator::Substring,
                vec![
                    expansion(
                        "stringy",
                        Operator::Substring,
                        vec![text("position"), text("length")],
                    ),
                    expansion("stringz", Operator::Lower, vec![]),
                ],
            )],
        );
    }

    #[test]
    fn backslashes_escape_only_inside_of_replacements() {
        check(r"\\.\pipe\name", vec![text(r"\\.\pipe\name")]);
        check(
            r"${s/\/position\\/\/leng\\th}",
            vec![expansion(
                "s",
                Operator::ReplaceFirst,
                vec![text(r"/position\"), text(r"/leng\th")],
            )],
        );
        check(
            "${s#$%:*{}",
            vec![expansion(
                "s",
                Operator::TrimShortestPrefix,
                vec![text("$%:*{")],
            )],
        );
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}x{}", "${a:-".repeat(depth), "}".repeat(depth));
        assert!(template(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(
            template(&nested(MAX_DEPTH + 1)),
            Err(ExpressionError::TooDeep)
        );
        assert_eq!(template(&nested(1_000_000)), Err(ExpressionError::TooDeep));
    }
}
