mod locate;

use crate::budget::Budget;
use crate::commit::Commit;
use crate::error::{Error, Failure};
use crate::limits::Limits;
use crate::objects::Objects;
use crate::reference::{Reference, Revision, Target};
use crate::remote::Remote;
use crate::semver::Constraint;
use crate::session::{Advertised, Session};
use crate::submodules;
use crate::tree::{Builder, GitTree};
use gix::ObjectId;
use std::path::PathBuf;
use tidegate_values::Tree as _;

/// What to take of a repository.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The revision that is there already, as written by [`Revision`]: nothing is fetched while it stands.
    pub known: Option<String>,
    /// Also what submodules name.
    pub submodules: bool,
    /// Folders to take, all when empty. A leading `./` is dropped.
    pub sparse: Vec<String>,
    pub limits: Limits,
    /// Where packs are kept while they are read; the system's temporary folder by default.
    pub scratch: Option<PathBuf>,
}

/// What came of a checkout.
pub enum Outcome {
    /// The reference stands where it was known to stand.
    Unchanged(Revision),
    Fetched(Box<Checkout>),
    /// A repository without a commit, asked for a branch: no error to go-git; Flux says `git repository is empty`.
    Empty,
}

/// A commit with its tree.
pub struct Checkout {
    pub revision: Revision,
    pub commit: Commit,
    pub tree: GitTree,
}

/// Finds out where `reference` stands, and fetches it unless it is where `options.known` says.
///
/// A single commit comes, without history, where the protocol allows it. Phases and texts of errors are those of
/// fluxcd/pkg `git/gogit`, `Client.Clone`.
pub fn checkout(
    remote: &Remote,
    reference: &Reference,
    options: &Options,
    budget: &Budget,
) -> Result<Outcome, Error> {
    let mut work = Work::start(remote, reference, options, budget)?;
    let Some(found) = work.locate(reference)? else {
        return Ok(Outcome::Empty);
    };
    if options.known.as_deref() == Some(&found.revision.to_string()) {
        return Ok(Outcome::Unchanged(found.revision));
    }
    let checkout = work.fetch(found)?;
    for folder in &options.sparse {
        let path = normal(folder);
        if checkout.tree.stat(&path).ok().flatten().is_none() {
            return Err(Error::SparseMissing(folder.clone()));
        }
    }
    Ok(Outcome::Fetched(Box::new(checkout)))
}

/// Where `reference` stands, without fetching more than that takes; `None` for a repository without a commit.
pub fn resolve(
    remote: &Remote,
    reference: &Reference,
    budget: &Budget,
) -> Result<Option<Revision>, Error> {
    let options = Options {
        known: Some(String::new()),
        ..Options::default()
    };
    let mut work = Work::start(remote, reference, &options, budget)?;
    Ok(work.locate(reference)?.map(|found| found.revision))
}

/// Fetches what `git fetch <remote> <name>` would: a branch, tag, full name or commit; the default branch for none.
pub(crate) fn checkout_loosely(
    remote: &Remote,
    name: Option<&str>,
    options: &Options,
    budget: &Budget,
) -> Result<Checkout, Error> {
    let mut work = Work::start(remote, &Reference::default(), options, budget)?;
    let name = name.unwrap_or("HEAD");
    // Git's own order (gitrevisions(7)).
    let names = ["", "refs/", "refs/tags/", "refs/heads/"].map(|prefix| format!("{prefix}{name}"));
    let prefixes = names.each_ref().map(String::as_str);
    let listed = work.list(&prefixes)?;
    let found = names
        .iter()
        .find_map(|name| listed.iter().find(|advertised| advertised.name == *name));
    let commit = ObjectId::from_hex(name.as_bytes()).ok();
    let commit = commit.filter(|commit| commit.kind() == work.session.format());
    let found = match (found, commit) {
        (Some(found), _) => Found::tip(Revision::new(name, found.target()), found),
        (None, Some(want)) => Found {
            revision: Revision::new("", want),
            want,
            within: Vec::new(),
        },
        (None, None) => return Err(work.cloning(Failure::RefNotFound(name.to_owned()))),
    };
    work.fetch(found)
}

/// Where a reference stands.
struct Found {
    revision: Revision,
    /// What to ask the server for: the commit, or the annotated tag that leads to it.
    want: ObjectId,
    /// Branches of which one must hold the commit, when it is not at the tip of one.
    within: Vec<ObjectId>,
}

impl Found {
    fn tip(revision: Revision, advertised: &Advertised) -> Self {
        Self {
            revision,
            want: advertised.id,
            within: Vec::new(),
        }
    }
}

struct Work<'a> {
    remote: &'a Remote,
    options: &'a Options,
    budget: &'a Budget,
    session: Session,
    /// Whether Flux would list references first, which shows in the texts.
    listing: bool,
}

