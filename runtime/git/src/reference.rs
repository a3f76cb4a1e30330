use std::fmt;

/// The branch of a repository whose user named nothing.
const DEFAULT_BRANCH: &str = "master";

/// `spec.ref` of a `GitRepository`. Empty texts count as unset; what weighs most comes first:
/// commit, name, tag, semver, branch (fluxcd/pkg `git/gogit`, `Client.clone`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reference {
    pub commit: Option<String>,
    pub name: Option<String>,
    pub tag: Option<String>,
    pub semver: Option<String>,
    pub branch: Option<String>,
}

/// What a [`Reference`] comes down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    Commit {
        hash: &'a str,
        branch: Option<&'a str>,
        name: Option<&'a str>,
    },
    Name {
        name: &'a str,
        branch: Option<&'a str>,
    },
    Tag(&'a str),
    Semver(&'a str),
    Branch(&'a str),
}

impl Reference {
    /// A branch.
    pub fn branch(name: &str) -> Self {
        Self {
            branch: Some(name.to_owned()),
            ..Self::default()
        }
    }

    /// Whether Flux fetches this kind each time and tells `ArtifactUpToDate`, rather than asking first and telling
    /// `GitOperationSucceeded`. It makes no difference to [`crate::checkout`], which always asks first.
    pub fn is_always_fetched_by_flux(&self) -> bool {
        matches!(self.target(), Target::Commit { .. } | Target::Semver(_))
    }

    pub(crate) fn target(&self) -> Target<'_> {
        let [commit, name, tag, semver, branch] = [
            &self.commit,
            &self.name,
            &self.tag,
            &self.semver,
            &self.branch,
        ]
        .map(|field| field.as_deref().filter(|text| !text.is_empty()));
        match (commit, name, tag, semver) {
            (Some(hash), ..) => Target::Commit { hash, branch, name },
            (_, Some(name), ..) => Target::Name { name, branch },
            (_, _, Some(tag), _) => Target::Tag(tag),
            (.., Some(semver)) => Target::Semver(semver),
            _ => Target::Branch(branch.unwrap_or(DEFAULT_BRANCH)),
        }
    }
}

/// Hexadecimal digits of a SHA-256.
const SHA256: usize = 64;

/// Where a reference stands, written as Flux writes revisions: `main@sha1:…`, `refs/heads/main@sha1:…`, `sha1:…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Empty for a commit by itself.
    label: String,
    /// Forty hexadecimal digits, or 64 of SHA-256.
    hash: String,
}

impl Revision {
    pub(crate) fn new(label: &str, hash: impl fmt::Display) -> Self {
        Self {
            label: label.to_owned(),
            hash: hash.to_string(),
        }
    }

    /// The commit's hash.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.label.is_empty() {
            write!(f, "{}@", self.label)?;
        }
        let format = match self.hash.len() {
            SHA256 => "sha256",
            _ => "sha1",
        };
        write!(f, "{format}:{}", self.hash)
    }
}
