use std::time::Duration;
use tidegate_apply::DryRunMode;

/// When an object that somebody changed is put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriftRepair {
    /// At once: metadata watches tell of the change.
    Watch,
    /// At the next interval, as Flux does.
    Interval,
}

/// What the flags of the kustomize role say.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the program, independent of the others"
)]
pub struct Settings {
    /// `--no-cross-namespace-refs`
    pub no_cross_namespace_refs: bool,
    /// `--no-remote-bases`
    pub no_remote_bases: bool,
    /// `--default-service-account`
    pub default_service_account: Option<String>,
    /// `--requeue-dependency`
    pub requeue_dependency: Duration,
    /// `--override-manager`
    pub override_managers: Vec<String>,
    /// `--custom-apply-stage-kinds`: `(group, kind)`, the group empty for core kinds.
    pub custom_stage_kinds: Vec<(String, String)>,
    /// `--concurrent-ssa`
    pub concurrent_apply: usize,
    /// `--http-retry`: tries to fetch an artifact of another process, after the first.
    pub artifact_retries: u32,
    /// `--apply-dry-run`
    pub dry_run: DryRunMode,
    /// `--drift-repair`
    pub drift_repair: DriftRepair,
    /// `--interval-jitter-percentage`: how far an interval may be off.
    pub interval_jitter_percentage: u8,
    /// `--full-resync`: everything is read again after this long, whatever the watches say.
    pub full_resync: Duration,
    /// Gate `StrictPostBuildSubstitutions`
    pub strict_substitutions: bool,
    /// Gate `AdditiveCELDependencyCheck`
    pub additive_cel_dependency_check: bool,
    /// Gate `ExternalArtifact`
    pub external_artifact: bool,
    /// Gate `DisableFailFastBehavior`, turned around
    pub fail_fast: bool,
    /// Gate `CancelHealthCheckOnNewRevision`
    pub cancel_health_check_on_new_revision: bool,
    /// Gate `MigrateAPIVersion`: field owners noted at another version of an object's API are moved to the one that
    /// is applied.
    pub migrate_api_version: bool,
    /// Gate `GroupChangeLog`: the log tells of an apply by action, not by object.
    pub group_change_log: bool,
    /// Gate `DisableConfigWatchers`, turned around: labelled ConfigMaps and Secrets are watched.
    pub watch_configs: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            no_cross_namespace_refs: false,
            no_remote_bases: false,
            default_service_account: None,
            requeue_dependency: Duration::from_secs(30),
            override_managers: Vec::new(),
            custom_stage_kinds: Vec::new(),
            concurrent_apply: 4,
            artifact_retries: 9,
            dry_run: DryRunMode::Stage,
            drift_repair: DriftRepair::Watch,
            interval_jitter_percentage: 5,
            full_resync: Duration::from_hours(1),
            strict_substitutions: true,
            additive_cel_dependency_check: false,
            external_artifact: true,
            fail_fast: true,
            cancel_health_check_on_new_revision: true,
            migrate_api_version: false,
            group_change_log: false,
            watch_configs: true,
        }
    }
}
