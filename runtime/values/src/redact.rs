mod shown;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

/// Shorter values are words, numbers and flags: without them most text could not be read, and a mask over a common word
/// would tell what the secret is. Where they are to be feared, [`Redactor::redact_about_secret`] takes all values out.
const SHORTEST: usize = 6;
const MASK: &str = "***";

/// Takes secret values out of text that came from outside: from a server, a library or a plugin. Templates of our own
/// and names of objects do not pass through it.
///
/// It is made for every reconcile and asked by the few that fail: what it looks for is worked out at the first question.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Vec<Vec<u8>>,
    forms: OnceLock<Forms>,
}

/// What secrets look like in a text.
#[derive(Clone, Default)]
struct Forms {
    /// As they are, by line, and quoted.
    plain: BTreeSet<String>,
    /// What every base64 text has in it that encodes the value, wherever in the encoded bytes it stands.
    base64: BTreeSet<String>,
}

impl Redactor {
    /// For these secret values, those of six bytes or more: as they are, by line, quoted, with any of their
    /// characters percent-encoded, and in base64, alone or within something else.
    pub fn new<T: AsRef<[u8]>>(secrets: impl IntoIterator<Item = T>) -> Self {
        let mut redactor = Self::default();
        redactor.extend(secrets);
        redactor
    }

    /// For these secret values as well.
    pub fn extend<T: AsRef<[u8]>>(&mut self, secrets: impl IntoIterator<Item = T>) {
        let long = secrets
            .into_iter()
            .filter(|secret| secret.as_ref().len() >= SHORTEST);
        self.secrets
            .extend(long.map(|secret| secret.as_ref().to_vec()));
        self.forms = OnceLock::new();
    }

    /// `text` with `***` for each secret value.
    pub fn redact(&self, text: &str) -> String {
        let forms = self.forms.get_or_init(|| Forms::of(&self.secrets));
        let mut found: Vec<Range<usize>> = Vec::new();
        for form in &forms.plain {
            found.extend(
                text.match_indices(form.as_str())
                    .map(|(at, _)| at..at + form.len()),
            );
            if text.contains(['%', '+']) {
                found.extend(percent_encoded(text, form));
            }
        }
        for form in &forms.base64 {
            found.extend(
                text.match_indices(form.as_str())
                    .map(|(at, _)| base64_around(text, at)),
            );
        }
        found.sort_by_key(|range| (range.start, range.end));
        let mut redacted = String::with_capacity(text.len());
        let mut end = 0;
        for range in found {
            // What overlaps or touches is one.
            if range.start > end || redacted.is_empty() {
                redacted.push_str(&text[end..range.start]);
                redacted.push_str(MASK);
            }
            end = end.max(range.end);
        }
        redacted.push_str(&text[end..]);
        redacted
    }

    /// For what a server says about an object that holds secrets: without them, as [`Redactor::redact`] has it, and
    /// without anything that is shown as a value, so that short ones are not told either.
    pub fn redact_about_secret(&self, text: &str) -> String {
        self.redact(&shown::without_values(text))
    }
}

impl Forms {
    fn of(secrets: &[Vec<u8>]) -> Self {
        let mut forms = Self::default();
        for secret in secrets {
            forms.add(secret);
        }
        forms
    }

    fn add(&mut self, secret: &[u8]) {
        add_base64(&mut self.base64, secret);
        let Ok(text) = std::str::from_utf8(secret) else {
            return;
        };
        // Variables lose their line breaks; messages show single lines.
        let joined = text.replace('\n', "");
        for part in text.lines().chain([text, &joined]) {
            let part = part.trim();
            if part.len() < SHORTEST {
                continue;
            }
            self.plain.insert(part.to_owned());
            add_base64(&mut self.base64, part.as_bytes());
            let quoted = serde_json::Value::from(part).to_string();
            self.plain.insert(quoted[1..quoted.len() - 1].to_owned());
        }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor(***)")
    }
}

/// The digits that depend on nothing but `secret`, for each of the three ways it can be aligned in what is encoded.
fn add_base64(forms: &mut BTreeSet<String>, secret: &[u8]) {
    for before in 0..3 {
        let bytes = [&[0; 3][..before], secret].concat();
        let digits = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
        for encoded in [
            STANDARD_NO_PAD.encode(&bytes),
            URL_SAFE_NO_PAD.encode(&bytes),
        ] {
            forms.insert(encoded[digits.clone()].to_owned());
        }
    }
}

/// The whole base64 text around `at`.
fn base64_around(text: &str, at: usize) -> Range<usize> {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let bytes = text.as_bytes();
    let before = bytes[..at].iter().rev().take_while(|byte| is_digit(byte));
    let digits = bytes[at..].iter().take_while(|byte| is_digit(byte)).count();
    let after = bytes[at + digits..].iter();
    let padding = after.take(2).take_while(|byte| **byte == b'=').count();
    at - before.count()..at + digits + padding
}