impl<'a> Work<'a> {
    fn start(
        remote: &'a Remote,
        reference: &Reference,
        options: &'a Options,
        budget: &'a Budget,
    ) -> Result<Self, Error> {
        let target = reference.target();
        if let Target::Name { name, .. } = target
            && (name.starts_with('/') || name.ends_with('/'))
        {
            return Err(Error::InvalidRef(name.to_owned()));
        }
        if let Target::Semver(range) = target {
            Constraint::parse(range)?;
        }
        let listing = match target {
            Target::Name { .. } => true,
            Target::Branch(_) | Target::Tag(_) => options.known.is_some(),
            Target::Commit { .. } | Target::Semver(_) => false,
        };
        let session = Session::open(remote, options.limits, budget);
        let session = session.map_err(|cause| {
            if listing {
                remote.listing(cause)
            } else {
                remote.cloning(cause)
            }
        })?;
        Ok(Self {
            remote,
            options,
            budget,
            session,
            listing,
        })
    }

    fn failed(&self, cause: Failure) -> Error {
        if self.listing {
            self.remote.listing(cause)
        } else {
            self.remote.cloning(cause)
        }
    }

    fn cloning(&self, cause: Failure) -> Error {
        self.remote.cloning(cause)
    }

    fn list(&mut self, prefixes: &[&str]) -> Result<Vec<Advertised>, Error> {
        let listed = self.session.list(prefixes);
        listed.map_err(|cause| self.failed(cause))
    }

    /// The listed reference of this name.
    fn find(&mut self, name: &str) -> Result<Option<Advertised>, Error> {
        Ok(self
            .list(&[name])?
            .into_iter()
            .find(|advertised| advertised.name == name))
    }

    fn is_empty(&mut self) -> Result<bool, Error> {
        Ok(self.list(&[])?.is_empty())
    }

    fn objects(&self) -> Result<Objects, Error> {
        let scratch = self.options.scratch.as_deref();
        Objects::new(scratch, self.session.format()).map_err(|cause| self.cloning(cause))
    }

    fn commits_only(&self) -> Option<&'static str> {
        self.session.can_filter().then_some("tree:0")
    }

    fn fetch(&mut self, found: Found) -> Result<Checkout, Error> {
        let mut objects = self.objects()?;
        let commit = if found.within.is_empty() {
            let fetched = self.session.fetch_commit(found.want, &mut objects);
            fetched.map_err(|cause| self.cloning(cause))?;
            Commit::load(&objects, found.want).map_err(|cause| self.cloning(cause))?
        } else {
            self.fetch_within(found.want, &found.within, &mut objects)?
        };
        let commit =
            commit.ok_or_else(|| Error::CommitNotFound(found.revision.hash().to_owned()))?;
        let revision = found.revision;
        let tree = self
            .tree(objects, &commit)
            .map_err(|cause| self.cloning(cause))?;
        Ok(Checkout {
            revision,
            commit,
            tree,
        })
    }

    /// A commit in the history of branches. Where the server can leave out trees, history is only looked through.
    fn fetch_within(
        &mut self,
        want: ObjectId,
        tips: &[ObjectId],
        objects: &mut Objects,
    ) -> Result<Option<Commit>, Error> {
        let load = |work: &Self, objects: &Objects| {
            Commit::load(objects, want).map_err(|cause| work.cloning(cause))
        };
        if let Some(filter) = self.commits_only() {
            let mut history = self.objects()?;
            match self.session.fetch(tips, None, Some(filter), &mut history) {
                Ok(()) if load(self, &history)?.is_none() => return Ok(None),
                Ok(()) => match self.session.fetch_commit(want, objects) {
                    Ok(()) => return load(self, objects),
                    Err(Failure::Protocol(reason)) => {
                        tracing::debug!(reason, "the server does not give a commit by itself");
                    }
                    Err(cause) => return Err(self.cloning(cause)),
                },
                Err(Failure::Protocol(reason)) => {
                    tracing::debug!(reason, "the server does not leave out trees");
                }
                Err(cause) => return Err(self.cloning(cause)),
            }
            *objects = self.objects()?;
            // A server that refused may have closed the conversation.
            self.session = Session::open(self.remote, self.options.limits, self.budget)
                .map_err(|cause| self.cloning(cause))?;
        }
        self.session
            .fetch_history(tips, objects)
            .map_err(|cause| self.cloning(cause))?;
        load(self, objects)
    }

    fn tree(&self, objects: Objects, commit: &Commit) -> Result<GitTree, Failure> {
        let sparse: Vec<String> = self
            .options
            .sparse
            .iter()
            .map(|folder| folder.strip_prefix("./").unwrap_or(folder).to_owned())
            .collect();
        let modules = if self.options.submodules {
            submodules::read_modules(&objects, commit.tree, &self.options.limits)?
        } else {
            Vec::new()
        };
        let mut builder = Builder::new(&self.options.limits, &sparse);
        let links = builder.add(objects, commit.tree, "")?;
        if self.options.submodules {
            let parent = submodules::Parent {
                remote: self.remote,
                budget: self.budget,
                scratch: self.options.scratch.as_deref(),
                path: "",
                git_folder: ".git",
                depth: 0,
            };
            submodules::add(&mut builder, &parent, &modules, links)?;
        }
        Ok(builder.finish())
    }
}

/// The path as the tree has it; `..` never leads out.
fn normal(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}
