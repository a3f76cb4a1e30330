/// What the API server takes for a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameRule {
    /// Of most objects: a DNS-1123 subdomain (apimachinery, `util/validation`, `IsDNS1123Subdomain`).
    Subdomain,
    /// Of namespaces: a DNS-1123 label (apimachinery, `util/validation`, `IsDNS1123Label`).
    Label,
    /// Of objects of any kind: what can stand in the path of a request (apimachinery, `api/validation/path`,
    /// `IsValidPathSegmentName`).
    PathSegment,
}

/// A name that nothing of its kind can have. It is shown quoted and shortened: it may hold anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} can't be the name of {what}: it must {}", shortened(name), rule.text())]
pub struct NameError {
    name: String,
    what: &'static str,
    rule: NameRule,
}

impl NameRule {
    /// Whether `what` (`a namespace`) can have this name.
    ///
    /// # Errors
    /// Where it can't, with the rule.
    pub fn check(self, name: &str, what: &'static str) -> Result<(), NameError> {
        let is_fine = match self {
            Self::Subdomain => name.len() <= 253 && name.split('.').all(is_label),
            Self::Label => name.len() <= 63 && is_label(name),
            Self::PathSegment => !name.is_empty() && path_complaints(name).is_empty(),
        };
        is_fine.then_some(()).ok_or_else(|| NameError {
            name: name.to_owned(),
            what,
            rule: self,
        })
    }

    fn text(self) -> &'static str {
        match self {
            Self::Subdomain => {
                "consist of lower case letters, digits, '-' and '.', and start and end with a letter or digit, with at most 253 characters"
            }
            Self::Label => {
                "consist of lower case letters, digits and '-', and start and end with a letter or digit, with at most 63 characters"
            }
            Self::PathSegment => "be neither empty nor '.' nor '..', without '/' and '%'",
        }
    }
}

/// Why a name can't stand in the path of a request, in Go's words (apimachinery, `api/validation/path`,
/// `IsValidPathSegmentName`): nothing for one that can. An empty name is not spoken of.
pub fn path_complaints(name: &str) -> Vec<String> {
    if matches!(name, "." | "..") {
        return vec![format!("may not be '{name}'")];
    }
    let contained = ['/', '%'].into_iter().filter(|bad| name.contains(*bad));
    contained
        .map(|bad| format!("may not contain '{bad}'"))
        .collect()
}

/// One part of a subdomain. Its length is not limited but with the whole.
fn is_label(text: &str) -> bool {
    let is_alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().is_some_and(is_alphanumeric)
        && bytes.last().is_some_and(is_alphanumeric)
        && bytes
            .iter()
            .all(|byte| is_alphanumeric(byte) || *byte == b'-')
}

/// Quoted, without control characters, and no longer than a message can take.
fn shortened(name: &str) -> String {
    const MOST: usize = 64;
    match name.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?}…", &name[..end]),
        None => format!("{name:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::NameRule;
    use super::path_complaints;

    /// Each name with what it can be the name of: `s`ubdomain, `l`abel, `p`ath segment.
    #[test]
    fn names_are_judged_as_the_api_server_does() {
        let long = |count| "a".repeat(count);
        let cases = [
            ("a", "slp"),
            ("0", "slp"),
            ("flux-applier", "slp"),
            ("team.a-1", "sp"),
            (&long(63), "slp"),
            (&long(64), "sp"),
            (&long(253), "sp"),
            (&long(254), "p"),
            ("system:node-1", "p"),
            ("A", "p"),
            ("a_b", "p"),
            ("a b", "p"),
            ("a?b=c", "p"),
            ("a#b", "p"),
            ("a\nb", "p"),
            ("a\r\nImpersonate-Group: system:masters", "p"),
            ("\u{e4}", "p"),
            ("-a", "p"),
            ("a-", "p"),
            (".a", "p"),
            ("a.", "p"),
            ("a..b", "p"),
            ("", ""),
            (".", ""),
            ("..", ""),
            ("../x", ""),
            ("a/b", ""),
            ("a%2Fb", ""),
        ];
        for (name, wanted) in cases {
            let rules = [
                ('s', NameRule::Subdomain),
                ('l', NameRule::Label),
                ('p', NameRule::PathSegment),
            ];
            let fits = |rule: NameRule| match rule.check(name, "an object") {
                Ok(()) => true,
                Err(error) => {
                    let text = error.to_string();
                    assert!(
                        text.len() < 400 && !text.contains(char::is_control),
                        "{text}"
                    );
                    false
                }
            };
            let found: String = rules
                .into_iter()
                .filter(|(_, rule)| fits(*rule))
                .map(|(letter, _)| letter)
                .collect();
            assert_eq!(found, wanted, "{name:?}");
        }
        let error = NameRule::Label
            .check("a\nb", "a namespace")
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with(r#""a\nb" can't be the name of a namespace: it must consist of"#),
            "{error}"
        );
    }

    #[test]
    fn complaints_are_go_s() {
        assert!(path_complaints("a:b c").is_empty());
        assert_eq!(path_complaints(".."), ["may not be '..'"]);
        let both = ["may not contain '/'", "may not contain '%'"];
        assert_eq!(path_complaints("../%"), both);
    }
}
