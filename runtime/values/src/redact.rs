use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::BTreeSet;
use std::fmt;

/// Shorter values are words, numbers and flags: without them most text could not be read.
const SHORTEST: usize = 6;
const MASK: &str = "***";

/// Takes secret values out of text that came from outside: from a server, a library or a plugin. Templates of our own
/// and names of objects do not pass through it.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Longest first, so that no part of a value is left over.
    forms: Vec<String>,
}

impl Redactor {
    /// For these secret values, those of six bytes or more: as they are, by line, quoted, and in base64.
    pub fn new<T: AsRef<[u8]>>(secrets: impl IntoIterator<Item = T>) -> Self {
        let mut forms = BTreeSet::new();
        for secret in secrets {
            add(&mut forms, secret.as_ref());
        }
        let mut forms: Vec<String> = forms.into_iter().collect();
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        Self { forms }
    }

    /// `text` with `***` for each secret value.
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for form in &self.forms {
            if text.contains(form.as_str()) {
                text = text.replace(form.as_str(), MASK);
            }
        }
        text
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor(***)")
    }
}

fn add(forms: &mut BTreeSet<String>, secret: &[u8]) {
    if secret.len() < SHORTEST {
        return;
    }
    // Where the value does not fill its last group, the last character depends on nothing else in the encoding, and
    // padding may follow or not.
    forms.insert(STANDARD_NO_PAD.encode(secret));
    forms.insert(URL_SAFE_NO_PAD.encode(secret));
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
        forms.insert(part.to_owned());
        forms.insert(STANDARD_NO_PAD.encode(part));
        let quoted = serde_json::Value::from(part).to_string();
        forms.insert(quoted[1..quoted.len() - 1].to_owned());
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
        assert_eq!(shown, "data: ***=, ***");
        // With the line break that editors leave at the end: printf 'hunter22\n' | base64
        assert_eq!(
            Redactor::new(["hunter22\n"]).redact("aHVudGVyMjIK aHVudGVyMjI= hunter22"),
            "*** ***= ***"
        );
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