/// Where `form` stands with some of its bytes as `%40`, or its blanks as `+`. Which ones are encoded is up to who did it.
fn percent_encoded(text: &str, form: &str) -> Vec<Range<usize>> {
    let starts = text.char_indices().map(|(start, _)| start);
    let found = starts.filter_map(|start| {
        let mut at = start;
        for byte in form.bytes() {
            at += encoded_length(&text.as_bytes()[at..], byte)?;
        }
        text.is_char_boundary(at).then_some(start..at)
    });
    found.collect()
}

/// How much of `text` stands for `byte`.
fn encoded_length(text: &[u8], byte: u8) -> Option<usize> {
    let hex = |digit: u8| char::from(digit).to_digit(16);
    match text {
        [b'%', high, low, ..]
            if Some(u32::from(byte))
                == hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low) =>
        {
            Some(3)
        }
        [first, ..] if *first == byte || (*first == b'+' && byte == b' ') => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Redactor;

    #[test]
    fn values_go_and_the_rest_stays() {
        let redactor = Redactor::new(["hunter22", "short", "hunter22-and-more"]);
        assert_eq!(
            redactor.redact("bad \"hunter22\": hunter22-and-more is too short"),
            "bad \"***\": *** is too short"
        );
        assert_eq!(Redactor::default().redact("hunter22"), "hunter22");
    }

    #[test]
    fn base64_with_or_without_padding_goes() {
        let redactor = Redactor::new(["hunter22"]);
        // printf hunter22 | base64
        let shown = redactor.redact("data: aHVudGVyMjI=, aHVudGVyMjI");
        assert_eq!(shown, "data: ***, ***");
        // With the line break that editors leave at the end: printf 'hunter22\n' | base64
        assert_eq!(
            Redactor::new(["hunter22\n"]).redact("aHVudGVyMjIK aHVudGVyMjI= hunter22"),
            "*** *** ***"
        );
    }

    #[test]
    fn base64_of_something_around_it_goes_as_a_whole() {
        let redactor = Redactor::new(["p@ss+word?"]);
        // printf 'user:p@ss+word?' | base64, with every length of user name modulo three; the last with `basenc --base64url`.
        for encoded in [
            "dXNlcjpwQHNzK3dvcmQ/",
            "dXNlcnM6cEBzcyt3b3JkPw==",
            "bWU6cEBzcyt3b3JkPw==",
            "dXNlcjpwQHNzK3dvcmQ_",
        ] {
            let shown = redactor.redact(&format!("Authorization: Basic {encoded}, refused"));
            assert_eq!(shown, "Authorization: Basic ***, refused");
        }
        let other = "Basic dXNlcjpwQHNzK3dvcm0/";
        assert_eq!(redactor.redact(other), other);
    }

    #[test]
    fn percent_encoded_values_go() {
        let redactor = Redactor::new(["p@ss wörd/%?"]);
        for encoded in [
            "p%40ss%20w%C3%B6rd%2F%25%3F",
            "p%40ss+w%c3%b6rd/%25%3f",
            "p@ss%20wörd/%25?",
            "%70%40%73%73%20%77%C3%B6%72%64%2F%25%3F",
        ] {
            let url = format!("can't reach https://user:{encoded}@host/ (50% done)");
            assert_eq!(
                redactor.redact(&url),
                "can't reach https://user:***@host/ (50% done)"
            );
        }
        assert_eq!(redactor.redact("p%40ss%2"), "p%40ss%2");
    }

    #[test]
    fn what_overlaps_goes_as_one() {
        let redactor = Redactor::new(["overlap", "lapping", "hunter22"]);
        assert_eq!(
            redactor.redact("overlapping hunter22hunter22 x"),
            "*** *** x"
        );
        assert_eq!(redactor.redact("hunter22"), "***");
    }

    #[test]
    fn lines_and_quoted_forms_go() {
        let redactor = Redactor::new(["first line\nsay \"friend\""]);
        assert_eq!(
            redactor.redact(r#"line 1: first line; line 2: "say \"friend\"""#),
            r#"line 1: ***; line 2: "***""#
        );
        assert_eq!(redactor.redact("first linesay \"friend\""), "***");
    }

    #[test]
    fn it_is_not_shown_itself() {
        let shown = format!(
            "{:?}",
            Redactor::new([b"hunter22".as_slice(), b"\xff\xfe\xfd123"])
        );
        assert!(!shown.contains("hunter22"), "{shown}");
    }
}
