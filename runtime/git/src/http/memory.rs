//! What servers said that they can do.
//!
//! A conversation in version 2 of Git's protocol begins with a question whose answer holds nothing of the repository,
//! only the server's capabilities. They are kept, so that looking for new commits costs one request, not two.
//! Nothing is trusted to memory: where the conversation fails, the session asks again from the start.

use bytes::Bytes;
use moka::sync::Cache;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use std::sync::LazyLock;
use std::time::Duration;
use tidegate_values::Digest;

/// Who asked what, with which credentials.
pub(super) type Key = (String, Option<Digest>);

/// An answer to the first question.
#[derive(Clone)]
pub(super) struct Answer {
    /// Where it came from, if that was elsewhere.
    pub(super) base: Option<String>,
    pub(super) body: Bytes,
}

/// Long answers list references, or are no answers.
pub(super) const LONGEST: usize = 16 * 1024;

/// What an answer's head says of its content.
pub(super) const CONTENT: &str = "application/x-git-upload-pack-advertisement";

/// After this time a server is asked again, failing or not.
const KEPT: Duration = Duration::from_mins(10);

/// Repositories, at some hundred bytes each.
const REPOSITORIES: u64 = 10_000;

static ANSWERS: LazyLock<Cache<Key, Answer>> = LazyLock::new(|| {
    let cache = Cache::builder().max_capacity(REPOSITORIES);
    cache.time_to_live(KEPT).build()
});

pub(super) fn key(url: &str, authorization: Option<&HeaderValue>) -> Key {
    (
        url.to_owned(),
        authorization.map(|value| Digest::of(value.as_bytes())),
    )
}

pub(super) fn recall(key: &Key) -> Option<Answer> {
    ANSWERS.get(key)
}

pub(super) fn forget(key: &Key) {
    ANSWERS.invalidate(key);
}

/// Keeps an answer, if it is one that holds capabilities only.
pub(super) fn keep(key: Key, headers: &HeaderMap, answer: Answer) {
    let is_answer = headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes() == CONTENT.as_bytes());
    if is_answer && may_be_capabilities(&answer.body) && answer.body.ends_with(b"0000") {
        ANSWERS.insert(key, answer);
    }
}

/// Whether an answer begins as one of version 2. gitprotocol-v2, "Capability Advertisement": a packet line, behind
/// the line with the service's name and a flush packet for servers that think of clients of the first version.
pub(super) fn may_be_capabilities(start: &[u8]) -> bool {
    const SERVICE: &[u8] = b"001e# service=git-upload-pack\n0000";
    const VERSION: &[u8] = b"000eversion 2\n";
    let start = start.strip_prefix(SERVICE).unwrap_or(start);
    start.starts_with(VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_capabilities_are_kept() {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(CONTENT))]);
        let cases: [(&str, &[u8], bool); 5] = [
            (
                "git",
                b"001e# service=git-upload-pack\n0000000eversion 2\n000cls-refs\n0000",
                true,
            ),
            ("bare", b"000eversion 2\n000cls-refs\n0000", true),
            ("cut", b"000eversion 2\n000cls-re", false),
            (
                "version 1",
                b"001e# service=git-upload-pack\n0000000eversion 1\n0000",
                false,
            ),
            ("page", b"<html>version 2</html>0000", false),
        ];
        for (name, body, kept) in cases {
            let key = key(name, None);
            let answer = Answer {
                base: None,
                body: Bytes::from_static(body),
            };
            keep(key.clone(), &headers, answer.clone());
            assert_eq!(recall(&key).is_some(), kept, "{name}");
            forget(&key);
            keep(key.clone(), &HeaderMap::new(), answer);
            assert!(recall(&key).is_none(), "{name} without a type");
        }
    }

    #[test]
    fn credentials_tell_answers_apart() {
        let of = |text: &'static str| key("u", Some(&HeaderValue::from_static(text)));
        assert_eq!(of("Basic a"), of("Basic a"));
        assert_ne!(of("Basic a"), of("Basic b"));
        assert_ne!(of("Basic a"), key("u", None));
    }
}
