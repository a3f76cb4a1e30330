use super::MASK;
use std::ops::Range;

/// What stands before a value in messages of the API server: field errors (apimachinery, `field.Error`), typed patches
/// (structured-merge-diff) and decoders (Go's encoding/json).
const INTRODUCTIONS: [&str; 5] = [
    "Invalid value: ",
    "Unsupported value: ",
    "Duplicate value: ",
    "Unstructured{Value:",
    "cannot unmarshal number ",
];

/// `text` with `***` for whatever it shows as a value, also where that is no secret: a mask only over those that are
/// would tell which common word or short number a secret is.
pub(super) fn without_values(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = next(rest) {
        let (before, value) = rest.split_at(start.end);
        shown.push_str(before);
        shown.push_str(MASK);
        rest = &value[length(value, before.ends_with("{Value:"))..];
    }
    shown.push_str(rest);
    shown
}

fn next(text: &str) -> Option<Range<usize>> {
    let found = INTRODUCTIONS.iter().filter_map(|introduction| {
        let start = text.find(introduction)?;
        Some(start..start + introduction.len())
    });
    found.min_by_key(|range| range.start)
}

/// How long the value is that `text` starts with, in bytes.
fn length(text: &str, in_braces: bool) -> usize {
    if in_braces {
        // It may have braces of its own, unescaped: the last on the line ends it.
        let line = text.lines().next().unwrap_or_default();
        return line.rfind('}').unwrap_or(line.len());
    }
    let Some(quoted) = text.strip_prefix('"') else {
        // A number, a word, or an object in Go's syntax, up to what is said about it.
        let line = text.lines().next().unwrap_or_default();
        return [": ", " into "]
            .iter()
            .filter_map(|end| line.find(end))
            .min()
            .unwrap_or(line.len());
    };
    let mut is_escaped = false;
    for (at, byte) in quoted.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 2,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::without_values;

    #[test]
    fn values_go_and_what_is_said_about_them_stays() {
        for (text, wanted) in [
            (
                r#"Secret "app" is invalid: [type: Invalid value: "a\"b": field is immutable, data[k]: Invalid value: "1": no]"#,
                r#"Secret "app" is invalid: [type: Invalid value: ***: field is immutable, data[k]: Invalid value: ***: no]"#,
            ),
            (
                "failed to create typed patch object (a/b; /v1, Kind=Secret): .stringData.pin: expected string, got &value.valueUnstructured{Value:1234}",
                "failed to create typed patch object (a/b; /v1, Kind=Secret): .stringData.pin: expected string, got &value.valueUnstructured{Value:***}",
            ),
            (
                "got &value.valueUnstructured{Value:map[string]interface {}{\"a\":\"b\"}}\nmore",
                "got &value.valueUnstructured{Value:***}\nmore",
            ),
            (
                "json: cannot unmarshal number 1234 into Go struct field Secret.stringData of type string",
                "json: cannot unmarshal number *** into Go struct field Secret.stringData of type string",
            ),
            (
                "data[k]: Invalid value: 12: too small",
                "data[k]: Invalid value: ***: too small",
            ),
            ("Invalid value: \"open", "Invalid value: ***"),
            (r#"secrets "app" not found"#, r#"secrets "app" not found"#),
        ] {
            assert_eq!(without_values(text), wanted);
        }
    }
}
