//! The form of a `scenario.yaml`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One case: what is done, and what must come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    /// What the case shows, in one sentence.
    pub about: String,
    /// Where the expectations come from; they are facts of the real tool unless this says `unproved`.
    #[serde(default)]
    pub proof: String,
    /// Arguments of the engine besides the usual ones; cases with the same share an engine.
    #[serde(default)]
    pub(crate) engine: Vec<String>,
    /// Whether the case has a control plane and an engine for itself, and may kill the engine.
    #[serde(default)]
    pub(crate) alone: bool,
    /// The kinds of Flux whose definitions are installed, for a case that is `alone`; all when none is named.
    #[serde(default)]
    pub(crate) definitions: Vec<String>,
    /// The account that the engine of a case that is `alone` runs as; it may do everything when none is named.
    #[serde(default)]
    pub(crate) runs_as: Option<RunsAs>,
    /// Built-in plugins that a case that is `alone` has others for: files beside the scenario.
    #[serde(default)]
    pub(crate) plugins: BTreeMap<String, String>,
    /// More namespaces, each with the case's own in front: `NAME-<suffix>`.
    #[serde(default)]
    pub(crate) namespaces: Vec<String>,
    pub(crate) steps: Vec<Step>,
}

/// A service account of the case's namespace, which is then the engine's own (`RUNTIME_NAMESPACE`).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunsAs {
    pub(crate) account: String,
    /// Documents that are applied before it starts: the account and its rights.
    pub(crate) rights: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) name: String,
    #[serde(default, rename = "do")]
    pub(crate) actions: Vec<Action>,
    #[serde(default)]
    pub(crate) expect: Expect,
}

/// What a step does; the only key of a list entry says which.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Action {
    /// Files into a repository, and a commit of them.
    Commit(Commit),
    /// Sets a tag at the head of a repository; an annotated one with a message.
    Tag {
        #[serde(default = "main_repository")]
        repo: String,
        name: String,
        #[serde(default)]
        message: Option<String>,
    },
    /// Server-side apply of one or more documents, as manager `case`.
    Apply(String),
    /// Documents that the API server must refuse, with this in its answer.
    Refused {
        apply: String,
        message: String,
    },
    /// A merge patch, as manager `as`.
    Patch {
        of: String,
        #[serde(default = "somebody", rename = "as")]
        manager: String,
        with: Value,
    },
    /// Another value of an annotation again and again, as somebody who does not want anything else.
    Touch {
        of: String,
        times: usize,
        /// Seconds.
        every: f64,
    },
    /// A merge patch of the status, as the controller of that object would.
    Status {
        of: String,
        with: Value,
    },
    Delete(Many),
    /// Asks for a reconcile, as `flux reconcile` does, and waits until it was handled.
    Reconcile(Many),
    /// Asks for a reconcile, and goes on at once.
    Request(Many),
    /// Seconds.
    Sleep(f64),
    /// The Git server answers 503 to whoever asks for this repository.
    GitDown(String),
    /// It serves it again.
    GitUp(String),
    /// Seconds that the Git server lets each request wait.
    GitSlow(f64),
    /// Whether the API server can't be reached by the engines: all their connections to it end.
    ApiDown(bool),
    /// Whether the receiver of events takes requests and never answers.
    ReceiverSilent(bool),
    /// What happens to the process.
    Engine(Engine),
    /// What happens to a second process, with the same arguments and a storage of its own.
    Second(Engine),
}

/// One of the processes of a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Who {
    Engine,
    Second,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Engine {
    /// It ends without a chance to clean up.
    Kill,
    /// The same, at a moment when some of its objects are there, but not all. The scenario begins anew in another
    /// namespace when the moment was missed.
    KillAmid(Amid),
    /// It is asked to end, and does so with code 0.
    Stop,
    /// The same, within seconds.
    StopWithin(f64),
    /// It starts again, with its storage as it is.
    Start,
    /// Its storage goes.
    LoseStorage,
}

/// The number of objects that a Kustomization owns goes from one to another.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Amid {
    /// The kind that is counted.
    pub(crate) kind: String,
    /// The Kustomization.
    pub(crate) owner: String,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Commit {
    #[serde(default = "main_repository")]
    pub(crate) repo: String,
    /// What objects are named by in a repository that is new.
    #[serde(default)]
    pub(crate) format: ObjectFormat,
    /// The branch; made from the current one when it is new.
    #[serde(default)]
    pub(crate) branch: Option<String>,
    /// A folder beside the scenario, whose files replace everything in the repository.
    #[serde(default)]
    pub(crate) from: Option<String>,
    /// Path and content; null removes.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, Option<Content>>,
    #[serde(default = "change")]
    pub(crate) message: String,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ObjectFormat {
    #[default]
    Sha1,
    Sha256,
}

impl ObjectFormat {
    /// As Git calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }
}

/// What stands at a path of a repository.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Content {
    Text(String),
    Other(Entry),
}

