//! The built-in plugins as the command line calls them: one call each, in a process that ends with it.

use crate::clone;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::OnceLock;
use tidegate_git::Locator;
use tidegate_git::RemoteBases;
use tidegate_kustomization::refusal;
use tidegate_sandbox::Call;
use tidegate_sandbox::CallReport;
use tidegate_sandbox::Failure;
use tidegate_sandbox::Manifest;
use tidegate_sandbox::Sandbox;
use tidegate_sandbox::SandboxConfig;
use tidegate_sandbox::Severity;
use tidegate_values::RemoteError;
use tidegate_values::RemoteSource;
use tidegate_values::Tree;

pub(crate) struct Engines {
    /// The end of the process frees it faster than we could.
    sandbox: ManuallyDrop<Sandbox>,
}

/// A folder to build, inside of a tree.
pub(crate) struct Folder {
    pub(crate) tree: Arc<dyn Tree>,
    /// In normal form; empty for the tree's root.
    pub(crate) path: String,
    /// The path of the tree's root in messages: empty for that of the file system.
    pub(crate) shown: String,
}

/// One object that a plugin wrote.
pub(crate) struct Document {
    /// As kustomize writes it, with its line feed.
    pub(crate) text: Bytes,
    /// Where it comes from, if that is known.
    pub(crate) file: Option<String>,
}

/// Why a plugin gave nothing.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Refusal {
    text: String,
    /// What refused: one of those in `tidegate_kustomization::refusal`, or another.
    pub(crate) code: String,
}

impl Refusal {
    fn new(failure: &Failure) -> Self {
        Self {
            text: tidegate_values::without_url_users(&failure.to_string()),
            code: refusal::code(failure).to_owned(),
        }
    }
}

impl Engines {
    /// Starts nothing yet.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let sandbox = Sandbox::new(SandboxConfig::command_line())?;
        Ok(Self {
            sandbox: ManuallyDrop::new(sandbox),
        })
    }

    /// Builds a folder, and shows warnings.
    pub(crate) fn kustomize(
        &self,
        folder: Folder,
        config: &serde_json::Value,
    ) -> anyhow::Result<Vec<Document>> {
        let mut facts = BTreeMap::new();
        let shown = folder.shown;
        if !shown.is_empty() {
            facts.insert("root.display".to_owned(), shown.clone());
        }
        let call = Call {
            source: Some(folder.tree),
            path: folder.path,
            config: config.to_string(),
            facts,
            remote: Some(Arc::new(Remotes)),
            ..Call::default()
        };
        let mut documents = documents(self.sandbox.builtin("kustomize")?.render(call))?;
        for file in documents.iter_mut().flat_map(|built| &mut built.file) {
            if !file.starts_with('/') {
                *file = format!("{}/{file}", shown.trim_end_matches('/'));
            }
        }
        Ok(documents)
    }

    /// Puts variables into documents; gives them back in their order.
    pub(crate) fn substitute(
        &self,
        manifests: Vec<Manifest>,
        config: &serde_json::Value,
    ) -> anyhow::Result<Vec<Document>> {
        let call = Call {
            manifests,
            config: config.to_string(),
            ..Call::default()
        };
        documents(self.sandbox.builtin("substitute")?.transform(call))
    }
}

#[expect(clippy::print_stderr, reason = "the command line speaks there")]
fn documents(report: CallReport) -> anyhow::Result<Vec<Document>> {
    for warning in report
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Warning)
    {
        eprintln!("{}", tidegate_values::without_url_users(&warning.message));
    }
    report.outcome.map_err(|failure| Refusal::new(&failure))?;
    Ok(report
        .emissions
        .into_iter()
        .map(|emission| Document {
            text: emission.bytes,
            file: emission.source.map(|source| source.path),
        })
        .collect())
}

/// Opens remote bases: with the user's `git` where there is one, else without anybody's credentials. Nothing of TLS is
/// set up before one is wanted.
pub(crate) struct Remotes;

impl Remotes {
    fn bases() -> &'static RemoteBases {
        static BASES: OnceLock<RemoteBases> = OnceLock::new();
        BASES.get_or_init(|| {
            tidegate_kube::install_crypto();
            RemoteBases::default()
        })
    }
}

impl RemoteSource for Remotes {
    fn open(&self, locator: &str) -> Result<(Arc<dyn Tree>, String), RemoteError> {
        let path = std::env::var_os("PATH");
        let (Some(git), Ok(parsed)) = (clone::program(path.as_deref()), Locator::parse(locator))
        else {
            return Self::bases().open(locator).map_err(for_good);
        };
        let tree = clone::clone(&git, &parsed).map_err(RemoteError::NotFound)?;
        let inside = parsed.path.trim_end_matches('/').to_owned();
        Ok((Arc::new(tree), inside))
    }

    fn read(&self, url: &str) -> Result<Bytes, RemoteError> {
        Self::bases().read(url).map_err(for_good)
    }
}

/// Nobody tries again: what cannot be had now is told to the engine, which says where it was wanted.
fn for_good(error: RemoteError) -> RemoteError {
    match error {
        RemoteError::Unavailable(reason) => RemoteError::NotFound(reason),
        error => error,
    }
}
