//! Answers and their fingerprints, in one place: what records a call and what verifies its trace later must agree.

use crate::trace::{Answer, Fingerprint};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use tidegate_values::{Entry, EntryKind, ReadError, RemoteError, Tree};

/// The answer `text`.
pub(crate) fn text(text: &str) -> Answer {
    Answer::Told(Fingerprint::of(text.as_bytes()))
}

pub(crate) fn optional(answer: Option<&str>) -> Answer {
    answer.map_or(Answer::Absent, text)
}

pub(crate) fn flag(answer: bool) -> Answer {
    text(if answer { "true" } else { "false" })
}

/// A refusal as an answer; what the host could not answer stays an error.
pub(crate) fn refusal(error: &ReadError) -> Result<Answer, ReadError> {
    match error {
        ReadError::NotFound => Ok(Answer::Absent),
        ReadError::NotAFile => Ok(text("\0not-a-file")),
        ReadError::NotADirectory => Ok(text("\0not-a-directory")),
        ReadError::TooLarge => Ok(text("\0too-large")),
        ReadError::Denied => Ok(Answer::Refused),
        other => Err(other.clone()),
    }
}

/// Content of a file, by its digest alone.
pub(crate) fn file(tree: &dyn Tree, path: &str) -> Result<Answer, ReadError> {
    match tree.digest(path) {
        Ok(digest) => Ok(Answer::Told(Fingerprint::of(digest.as_bytes()))),
        Err(error) => refusal(&error),
    }
}

type Told<'a, T> = Result<(Answer, Result<&'a T, ReadError>), ReadError>;

pub(crate) fn entries(found: &Result<Vec<Entry>, ReadError>) -> Told<'_, Vec<Entry>> {
    match found {
        Ok(entries) => {
            let mut framed = String::new();
            for entry in entries {
                frame(&mut framed, entry);
            }
            Ok((text(&framed), Ok(entries)))
        }
        Err(error) => Ok((refusal(error)?, Err(error.clone()))),
    }
}

pub(crate) fn stat(found: &Result<Option<Entry>, ReadError>) -> Told<'_, Option<Entry>> {
    match found {
        Ok(entry) => {
            let answer = entry.as_ref().map_or(Answer::Absent, |entry| {
                let mut framed = String::new();
                frame(&mut framed, entry);
                text(&framed)
            });
            Ok((answer, Ok(entry)))
        }
        Err(error) => Ok((refusal(error)?, Err(error.clone()))),
    }
}

pub(crate) fn real_path(found: &Result<String, ReadError>) -> Told<'_, String> {
    match found {
        Ok(path) => Ok((text(path), Ok(path))),
        Err(error) => Ok((refusal(error)?, Err(error.clone()))),
    }
}

/// Is there a directory at `path`?
pub(crate) fn directory(tree: &dyn Tree, path: &str) -> Result<Answer, ReadError> {
    match tree.stat(path) {
        Ok(None) => Ok(Answer::Absent),
        Ok(Some(entry)) if entry.kind == EntryKind::Directory => Ok(text("")),
        Ok(Some(_)) => refusal(&ReadError::NotADirectory),
        Err(error) => refusal(&error),
    }
}

pub(crate) fn facts(facts: &BTreeMap<String, String>) -> Answer {
    let mut framed = String::new();
    for (key, value) in facts {
        let _ = write!(framed, "{}:{key}{}:{value}", key.len(), value.len());
    }
    text(&framed)
}

pub(crate) fn has_api(apis: &BTreeSet<String>, version: &str, kind: Option<&str>) -> bool {
    match kind {
        None => apis.contains(version),
        Some(kind) => apis.contains(&format!("{version}/{kind}")),
    }
}

pub(crate) fn api_versions(apis: &BTreeSet<String>) -> Answer {
    let mut framed = String::new();
    for api in apis {
        framed.push_str(api);
        framed.push('\n');
    }
    text(&framed)
}

/// Why a remote was not given to the guest.
pub(crate) type Missing = Option<String>;

type Opened = (Arc<dyn Tree>, String);

/// `Err(None)` is a denial, `Err(Some(text))` what the remote said.
pub(crate) fn remote(
    opened: Result<Opened, RemoteError>,
) -> Result<(Answer, Result<Opened, Missing>), ReadError> {
    match opened {
        Ok((tree, path)) => Ok((text(&path), Ok((tree, path)))),
        Err(error) => remote_error(error).map(|(answer, missing)| (answer, Err(missing))),
    }
}

pub(crate) fn remote_file(
    read: Result<Bytes, RemoteError>,
) -> Result<(Answer, Result<Bytes, Missing>), ReadError> {
    match read {
        Ok(bytes) => Ok((Answer::Told(Fingerprint::of(&bytes)), Ok(bytes))),
        Err(error) => remote_error(error).map(|(answer, missing)| (answer, Err(missing))),
    }
}

fn remote_error(error: RemoteError) -> Result<(Answer, Missing), ReadError> {
    match error {
        RemoteError::Denied => Ok((Answer::Refused, None)),
        RemoteError::NotFound(reason) => Ok((Answer::Absent, Some(reason))),
        other => Err(ReadError::Host(other.to_string())),
    }
}

/// Lengths first, so that no two listings look the same.
fn frame(into: &mut String, entry: &Entry) {
    let kind = match entry.kind {
        EntryKind::File => 'f',
        EntryKind::Directory => 'd',
    };
    let _ = write!(
        into,
        "{}:{}{kind}{};",
        entry.name.len(),
        entry.name,
        entry.size
    );
}
