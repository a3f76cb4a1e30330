use crate::{Diagnostic, Limit};
use std::path::PathBuf;

/// What lies behind an error: of wasmtime, of the file system, of a parser.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a plugin could not be made ready. Messages are without their causes, which are sources.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The engine refused its own configuration: this build does not fit this machine.
    #[error("the WebAssembly engine could not be set up")]
    Engine(#[source] Cause),
    /// Neither a component nor anything that could be made one.
    #[error("not a WebAssembly component: {0}")]
    NotAComponent(String),
    /// Native code was offered as a plugin. It is never loaded: only Tidegate's own compiler is trusted with that.
    #[error("the plugin is already compiled code; a WebAssembly component is wanted")]
    Precompiled,
    /// The component is invalid, or could not be compiled.
    #[error("the component could not be compiled")]
    Compile(#[source] Cause),
    /// It exceeds a limit before it even runs.
    #[error("the component exceeds the limit `{limit}` of {value}")]
    Limit { limit: Limit, value: u64 },
    /// It exports no interface that the host can call, or more than one.
    #[error(
        "the component must export exactly one of {}; it exports {}",
        crate::world::names(),
        list(found)
    )]
    World { found: Vec<String> },
    /// It imports what the host does not have, or what was not granted.
    #[error("the component imports what is not granted: {}", list(imports))]
    Imports { imports: Vec<String> },
    /// No built-in of that name was found.
    #[error(
        "no built-in plugin `{name}` in {}; `cargo xtask plugins` builds it",
        paths(folders)
    )]
    NoBuiltin { name: String, folders: Vec<PathBuf> },
    /// The folder of built-ins is damaged, or of another build.
    #[error("built-in plugin `{name}` in {}: {reason}; `cargo xtask plugins` builds it anew", folder.display())]
    Builtin {
        name: String,
        folder: PathBuf,
        reason: String,
        source: Option<Cause>,
    },
    /// The folder of compiled code could not be used.
    #[error("compiled code can't be kept in {}", folder.display())]
    CompiledCode { folder: PathBuf, source: Cause },
}

impl Error {
    /// A stable name for metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Engine(_) => "engine",
            Self::NotAComponent(_) => "not_a_component",
            Self::Precompiled => "precompiled",
            Self::Compile(_) => "compile",
            Self::Limit { .. } => "limit",
            Self::World { .. } => "world",
            Self::Imports { .. } => "imports",
            Self::NoBuiltin { .. } => "no_builtin",
            Self::Builtin { .. } => "builtin",
            Self::CompiledCode { .. } => "compiled_code",
        }
    }
}

/// Why a call of a plugin gave no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The plugin says that its input is wrong: the user must change something.
    #[error("{}", diagnostics_text(.0))]
    InvalidInput(Vec<Diagnostic>),
    /// The plugin says that it cannot go on.
    #[error("plugin `{plugin}` failed: {message}")]
    Internal { plugin: String, message: String },
    /// The plugin says that something outside was not to be had.
    #[error("plugin `{plugin}`: {message}")]
    Unavailable { plugin: String, message: String },
    /// The plugin crashed. `message` has its panic message, when it sent one.
    #[error("plugin `{plugin}` crashed: {message}")]
    Trap { plugin: String, message: String },
    /// The plugin used more than it may.
    #[error("plugin `{plugin}` exceeded the limit `{limit}` of {value}")]
    Limit {
        plugin: String,
        limit: Limit,
        value: String,
    },
    /// The plugin broke the contract, such as by judging nothing.
    #[error("plugin `{plugin}` broke the contract: {message}")]
    Contract { plugin: String, message: String },
    /// The caller cancelled.
    #[error("plugin `{plugin}` was cancelled")]
    Cancelled { plugin: String },
    /// The host could not answer a question of the plugin; trying again may help.
    #[error("{0}")]
    Host(String),
}

impl Failure {
    /// A stable name for metrics; overruns add [`Limit::name`] as a label of their own.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::InvalidInput(_) => "invalid_input",
            Self::Internal { .. } => "internal",
            Self::Unavailable { .. } => "unavailable",
            Self::Trap { .. } => "trap",
            Self::Limit { .. } => "limit",
            Self::Contract { .. } => "contract",
            Self::Cancelled { .. } => "cancelled",
            Self::Host(_) => "host",
        }
    }

    /// Would the same input fail the same way again? Only such failures may be kept.
    pub const fn is_deterministic(&self) -> bool {
        match self {
            Self::InvalidInput(_)
            | Self::Internal { .. }
            | Self::Trap { .. }
            | Self::Contract { .. } => true,
            Self::Limit { limit, .. } => limit.is_deterministic(),
            Self::Unavailable { .. } | Self::Cancelled { .. } | Self::Host(_) => false,
        }
    }
}

/// What ends a running guest from inside a host call or the epoch callback. Travels through wasmtime as its error.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Stop {
    #[error("limit {0}")]
    Limit(Limit),
    #[error("{0}")]
    Host(String),
    #[error("{0}")]
    Contract(String),
    #[error("cancelled")]
    Cancelled,
    /// The guest ended itself through `wasi:cli/exit`.
    #[error("exit")]
    Exit { success: bool },
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

fn paths(folders: &[PathBuf]) -> String {
    let folders: Vec<_> = folders
        .iter()
        .map(|folder| folder.display().to_string())
        .collect();
    list(&folders)
}

fn diagnostics_text(diagnostics: &[Diagnostic]) -> String {
    let messages: Vec<_> = diagnostics
        .iter()
        .map(|diagnostic| diagnostic.message.as_str())
        .collect();
    if messages.is_empty() {
        "invalid input".to_owned()
    } else {
        messages.join("; ")
    }
}
