mod drift;
mod judge;
mod send;
mod stage;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use kube::Client;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tidegate_values::{DriftCheck, ObjectRef};

use crate::{
    Object,
    change::ChangeSet,
    cleanup::{Displaced, displaced_managers},
    error::Error,
    inventory,
    mapper::{LAG, Mapper},
    memory::{Applied, Previous},
    normalize::normalize,
    object::{Owner, any_in_metadata},
    order::{self, Stage},
    parts::Parts,
    waiting::Waiter,
};

/// When the server is asked what it would do before it does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DryRunMode {
    /// The objects of a stage are all tried first, so that a refusal leaves the stage untouched.
    /// A stage with one object to send needs no trial.
    #[default]
    Stage,
    /// Objects are applied at once; a refusal stops the stage where it is.
    Never,
}

/// How to apply. [`Settings::new`] has Flux's defaults.
#[derive(Clone)]
pub struct Settings {
    /// The field manager: `kustomize-controller`.
    pub manager: String,
    /// Recreate objects whose immutable fields changed.
    pub force: bool,
    /// When the server is asked what it would do (`--apply-dry-run`).
    pub dry_run: DryRunMode,
    /// Requests at a time (`--concurrent-ssa`).
    pub concurrent: usize,
    /// `--override-manager`: managers whose fields become ours; names are prefixes.
    pub override_managers: Vec<String>,
    /// `--custom-apply-stage-kinds` as (group, kind).
    pub custom_stage: Vec<(String, String)>,
    /// The feature gate `MigrateAPIVersion`.
    pub migrate_api_version: bool,
    /// How long a stage may take to become ready, and a forced deletion to end.
    pub wait_timeout: Duration,
    /// `spec.ignore` as it is written: fields that are left to others. The drift check reads it.
    pub ignore: Option<Value>,
    /// Judges objects that are there, and may not be as they are wanted.
    pub drift_check: Arc<dyn DriftCheck>,
}

impl Settings {
    /// Flux's defaults, with the field manager's name and what judges drift.
    pub fn new(manager: impl Into<String>, drift_check: Arc<dyn DriftCheck>) -> Self {
        Self {
            manager: manager.into(),
            force: false,
            dry_run: DryRunMode::default(),
            concurrent: 4,
            override_managers: Vec::new(),
            custom_stage: Vec::new(),
            migrate_api_version: false,
            wait_timeout: Duration::from_mins(1),
            ignore: None,
            drift_check,
        }
    }

    /// The rules of `ignore`; `None` without any.
    fn rules(&self) -> Option<&Value> {
        let is_empty = |rules: &Value| rules.as_array().is_some_and(Vec::is_empty);
        self.ignore.as_ref().filter(|rules| !is_empty(rules))
    }

    /// What the drift check is told.
    fn check_config(&self) -> String {
        let mut config = json!({ "fieldManager": self.manager });
        if let Some(rules) = self.rules() {
            config["ignore"] = rules.clone();
        }
        config.to_string()
    }

    /// What steers the apply of an unchanged object: part of its digest.
    fn fingerprint(&self) -> String {
        let ignore = self
            .ignore
            .as_ref()
            .map(Value::to_string)
            .unwrap_or_default();
        format!(
            "{}\n{}\n{ignore}",
            self.manager,
            self.override_managers.join(",")
        )
    }
}

/// What an apply did. Changes are kept even when something failed after them.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Every object that was dealt with, in apply order. After a failure those of the failing stage are here
    /// only as far as they were changed.
    pub changes: ChangeSet,
    /// What to remember, by the reference used in `changes`. Objects that were remembered and not asked for again
    /// are not repeated here.
    pub applied: HashMap<ObjectRef, Applied>,
    /// Objects that may have been applied although that failed: an answer was lost, or what follows an apply failed. Not
    /// in `changes`; they stay in the inventory ([`Inventory::after_failure`](crate::Inventory::after_failure)).
    pub unsure: Vec<ObjectRef>,
    /// Why the apply ended early; `None` when all of it was done.
    pub failure: Option<Error>,
}

impl Outcome {
    /// The failure as Flux words it: the error, a line for each change made before, and a final newline
    /// (kustomize-controller, `apply`).
    pub fn failure_message(&self) -> Option<String> {
        let failure = self.failure.as_ref()?;
        let log = self.changes.log();
        Some(if log.is_empty() {
            format!("{failure}\n")
        } else {
            format!("{failure}\n{log}\n")
        })
    }
}

/// Makes rendered objects ready to be applied, in Flux's order (kustomize-controller, `reconcile` and `apply`):
/// the owner's labels, normal form, then common labels and annotations over them.
pub fn prepare(
    objects: &mut [Object],
    owner: &Owner,
    labels: &BTreeMap<String, String>,
    annotations: &BTreeMap<String, String>,
) {
    let owner_labels = owner.labels();
    for object in objects {
        object.set_labels(&owner_labels);
        normalize(object);
        object.set_labels(labels);
        object.set_annotations(annotations);
    }
}

