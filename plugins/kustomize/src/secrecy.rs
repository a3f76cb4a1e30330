//! What errors may show of texts that hold, or may hold, the data of a Secret. kustomize shows all of them.

use std::sync::LazyLock;

use tidegate_object::{FreePattern, Pattern, Selector};

use crate::Error;

/// Stands where a value may have stood.
pub(crate) const HIDDEN: &str = "***";

const SECRET: &str = "Secret";

/// A field `kind` with a Secret, a list of them or their generator, in YAML or JSON that need not be well formed;
/// or a field that only Secrets and their generators have.
static OF_SECRET: LazyLock<Option<FreePattern>> = LazyLock::new(|| {
    FreePattern::compile(
        r#"\b[Kk]ind\\?["']?\s*:([^\S\n]*[&!]\S+)*\s*['"\\]*Secret(List|Generator)?(\W|$)|stringData|secretGenerator"#,
    )
    .ok()
});

/// A field `kind` of any object.
static OF_ANY_KIND: LazyLock<Option<FreePattern>> =
    LazyLock::new(|| FreePattern::compile(r#"\bkind\\?["']?\s*:\s*['"\\]*\w"#).ok());

/// Whether a text, which may be malformed, looks like one that holds a Secret.
pub(crate) fn is_of_secret(text: &str) -> bool {
    // Most texts need no pattern.
    let may_be = ["Secret", "stringData", "secretGenerator"];
    if !may_be.iter().any(|word| text.contains(word)) {
        return false;
    }
    OF_SECRET
        .as_ref()
        .is_none_or(|pattern| pattern.matches(text))
}

/// Whether a patch looks like one for a Secret: by its text, by its target, or because neither tells the kind and it
/// is about data.
pub(crate) fn is_patch_of_secret(text: &str, target: Option<&Selector>) -> bool {
    let kind = target.map_or("", |target| &*target.id.gvk.kind);
    let selects_secrets = match (kind, Pattern::anchored(kind)) {
        ("", _) => {
            let tells_kind = OF_ANY_KIND.as_ref().is_some_and(|it| it.matches(text));
            text.contains("data") && !tells_kind
        }
        (_, Ok(pattern)) => pattern.matches(SECRET),
        (kind, Err(_)) => kind.contains(SECRET),
    };
    selects_secrets || is_of_secret(text)
}

/// A text as errors show it.
pub(crate) fn shown(text: &str) -> &str {
    if is_of_secret(text) { HIDDEN } else { text }
}

/// An error in the reading of a text: of what may be a Secret's, its words without what they quote.
pub(crate) fn in_text(error: Error, text: &[u8]) -> Error {
    if is_of_secret(&String::from_utf8_lossy(text)) {
        without_quotations(error).of_object(true)
    } else {
        error
    }
}

/// An error in the conversion of an object of a kind: of a Secret, its words without what they quote.
pub(crate) fn in_object(error: Error, kind: &str) -> Error {
    if kind == SECRET {
        without_quotations(error).of_object(true)
    } else {
        error
    }
}

/// The error without the contents that it quotes. What is quoted and has neither letter nor digit is syntax.
pub(crate) fn without_quotations(error: Error) -> Error {
    const SEPARATOR: &str = "invalid document separator: ";
    let text = error.message();
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    if let Some(at) = rest.find(SEPARATOR) {
        shown.push_str(&rest[..at + SEPARATOR.len()]);
        shown.push_str(HIDDEN);
        rest = "";
    }
    while let Some(open) = rest.find(['\'', '`']) {
        let inside = &rest[open + 1..];
        let quote = &rest[open..=open];
        shown.push_str(&rest[..=open]);
        // The last one closes: what is quoted may have quotes of its own.
        let end = closing(inside, quote);
        let quoted = &inside[..end];
        let is_syntax = !quoted.contains(char::is_alphanumeric);
        shown.push_str(if is_syntax { quoted } else { HIDDEN });
        rest = &inside[end..];
        if let Some(after) = rest.strip_prefix(quote) {
            shown.push_str(quote);
            rest = after;
        }
    }
    shown.push_str(rest);
    error.retold(shown)
}

/// Where a quotation ends: before the first quote that nothing of the same word follows, or with the text.
fn closing(inside: &str, quote: &str) -> usize {
    let ends = |at: usize| {
        inside[at + quote.len()..]
            .chars()
            .next()
            .is_none_or(|next| !next.is_alphanumeric())
    };
    inside
        .match_indices(quote)
        .map(|(at, _)| at)
        .find(|at| ends(*at))
        .unwrap_or(inside.len())
}

/// A literal of a generator of Secrets: its key at most.
pub(crate) fn literal(text: &str) -> String {
    match text.split_once('=') {
        Some((key, _)) => format!("{key}={HIDDEN}"),
        None => HIDDEN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_of_secret, is_patch_of_secret, literal, without_quotations};
    use crate::Error;
    use tidegate_object::Selector;

    #[test]
    fn secrets_are_known_by_malformed_texts() {
        for text in [
            "kind: Secret\nmetadata: [",
            "{\"kind\": \"Secret\", ",
            "{\"kind\":\"Secret\"}",
            "- kind: 'Secret'",
            "  kind:   Secret # one",
            "kind: !!str Secret\n",
            "kind: &k Secret\n",
            "kind:\n  Secret\n",
            "kind: SecretList\nitems: [",
            "kind: SecretGenerator\nliterals: [",
            "{\\\"kind\\\": \\\"Secret\\\"",
            "stringData: {pw: x",
        ] {
            assert!(is_of_secret(text), "{text}");
        }
        for text in [
            "kind: SecretStore\n",
            "kind: ConfigMap\ndata: {secret: x",
            "secretKeyRef: {name: x}",
            "kind: Deployment\nspec: {secretName: Secret",
        ] {
            assert!(!is_of_secret(text), "{text}");
        }
    }

    #[test]
    fn targets_tell_of_secrets() {
        let target = |kind: &str| {
            let mut selector = Selector::default();
            selector.id.gvk.kind = kind.to_owned().into();
            selector
        };
        let patch = "- op: add\n  path: /data/k\n  value: x";
        for kind in ["Secret", "Sec.*", "ConfigMap|Secret", "(Secret"] {
            assert!(is_patch_of_secret(patch, Some(&target(kind))), "{kind}");
        }
        for kind in ["ConfigMap", "SecretStore", "(Map"] {
            assert!(!is_patch_of_secret(patch, Some(&target(kind))), "{kind}");
        }
        assert!(is_patch_of_secret(patch, Some(&target(""))));
        assert!(is_patch_of_secret(patch, None));
        assert!(!is_patch_of_secret("kind: ConfigMap\ndata: {", None));
        assert!(!is_patch_of_secret("- op: add\n  path: /spec", None));
    }

    #[test]
    fn quotations_are_hidden_and_syntax_is_not() {
        for (text, shown) in [
            (
                "yaml: unknown anchor 'hunter2' referenced",
                "yaml: unknown anchor '***' referenced",
            ),
            (
                "yaml: line 3: could not find expected ':'",
                "yaml: line 3: could not find expected ':'",
            ),
            (
                "did not find expected ',' or ']'",
                "did not find expected ',' or ']'",
            ),
            (
                "line 2: cannot decode !!str `it's hu...` as a !!int",
                "line 2: cannot decode !!str `***` as a !!int",
            ),
            ("unknown 'it's me' here", "unknown '***' here"),
            ("not closed 'hunter2", "not closed '***"),
            (
                "invalid document separator: --- hunter2",
                "invalid document separator: ***",
            ),
        ] {
            assert_eq!(without_quotations(Error::text(text)).message(), shown);
        }
    }

    #[test]
    fn of_literals_the_key_is_shown() {
        assert_eq!(literal("hunter2"), "***");
        assert_eq!(literal("=hunter2"), "=***");
        assert_eq!(literal("pw=hunter2=x"), "pw=***");
    }
}