/// What is no file of text.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Entry {
    /// A symbolic link to this target.
    Link(String),
    /// The head of this repository, which `.gitmodules` names as it does any.
    Submodule(String),
}

/// One name or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Many {
    One(String),
    Several(Vec<String>),
}

impl Many {
    pub(crate) fn names(&self) -> &[String] {
        match self {
            Many::One(name) => std::slice::from_ref(name),
            Many::Several(names) => names,
        }
    }
}

/// What must become true after a step.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Expect {
    /// Seconds until when; 60 when nothing is said.
    #[serde(default)]
    pub(crate) within: Option<f64>,
    /// Seconds for how long it must stay true.
    #[serde(default)]
    pub(crate) hold: f64,
    /// `Kind/name` and a pattern, or the word `gone`.
    #[serde(default)]
    pub(crate) objects: BTreeMap<String, Value>,
    /// `Kind/name` of a source, and a pattern of its artifact: the paths of all files, or what some of them hold.
    #[serde(default)]
    pub(crate) artifacts: BTreeMap<String, Value>,
    /// Events that must have been written, as patterns: `on`, `type`, `reason`, `message`, `from`.
    #[serde(default)]
    pub(crate) events: Vec<Value>,
    /// Events that must not have been written.
    #[serde(default)]
    pub(crate) no_events: Vec<Value>,
    /// Objects that nobody has written since the step began.
    #[serde(default)]
    pub(crate) unchanged: Vec<String>,
    /// Events that the receiver must have got, as patterns of what is posted.
    #[serde(default)]
    pub(crate) posted: Vec<Value>,
    /// How many posts, at least, the receiver must have left without an answer.
    #[serde(default)]
    pub(crate) unanswered: usize,
    /// Numbers of `/metrics` of the first engine.
    #[serde(default)]
    pub(crate) metrics: Vec<Metric>,
    /// What the engines answer to a GET.
    #[serde(default)]
    pub(crate) answers: Vec<Answer>,
    /// Text, and how many lines of the engine's log it must stand in.
    #[serde(default)]
    pub(crate) logged: BTreeMap<String, usize>,
    /// Lines that must stand in the engine's log, as patterns of the JSON that `flux logs` reads.
    #[serde(default)]
    pub(crate) lines: Vec<Value>,
    /// Text that must not stand in the engine's log, in any status of a GitRepository or Kustomization of the case, in
    /// any event, or in what was posted to the receiver.
    #[serde(default)]
    pub(crate) nowhere: Vec<String>,
    /// Text that must not stand in the engine's storage, except in files that were committed.
    #[serde(default)]
    pub(crate) not_stored: Vec<String>,
}

/// The sum of the series that have a name and labels.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Metric {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    /// What it must reach.
    #[serde(default)]
    pub(crate) at_least: Option<f64>,
    /// What it must not exceed.
    #[serde(default)]
    pub(crate) at_most: Option<f64>,
    /// By how much it may grow while the step's `hold` lasts.
    #[serde(default)]
    pub(crate) held_growth: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    pub(crate) who: Who,
    pub(crate) port: Port,
    pub(crate) path: String,
    /// The status; none when nobody listens.
    pub(crate) code: Option<u16>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Port {
    Artifacts,
    Health,
}

fn somebody() -> String {
    "somebody".to_owned()
}

fn main_repository() -> String {
    "main".to_owned()
}

fn change() -> String {
    "change".to_owned()
}

impl Scenario {
    /// Whether its engines lose their way to the API server.
    pub(crate) fn takes_the_api_away(&self) -> bool {
        let mut actions = self.steps.iter().flat_map(|step| &step.actions);
        actions.any(|action| matches!(action, Action::ApiDown(_)))
    }

    /// Reads `scenario.yaml` in a folder.
    pub fn read(folder: &Path) -> anyhow::Result<Scenario> {
        let path = folder.join("scenario.yaml");
        let text = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let mut documents = documents(&text).with_context(|| path.display().to_string())?;
        anyhow::ensure!(
            documents.len() == 1,
            "{}: wants one document",
            path.display()
        );
        serde_json::from_value(documents.remove(0)).with_context(|| path.display().to_string())
    }
}

/// The documents of a YAML text, as JSON; empty ones are left out.
pub(crate) fn documents(text: &[u8]) -> anyhow::Result<Vec<Value>> {
    let mut values = Vec::new();
    for node in tidegate_yaml::parse_documents(text)? {
        let value = tidegate_yaml::decode(&node)?;
        let value: Value = serde_json::from_str(&tidegate_yaml::to_json(&value)?)?;
        if !value.is_null() {
            values.push(value);
        }
    }
    Ok(values)
}