/// Applies [prepared](prepare) objects in stages, as the account of `client` (fluxcd/pkg, `ssa`, `ApplyAllStaged`).
///
/// An object that is [known](Previous::known), is wanted as it was and has not moved costs no request.
/// What may take as long as [`Settings::wait_timeout`] is done through `waiter`.
pub async fn apply(
    client: &Client,
    mapper: &Mapper,
    owner: &Owner,
    objects: Vec<Object>,
    previous: &Previous,
    settings: &Settings,
    waiter: &dyn Waiter,
) -> Outcome {
    let mut outcome = Outcome::default();
    if let Some(object) = objects.iter().find(|object| is_encrypted(object, owner)) {
        outcome.failure = Some(Error::Encrypted {
            object: object.reference(),
        });
        return outcome;
    }
    let run = Run::new(client, mapper, owner, previous, settings, waiter);
    let mut stages = Stage::ALL.map(|stage| (stage, Vec::new()));
    for object in objects {
        let stage = Stage::of(&object, &settings.custom_stage);
        stages[stage as usize].1.push(object);
    }
    for (stage, mut objects) in stages {
        if objects.is_empty() {
            continue;
        }
        objects.sort_by(order::compare_objects);
        if let Err(failure) = run.apply_stage(stage, objects, &mut outcome).await {
            outcome.failure = Some(failure);
            break;
        }
    }
    outcome.unsure = run.unsure.into_inner();
    outcome.unsure.sort_by(order::compare);
    outcome
}

/// An object that SOPS encrypted and nobody decrypted (kustomize-controller, `IsEncryptedSecret`).
/// Flux looks at Secrets only, and not at those with `stringData`; a ConfigMap is refused here as well.
fn is_encrypted(object: &Object, owner: &Owner) -> bool {
    let may_be = object.api_version() == "v1" && matches!(object.kind(), "Secret" | "ConfigMap");
    let is_waived = object
        .annotation(&owner.key("decrypt"))
        .is_some_and(|value| value.eq_ignore_ascii_case("disabled"));
    may_be && object.get("sops").is_some() && !is_waived
}

/// What all parts of one apply share.
struct Run<'a> {
    client: &'a Client,
    mapper: &'a Mapper,
    previous: &'a Previous,
    settings: &'a Settings,
    parts: Parts<'a>,
    fingerprint: String,
    /// The owner has rules about fields that are left to others.
    has_rules: bool,
    rules_checked: AtomicBool,
    /// See [`Outcome::unsure`].
    unsure: Mutex<Vec<ObjectRef>>,
    check_config: String,
    tenant: String,
    displaced: Vec<Displaced>,
    /// Identities of the old inventory.
    owned: HashSet<&'a str>,
    exclusions: [(String, &'static str); 2],
    if_not_present: [(String, &'static str); 1],
    merge: [(String, &'static str); 1],
    force: [(String, &'static str); 1],
}

impl<'a> Run<'a> {
    fn new(
        client: &'a Client,
        mapper: &'a Mapper,
        owner: &Owner,
        previous: &'a Previous,
        settings: &'a Settings,
        waiter: &'a dyn Waiter,
    ) -> Self {
        Self {
            client,
            mapper,
            previous,
            settings,
            parts: Parts::new(waiter, settings.concurrent),
            fingerprint: settings.fingerprint(),
            has_rules: settings.rules().is_some(),
            rules_checked: AtomicBool::new(false),
            unsure: Mutex::default(),
            check_config: settings.check_config(),
            tenant: owner.namespace.clone(),
            displaced: displaced_managers(&settings.manager, &settings.override_managers),
            owned: previous
                .inventory
                .entries
                .iter()
                .map(|entry| entry.id.as_str())
                .collect(),
            exclusions: [
                (owner.key("reconcile"), "disabled"),
                (owner.key("ssa"), "Ignore"),
            ],
            if_not_present: [(owner.key("ssa"), "IfNotPresent")],
            merge: [(owner.key("ssa"), "Merge")],
            force: [(owner.key("force"), "Enabled")],
        }
    }

    /// How long the server may lag behind a definition.
    fn lag(&self) -> Duration {
        LAG.min(self.settings.wait_timeout)
    }

    fn is_owned(&self, object: &ObjectRef) -> bool {
        self.owned.contains(inventory::id_of(object).as_str())
    }

    /// Whether an object may be deleted and made anew.
    fn may_recreate(&self, object: &Object, live: &Value) -> bool {
        self.settings.force
            || any_in_metadata(object.get("metadata"), &self.force)
            || any_in_metadata(live.get("metadata"), &self.force)
    }
}
