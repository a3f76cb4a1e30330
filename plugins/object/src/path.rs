//! Field paths: how their text splits into steps.

/// Splits at `delimiter`; a backslash before the delimiter keeps it in the name. One leading delimiter is ignored.
/// kustomize: kyaml/utils, `PathSplitter`.
pub fn split_path(path: &str, delimiter: char) -> Vec<String> {
    let mut parts = path.split(delimiter).peekable();
    let mut first = parts.next().unwrap_or_default();
    if first.is_empty()
        && let Some(second) = parts.next()
    {
        first = second;
    }
    let mut steps = vec![first.to_owned()];
    for part in parts {
        match steps.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push(delimiter);
                last.push_str(part);
            }
            _ => steps.push(part.to_owned()),
        }
    }
    steps
}

/// As [`split_path`] with dots, but brackets keep dots together: `a.[b.c].d` and `a.[name=x.y].d`. Brackets around a
/// plain name are dropped. kustomize: kyaml/utils, `SmarterPathSplitter`.
pub fn split_dotted_path(path: &str) -> Vec<String> {
    let mut steps = Vec::new();
    let mut parts = split_path(path, '.').into_iter();
    while let Some(part) = parts.next() {
        if !part.starts_with('[') || part.ends_with(']') {
            steps.push(part);
            continue;
        }
        let mut whole = part;
        for next in parts.by_ref() {
            whole.push('.');
            whole.push_str(&next);
            if next.ends_with(']') {
                break;
            }
        }
        if whole.contains('=') {
            steps.push(whole);
        } else {
            steps.push(whole.trim_matches(['[', ']']).to_owned());
        }
    }
    steps
}

/// `[name=value]` as name and value.
pub(crate) fn element_selector(step: &str) -> Option<Result<(&str, &str), crate::Error>> {
    let inner = step.strip_prefix('[')?.strip_suffix(']')?;
    // Go trims one bracket at either side too.
    Some(inner.split_once('=').ok_or_else(|| {
        crate::Error::text(
            "list path element must contain fieldName=fieldValue for element to match",
        )
    }))
}

/// A list index, as Go's `strconv.Atoi` reads it.
pub(crate) fn index(step: &str) -> Option<i64> {
    let digits = step.strip_prefix(['+', '-']).unwrap_or(step);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    step.parse().ok()
}
