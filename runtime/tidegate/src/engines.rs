//! The built-in plugins as the command line calls them: one call each, in a process that ends with it.

use crate::clone;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;
use tidegate_git::Locator;
use tidegate_git::RemoteBases;
use tidegate_kustomization::refusal;
use tidegate_sandbox::Call;
use tidegate_sandbox::CallReport;
use tidegate_sandbox::Diagnostic;
use tidegate_sandbox::Failure;
use tidegate_sandbox::LogLine;
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
        let sandbox = Sandbox::new(SandboxConfig {
            plugins: plugins(),
            ..SandboxConfig::command_line()
        })?;
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

/// Where the built-ins are, when the environment says so.
pub(crate) fn plugins() -> Option<PathBuf> {
    std::env::var_os(tidegate_sandbox::PLUGINS_DIR).map(PathBuf::from)
}

/// What a plugin has to say besides its documents: warnings; and its log, when it did not come to its end, for whoever
/// looks into that.
fn said(report: &CallReport) -> Vec<String> {
    let is_warning = |diagnostic: &&Diagnostic| diagnostic.severity == Severity::Warning;
    let warnings = report.diagnostics.iter().filter(is_warning);
    let mut texts: Vec<_> = warnings.map(|warning| warning.message.clone()).collect();
    if !matches!(report.outcome, Ok(()) | Err(Failure::InvalidInput(_))) {
        texts.extend(report.logs.iter().map(LogLine::text));
    }
    for text in &mut texts {
        *text = tidegate_values::without_url_users(text);
    }
    texts
}

#[expect(clippy::print_stderr, reason = "the command line speaks there")]
fn documents(report: CallReport) -> anyhow::Result<Vec<Document>> {
    for text in said(&report) {
        eprintln!("{text}");
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

#[cfg(test)]
mod tests {
    use super::said;
    use tidegate_sandbox::CallReport;
    use tidegate_sandbox::Failure;
    use tidegate_sandbox::LogLevel;
    use tidegate_sandbox::LogLine;
    use tidegate_sandbox::Trace;
    use tidegate_sandbox::Usage;

    #[test]
    fn the_log_of_a_crash_is_shown() {
        let mut report = CallReport {
            outcome: Err(Failure::Trap {
                plugin: "kustomize".to_owned(),
                message: "unreachable".to_owned(),
            }),
            emissions: Vec::new(),
            diagnostics: Vec::new(),
            attachments: Vec::new(),
            judgements: Vec::new(),
            trace: Trace::default(),
            usage: Usage::default(),
            logs: vec![LogLine {
                level: LogLevel::Error,
                message: "at https://me:hunter22@host.example/x".to_owned(),
                fields: vec![("line".to_owned(), "7".to_owned())],
            }],
            cached: false,
        };
        let texts = said(&report);
        assert_eq!(texts.len(), 1);
        assert!(texts[0].starts_with("at https://") && texts[0].ends_with("host.example/x line=7"));
        assert!(!texts[0].contains("hunter22"), "{texts:?}");
        report.outcome = Err(Failure::InvalidInput(Vec::new()));
        assert!(said(&report).is_empty());
    }
}
