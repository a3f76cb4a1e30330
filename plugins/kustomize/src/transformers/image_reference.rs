//! The parts of an image reference.

use tidegate_object::FreePattern;

use crate::error::Result;
use crate::kustomization::Image;

/// Splits into name, tag and digest. kustomize: api/internal/image, `Split`.
fn split(reference: &str) -> (&str, &str, &str) {
    let offset = reference.find('/').unwrap_or(0);
    let search = &reference[offset..];
    let at = search.find('@').map(|index| index + offset);
    let colon = search.find(':').map(|index| index + offset);
    match (at, colon) {
        (None, None) => (reference, "", ""),
        (Some(at), colon) if colon.is_none_or(|colon| at < colon) => {
            (&reference[..at], "", &reference[at + 1..])
        }
        (Some(at), Some(colon)) => (
            &reference[..colon],
            &reference[colon + 1..at],
            &reference[at + 1..],
        ),
        (_, Some(colon)) => (&reference[..colon], &reference[colon + 1..], ""),
        (Some(at), None) => (&reference[..at], "", &reference[at + 1..]),
    }
}

/// What an entry of `images` makes of references that it means.
pub(super) struct ImageChange<'i> {
    image: &'i Image,
    /// Present if the name is an expression; upstream uses every name as one.
    expression: Option<FreePattern>,
}

impl<'i> ImageChange<'i> {
    pub(super) fn new(image: &'i Image) -> Result<Self> {
        let is_expression = image.name.contains([
            '\\', '+', '*', '?', '(', ')', '|', '[', ']', '{', '}', '^', '$',
        ]);
        let expression = if is_expression {
            // A name that is no expression matches nothing upstream either (it panics).
            let rest = "(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?$";
            Some(FreePattern::compile(&format!("^{}{rest}", image.name))?)
        } else {
            None
        };
        Ok(Self { image, expression })
    }

    fn means(&self, reference: &str) -> bool {
        if let Some(expression) = &self.expression {
            return expression.matches(reference);
        }
        let name = &self.image.name;
        let Some(head) = reference.get(..name.len()) else {
            return false;
        };
        // A dot of the name stands for any character.
        if !head
            .bytes()
            .zip(name.bytes())
            .all(|(a, b)| a == b || b == b'.')
        {
            return false;
        }
        let is_part = |text: &str| {
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_.{}-".contains(&b))
        };
        let rest = &reference[name.len()..];
        let (tag, digest) = match rest.split_once("@sha256:") {
            Some((tag, digest)) => (tag, Some(digest)),
            None => (rest, None),
        };
        let tag_fits = tag.is_empty() || tag.strip_prefix(':').is_some_and(is_part);
        tag_fits && digest.is_none_or(is_part)
    }

    /// The new reference, if this entry means the old one.
    pub(super) fn apply(&self, reference: &str) -> Option<String> {
        if !self.means(reference) {
            return None;
        }
        let image = self.image;
        let (name, tag, digest) = split(reference);
        let name = if image.new_name.is_empty() {
            name
        } else {
            &image.new_name
        };
        let (tag, digest) = match (image.new_tag.is_empty(), image.digest.is_empty()) {
            (false, false) => (image.new_tag.clone(), image.digest.as_str()),
            (false, true) => (image.new_tag.clone(), ""),
            (true, false) => (String::new(), image.digest.as_str()),
            (true, true) if !image.tag_suffix.is_empty() => {
                (format!("{tag}{}", image.tag_suffix), "")
            }
            (true, true) => (tag.to_owned(), digest),
        };
        let mut changed = name.to_owned();
        if !tag.is_empty() {
            changed.push(':');
            changed.push_str(&tag);
        }
        if !digest.is_empty() {
            changed.push('@');
            changed.push_str(digest);
        }
        Some(changed)
    }
}
