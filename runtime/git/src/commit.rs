use crate::error::Failure;
use crate::objects::Objects;
use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use gix::objs::{CommitRef, Kind, TagRef};

/// Characters of a subject that Flux shows (fluxcd/pkg `git`, `ShortMessage`).
const SHORT_MESSAGE: usize = 50;

/// Tags of tags followed at most.
const TAG_DEPTH: usize = 32;

/// Who wrote or committed something, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub name: String,
    pub email: String,
    /// `None` for a time that can't be read.
    pub when: Option<jiff::Timestamp>,
}

/// A commit, and the annotated tag that led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Forty hexadecimal digits, or 64 of SHA-256.
    pub hash: String,
    pub author: Person,
    pub committer: Person,
    pub message: String,
    /// The object as it is in the database, signature included: what verification needs.
    pub raw: Vec<u8>,
    /// Set when the reference was an annotated tag.
    pub tag: Option<Tag>,
    pub(crate) tree: ObjectId,
}

/// An annotated tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// As many hexadecimal digits, of the tag object.
    pub hash: String,
    pub name: String,
    pub tagger: Option<Person>,
    pub message: String,
    /// The object as it is in the database, signature included.
    pub raw: Vec<u8>,
}

impl Commit {
    /// The first fifty characters of the subject, as in Flux's events.
    pub fn short_message(&self) -> String {
        let subject = self.message.split('\n').next().unwrap_or_default();
        let short: String = subject.chars().take(SHORT_MESSAGE).collect();
        if short.len() < subject.len() {
            format!("{short}...")
        } else {
            short
        }
    }

    /// The commit that `id` is or, as a tag, finally points to; `None` when it is not there or something else.
    pub(crate) fn load(objects: &Objects, id: ObjectId) -> Result<Option<Self>, Failure> {
        let (mut id, mut tag) = (id, None);
        for _ in 0..TAG_DEPTH {
            let Some(object) = objects.find(&id)? else {
                return Ok(None);
            };
            match object.kind {
                Kind::Commit => return commit(id, object.data, tag).map(Some),
                Kind::Tag => {
                    let (read, target) = read_tag(id, object.data)?;
                    tag = tag.or(Some(read));
                    id = target;
                }
                Kind::Tree | Kind::Blob => return Ok(None),
            }
        }
        Ok(None)
    }
}

fn commit(id: ObjectId, raw: Vec<u8>, tag: Option<Tag>) -> Result<Commit, Failure> {
    let parsed =
        CommitRef::from_bytes(&raw, id.kind()).map_err(|error| Failure::protocol(&error))?;
    let tree = parsed.tree();
    let (author, committer) = (person(parsed.author), person(parsed.committer));
    let message = parsed.message.to_str_lossy().into_owned();
    drop(parsed);
    Ok(Commit {
        hash: id.to_string(),
        author,
        committer,
        message,
        raw,
        tag,
        tree,
    })
}

fn read_tag(id: ObjectId, raw: Vec<u8>) -> Result<(Tag, ObjectId), Failure> {
    let parsed = TagRef::from_bytes(&raw, id.kind()).map_err(|error| Failure::protocol(&error))?;
    let target = parsed.target();
    let tag = Tag {
        hash: id.to_string(),
        name: parsed.name.to_str_lossy().into_owned(),
        tagger: parsed.tagger.map(person),
        message: parsed.message.to_str_lossy().into_owned(),
        raw,
    };
    Ok((tag, target))
}

/// `Name <mail> seconds zone`, however broken.
fn person(line: &gix::bstr::BStr) -> Person {
    let line = line.to_str_lossy();
    let (name, rest) = line.split_once('<').unwrap_or((&line, ""));
    let (email, time) = rest.rsplit_once('>').unwrap_or((rest, ""));
    let seconds = time
        .split_whitespace()
        .next()
        .and_then(|seconds| seconds.parse().ok());
    Person {
        name: name.trim().to_owned(),
        email: email.trim().to_owned(),
        when: seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok()),
    }
}
