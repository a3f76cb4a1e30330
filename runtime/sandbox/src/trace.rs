//! The exact read-set of a call: every question the guest asked, and a digest of the answer it got.
//!
//! A recorded trace can be put to another tree. If every answer is the same, the plugin would do the same again,
//! and its result stands: a commit elsewhere in a repository costs no run.
//!
//! Answers may be secret, and short ones could be guessed from a digest. So the digests are made with a key that no
//! other process has, and traces are never written down.

use crate::Call;
use crate::host::questions;
use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::fmt;
use std::sync::{Arc, LazyLock};
use tidegate_values::{ReadError, RemoteError, Tree};

/// Which tree a question was put to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TreeName {
    /// [`Call::source`].
    Source,
    /// One of [`Call::extra_sources`].
    Extra(Arc<str>),
    /// A remote base, by its locator.
    Remote(Arc<str>),
}

impl TreeName {
    /// Bytes of its text.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Source => 0,
            Self::Extra(name) | Self::Remote(name) => name.len(),
        }
    }
}

/// One question. Paths are relative to the root of the tree they name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Question {
    HasTree(TreeName),
    /// Content of a file.
    File(TreeName, String),
    /// Names, kinds and sizes in a directory.
    Entries(TreeName, String),
    /// Kind and size of what is there.
    Stat(TreeName, String),
    RealPath(TreeName, String),
    /// Is there a directory?
    Directory(TreeName, String),
    Fact(String),
    Facts,
    HasApi(String, Option<String>),
    ApiVersions,
    Remote(Arc<str>),
    RemoteFile(String),
    Now,
}

impl Question {
    /// What it and its answer take in memory, in bytes: two places in a map that is at least half full, and its texts.
    fn weight(&self) -> usize {
        /// What an allocation takes besides what was asked for.
        const ALLOCATION: usize = 16;
        let texts = match self {
            Self::HasTree(name) => name.len(),
            Self::File(name, path)
            | Self::Entries(name, path)
            | Self::Stat(name, path)
            | Self::RealPath(name, path)
            | Self::Directory(name, path) => name.len() + path.len() + ALLOCATION,
            Self::Fact(text) | Self::RemoteFile(text) => text.len() + ALLOCATION,
            Self::HasApi(version, kind) => {
                version.len() + kind.as_ref().map_or(0, String::len) + 2 * ALLOCATION
            }
            Self::Remote(locator) => locator.len() + ALLOCATION,
            Self::Facts | Self::ApiVersions | Self::Now => 0,
        };
        2 * size_of::<(Self, Answer)>() + texts
    }
}

/// What the guest was told: two answers are the same if and only if they were the same to the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    Absent,
    Refused,
    Told(Fingerprint),
}

/// A digest with a key of this process.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(crate) fn of(content: &[u8]) -> Self {
        let mut mac = FINGERPRINTS.clone();
        mac.update(content);
        Self(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({})", hex::encode(&self.0[..4]))
    }
}

static FINGERPRINTS: LazyLock<Hmac<Sha256>> = LazyLock::new(|| {
    let key: [u8; 64] = rand::random();
    <Hmac<Sha256> as KeyInit>::new(&key.into())
});

/// The questions of one call, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    answers: BTreeMap<Question, Answer>,
    weight: usize,
}

impl Trace {
    /// Gives what it takes in memory to remember this, in bytes: nothing for what was asked before.
    pub(crate) fn record(&mut self, question: Question, answer: Answer) -> usize {
        match self.answers.entry(question) {
            Slot::Vacant(slot) => {
                let weight = slot.key().weight();
                slot.insert(answer);
                self.weight += weight;
                weight
            }
            // A tree does not change during a call: the first answer is the answer.
            Slot::Occupied(_) => 0,
        }
    }

    /// Questions with their answers, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&Question, &Answer)> {
        self.answers.iter()
    }

    pub fn len(&self) -> usize {
        self.answers.len()
    }

    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// Would `call` answer every question the same? `Ok(Some(question))` is the first that differs.
    ///
    /// # Errors
    /// When the host cannot answer, which says nothing about the result.
    pub fn differs(&self, call: &Call) -> Result<Option<&Question>, ReadError> {
        let mut remotes = BTreeMap::new();
        for (question, recorded) in &self.answers {
            if ask(call, question, &mut remotes)? != *recorded {
                return Ok(Some(question));
            }
        }
        Ok(None)
    }

    /// Shorthand for [`Trace::differs`] giving nothing.
    pub fn holds(&self, call: &Call) -> Result<bool, ReadError> {
        Ok(self.differs(call)?.is_none())
    }

    /// Size in memory, in bytes.
    pub(crate) fn weight(&self) -> usize {
        self.weight
    }
}

