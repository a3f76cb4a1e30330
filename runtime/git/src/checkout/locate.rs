//! Finding out where each kind of reference stands.

use super::{Found, Work};
use crate::commit::Commit;
use crate::error::{Error, Failure};
use crate::reference::{Reference, Revision, Target};
use crate::semver::{Constraint, Version};
use crate::session::Advertised;
use gix::ObjectId;
use std::num::NonZeroU32;

impl Work<'_> {
    pub(super) fn locate(&mut self, reference: &Reference) -> Result<Option<Found>, Error> {
        match reference.target() {
            Target::Branch(branch) => {
                let name = format!("refs/heads/{branch}");
                match self.find(&name)? {
                    Some(found) => Ok(Some(Found::tip(
                        Revision::new(branch, found.target()),
                        &found,
                    ))),
                    None if !self.is_empty()? => Err(self.cloning(Failure::RefNotFound(name))),
                    None if self.listing => Err(self.failed(Failure::Empty)),
                    None => Ok(None),
                }
            }
            Target::Tag(tag) => {
                let name = format!("refs/tags/{tag}");
                match self.find(&name)? {
                    Some(found) => Ok(Some(Found::tip(Revision::new(tag, found.target()), &found))),
                    None if self.is_empty()? => Err(self.empty()),
                    None => Err(self.cloning(Failure::RefNotFound(name))),
                }
            }
            Target::Name { name, branch } => self.locate_name(name, branch).map(Some),
            Target::Semver(range) => self.locate_semver(range).map(Some),
            Target::Commit { hash, branch, name } => {
                let label = match (name, branch) {
                    (Some(name), _) => name,
                    (None, Some(branch)) => branch,
                    (None, None) => "",
                };
                let revision = Revision::new(label, hash.to_ascii_lowercase());
                self.locate_commit(hash, branch, revision).map(Some)
            }
        }
    }

    fn empty(&self) -> Error {
        if self.listing {
            self.failed(Failure::Empty)
        } else {
            Error::Empty {
                url: self.remote.url().clone(),
            }
        }
    }

    /// A full name. Only branches and tags are fetched by name, as in Flux; a commit that another name stands for must
    /// be on a branch.
    fn locate_name(&mut self, name: &str, branch: Option<&str>) -> Result<Found, Error> {
        let bare = name.strip_suffix("^{}").unwrap_or(name);
        let found = self.find(bare)?;
        let found = match found {
            // Only annotated tags have a dereferenced name.
            Some(found) if bare == name || found.peeled.is_some() => found,
            _ if self.is_empty()? => return Err(self.failed(Failure::Empty)),
            _ => return Err(Error::Unresolved(name.to_owned())),
        };
        let revision = Revision::new(name, found.target());
        if bare.starts_with("refs/heads/") || bare.starts_with("refs/tags/") {
            return Ok(Found::tip(revision, &found));
        }
        self.listing = false;
        self.locate_commit(&found.target().to_string(), branch, revision)
    }

    fn locate_commit(
        &mut self,
        hash: &str,
        branch: Option<&str>,
        revision: Revision,
    ) -> Result<Found, Error> {
        let heads = match branch {
            Some(branch) => {
                let name = format!("refs/heads/{branch}");
                let found = self.find(&name)?;
                vec![match found {
                    Some(found) => found,
                    None if self.is_empty()? => return Err(self.empty()),
                    None => return Err(self.cloning(Failure::RefNotFound(name))),
                }]
            }
            None => self
                .list(&["refs/heads/"])?
                .into_iter()
                .filter(|head| head.name.starts_with("refs/heads/"))
                .collect(),
        };
        if heads.is_empty() && self.is_empty()? {
            return Err(self.empty());
        }
        let want = ObjectId::from_hex(hash.as_bytes()).ok();
        let Some(want) = want.filter(|want| want.kind() == self.session.format()) else {
            return Err(Error::CommitNotFound(hash.to_owned()));
        };
        let tips: Vec<ObjectId> = heads.iter().map(Advertised::target).collect();
        let within = if tips.contains(&want) {
            Vec::new()
        } else {
            tips
        };
        if within.is_empty() && !heads.iter().any(|head| head.target() == want) {
            return Err(Error::CommitNotFound(hash.to_owned()));
        }
        Ok(Found {
            revision,
            want,
            within,
        })
    }

    /// The newest version in the range; among equal ones that whose commit is youngest.
    fn locate_semver(&mut self, range: &str) -> Result<Found, Error> {
        let constraint = Constraint::parse(range)?;
        let tags = self.list(&["refs/tags/"])?;
        if tags.is_empty() && self.is_empty()? {
            return Err(self.empty());
        }
        let mut matching: Vec<(Version, Advertised)> = Vec::new();
        for tag in tags {
            let version = tag
                .name
                .strip_prefix("refs/tags/")
                .and_then(Version::of_tag);
            if let Some(version) = version.filter(|version| constraint.allows(version)) {
                matching.push((version, tag));
            }
        }
        let newest = matching.iter().map(|(version, _)| version).max().cloned();
        let newest = newest.ok_or_else(|| Error::NoMatch(range.to_owned()))?;
        matching.retain(|(version, _)| *version == newest);
        let (version, tag) = match matching.len() {
            1 => matching.swap_remove(0),
            _ => self.youngest(matching)?,
        };
        Ok(Found::tip(
            Revision::new(version.original(), tag.target()),
            &tag,
        ))
    }

    fn youngest(
        &mut self,
        tags: Vec<(Version, Advertised)>,
    ) -> Result<(Version, Advertised), Error> {
        let mut objects = self.objects()?;
        let wants: Vec<ObjectId> = tags.iter().map(|(_, tag)| tag.id).collect();
        let fetched = self.session.fetch(
            &wants,
            NonZeroU32::new(1),
            self.commits_only(),
            &mut objects,
        );
        fetched.map_err(|cause| self.cloning(cause))?;
        let mut dated = Vec::new();
        for (version, tag) in tags {
            let commit = Commit::load(&objects, tag.id).map_err(|cause| self.cloning(cause))?;
            dated.push((
                commit.and_then(|commit| commit.committer.when),
                version,
                tag,
            ));
        }
        // The name decides between equal times: Flux leaves it to chance.
        let youngest = dated
            .into_iter()
            .max_by(|left, right| (left.0, &left.2.name).cmp(&(right.0, &right.2.name)));
        youngest
            .map(|(_, version, tag)| (version, tag))
            .ok_or_else(|| self.cloning(Failure::Empty))
    }
}
