use axum::http::{HeaderMap, HeaderValue, header};

/// What of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Range {
    /// All of it: nothing else is asked for, or so that it may be passed over (RFC 9110, section 14.2).
    Whole,
    /// From this byte on, so many: one at least.
    Part { start: u64, count: u64 },
    /// Nothing that is there.
    Nothing,
}

impl Range {
    /// What `headers` ask for of a file of `size` bytes that was `modified` at this time. Several ranges at once, for
    /// which Go's server makes an answer of many parts, get the whole.
    pub(crate) fn asked(headers: &HeaderMap, size: u64, modified: Option<&HeaderValue>) -> Self {
        // Who has a part of another file wants the whole of this one.
        let is_same = match headers.get(header::IF_RANGE) {
            Some(wanted) => Some(wanted) == modified,
            None => true,
        };
        let range = headers
            .get(header::RANGE)
            .filter(|_| is_same)
            .and_then(|value| value.to_str().ok()?.strip_prefix("bytes="));
        range
            .and_then(|range| part(range.trim(), size))
            .unwrap_or(Self::Whole)
    }
}

/// `first-last`, `first-`, or `-count` from the end.
fn part(range: &str, size: u64) -> Option<Range> {
    let (first, last) = range.split_once('-')?;
    let (start, end) = if first.is_empty() {
        (size.saturating_sub(number(last)?), size)
    } else {
        let end = match last {
            "" => size,
            last => number(last)
                .filter(|last| number(first) <= Some(*last))?
                .saturating_add(1),
        };
        (number(first)?, end.min(size))
    };
    Some(match end.checked_sub(start) {
        None | Some(0) => Range::Nothing,
        Some(count) => Range::Part { start, count },
    })
}

/// Digits alone: no sign.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // What is larger than any file is as good as the largest number.
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::Range;
    use axum::http::{HeaderMap, HeaderValue, header};

    const MODIFIED: HeaderValue = HeaderValue::from_static("Sun, 22 Nov 2026 01:00:00 GMT");

    fn asked(range: &'static str, condition: Option<HeaderValue>) -> Range {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_static(range));
        if let Some(condition) = condition {
            headers.insert(header::IF_RANGE, condition);
        }
        Range::asked(&headers, 10, Some(&MODIFIED))
    }

    #[test]
    fn one_range_is_answered_and_what_is_none_is_passed_over() {
        let part = |start, count| Range::Part { start, count };
        for (range, wanted) in [
            ("bytes=0-0", part(0, 1)),
            ("bytes=2-4", part(2, 3)),
            ("bytes=2-", part(2, 8)),
            ("bytes=2-99", part(2, 8)),
            ("bytes=9-99999999999999999999999", part(9, 1)),
            ("bytes=-3", part(7, 3)),
            ("bytes=-99", part(0, 10)),
            ("bytes=10-", Range::Nothing),
            ("bytes=-0", Range::Nothing),
            ("bytes=4-2", Range::Whole),
            ("bytes=-", Range::Whole),
            ("bytes=+1-2", Range::Whole),
            ("bytes=0-1,4-5", Range::Whole),
            ("lines=0-1", Range::Whole),
        ] {
            assert_eq!(asked(range, None), wanted, "{range}");
        }
    }

    #[test]
    fn part_of_what_changed_is_not_given() {
        let part = Range::Part { start: 2, count: 8 };
        assert_eq!(asked("bytes=2-", Some(MODIFIED)), part);
        let other = HeaderValue::from_static("Sun, 22 Nov 2026 00:00:00 GMT");
        assert_eq!(asked("bytes=2-", Some(other)), Range::Whole);
    }
}