type Remotes = BTreeMap<Arc<str>, Option<Arc<dyn Tree>>>;

fn ask(call: &Call, question: &Question, remotes: &mut Remotes) -> Result<Answer, ReadError> {
    let on_tree = |name: &TreeName,
                   remotes: &mut Remotes,
                   ask: &dyn Fn(&dyn Tree) -> Result<Answer, ReadError>| {
        match find_tree(call, name, remotes)? {
            Some(tree) => ask(&*tree),
            None => Ok(Answer::Absent),
        }
    };
    match question {
        Question::HasTree(name) => Ok(if find_tree(call, name, remotes)?.is_some() {
            questions::text("")
        } else {
            Answer::Absent
        }),
        Question::File(name, path) => on_tree(name, remotes, &|tree| questions::file(tree, path)),
        Question::Entries(name, path) => on_tree(name, remotes, &|tree| {
            Ok(questions::entries(&tree.entries(path))?.0)
        }),
        Question::Stat(name, path) => on_tree(name, remotes, &|tree| {
            Ok(questions::stat(&tree.stat(path))?.0)
        }),
        Question::RealPath(name, path) => on_tree(name, remotes, &|tree| {
            Ok(questions::real_path(&tree.real_path(path))?.0)
        }),
        Question::Directory(name, path) => {
            on_tree(name, remotes, &|tree| questions::directory(tree, path))
        }
        Question::Fact(key) => Ok(questions::optional(call.facts.get(key).map(String::as_str))),
        Question::Facts => Ok(questions::facts(&call.facts)),
        Question::HasApi(version, kind) => Ok(questions::flag(questions::has_api(
            &call.apis,
            version,
            kind.as_deref(),
        ))),
        Question::ApiVersions => Ok(questions::api_versions(&call.apis)),
        Question::Remote(locator) => match &call.remote {
            None => Ok(Answer::Refused),
            Some(remote) => {
                let (answer, opened) = questions::remote(remote.open(locator))?;
                remotes.insert(locator.clone(), opened.ok().map(|(tree, _)| tree));
                Ok(answer)
            }
        },
        Question::RemoteFile(url) => match &call.remote {
            None => Ok(Answer::Refused),
            Some(remote) => Ok(questions::remote_file(remote.read(url))?.0),
        },
        Question::Now => Ok(questions::optional(
            call.now.map(|now| now.to_string()).as_deref(),
        )),
    }
}

fn find_tree(
    call: &Call,
    name: &TreeName,
    remotes: &mut Remotes,
) -> Result<Option<Arc<dyn Tree>>, ReadError> {
    match name {
        TreeName::Source => Ok(call.source.clone()),
        TreeName::Extra(alias) => Ok(call.extra_sources.get(&**alias).cloned()),
        TreeName::Remote(locator) => {
            if let Some(found) = remotes.get(locator) {
                return Ok(found.clone());
            }
            let opened = match &call.remote {
                None => None,
                Some(remote) => match remote.open(locator) {
                    Ok((tree, _)) => Some(tree),
                    Err(RemoteError::Unavailable(reason)) => return Err(ReadError::Host(reason)),
                    Err(_) => None,
                },
            };
            remotes.insert(locator.clone(), opened.clone());
            Ok(opened)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Fingerprint};
    use tidegate_values::Digest;

    #[test]
    fn an_answer_cannot_be_guessed_from_its_fingerprint() {
        let answer = Fingerprint::of(b"hunter22");
        assert_eq!(answer, Fingerprint::of(b"hunter22"));
        assert_ne!(answer, Fingerprint::of(b"hunter23"));
        assert_ne!(&answer.0, Digest::of(b"hunter22").as_bytes());
        let shown = format!("{:?}", Answer::Told(answer));
        assert!(
            !shown.contains(&Digest::of(b"hunter22").hex()[..8]),
            "{shown}"
        );
    }
}
