use crate::semver::ConstraintError;
use tidegate_values::{PathError, SafeUrl};

/// Why a repository could not be checked out.
///
/// Texts are those that follow Flux's `failed to checkout and determine revision: ` (fluxcd/pkg `git/gogit`,
/// `clone.go`), except for [`Error::SparseMissing`], before which Flux says `failed to sparse checkout directories : `.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("cannot parse url: {0}")]
    Url(String),
    #[error("basic auth and bearer token cannot be set at the same time")]
    TwoCredentials,
    /// While looking whether the reference moved.
    #[error("unable to list remote for '{url}': {cause}")]
    List { url: SafeUrl, cause: Failure },
    #[error("unable to clone '{url}': {cause}")]
    Clone { url: SafeUrl, cause: Failure },
    /// A repository without a commit, asked for something else than a branch.
    #[error("unable to clone: remote repository is empty: git repository: '{url}'")]
    Empty { url: SafeUrl },
    #[error("unable to resolve ref '{0}' to a specific commit")]
    Unresolved(String),
    #[error("ref {0} is invalid; Git refs cannot begin or end with a slash '/'")]
    InvalidRef(String),
    #[error("unable to resolve commit object for '{0}': object not found")]
    CommitNotFound(String),
    #[error("semver parse error: {0}")]
    Constraint(#[from] ConstraintError),
    #[error("no match found for semver: {0}")]
    NoMatch(String),
    #[error("sparse checkout dir '{0}' does not exist in repository: no such file or directory")]
    SparseMissing(String),
}

/// What went wrong with a remote. Texts of the first group are go-git's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// 401, with what the server says.
    #[error("authentication required{}", after_colon(.0))]
    AuthenticationRequired(String),
    /// 403, with what the server says.
    #[error("authorization failed{}", after_colon(.0))]
    AuthorizationFailed(String),
    /// 404, with what the server says. The colon stands there as go-git has it, whatever follows.
    #[error("repository not found: {0}")]
    RepositoryNotFound(String),
    #[error("remote repository is empty")]
    Empty,
    #[error("couldn't find remote ref \"{0}\"")]
    RefNotFound(String),
    #[error("context deadline exceeded")]
    Timeout,
    #[error("context canceled")]
    Stopped,

    /// Any other status, with what the server says.
    #[error("unexpected status code {status}{}", after_colon(.text))]
    Status { status: u16, text: String },
    #[error("can't connect: {0}")]
    Connection(String),
    /// The words of fluxcd/pkg, `runtime/controller/connection.go`.
    #[error("use of insecure plain HTTP connections is blocked")]
    PlainHttp,
    #[error("unusable TLS settings: {0}")]
    Tls(String),
    #[error("unusable proxy: {0}")]
    Proxy(String),
    /// The host's SSH key is not the expected one, or none is expected.
    #[error("knownhosts: {0}")]
    HostKey(String),
    #[error("ssh: {0}")]
    Ssh(String),
    /// What the server sent is not Git's protocol, or it refused.
    #[error("{0}")]
    Protocol(String),
    #[error("repository uses {0} hashes, which are not supported")]
    ObjectFormat(String),
    /// An object of one format was looked for in, or told of by, a repository of another.
    #[error("repository uses {repository} hashes, but an object has a {object} hash")]
    MixedFormats {
        repository: &'static str,
        object: &'static str,
    },
    #[error("repository exceeds the limit of {limit} {what}")]
    TooLarge { what: &'static str, limit: u64 },
    #[error("the server sends without end")]
    TooMuch,
    #[error("{0}")]
    Path(#[from] PathError),
    #[error("can't store objects: {0}")]
    Storage(String),
    #[error("submodule '{name}': {cause}")]
    Submodule { name: String, cause: Box<Failure> },
}

/// What a server says, if it says anything.
fn after_colon(text: &str) -> String {
    match text {
        "" => String::new(),
        text => format!(": {text}"),
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Storage(error.to_string())
    }
}

impl Failure {
    /// From an error of gix, whose causes tell more than itself.
    pub(crate) fn protocol(error: &gix::Error) -> Self {
        let mut texts: Vec<String> = Vec::new();
        for cause in error.iter_errors() {
            let text = cause.to_string();
            let line = text.lines().next().unwrap_or_default();
            let text = line.trim_end_matches([':', ' ']).to_owned();
            if !text.is_empty() && !texts.contains(&text) {
                texts.push(text);
            }
        }
        Self::Protocol(texts.join(": "))
    }
}
