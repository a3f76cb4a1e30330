//! kustomize-controller, with the flags that are its own.

use super::Begin;
use super::Context;
use super::Load;
use super::Part;
use crate::flags::Flags;
use crate::flags::Role;
use std::sync::Arc;
use tidegate_apply::DryRunMode;
use tidegate_git::RemoteBases;
use tidegate_kustomization::DriftRepair;
use tidegate_kustomization::Parts;
use tidegate_kustomization::Plugins;
use tidegate_kustomization::Settings;
use tidegate_kustomization::WITHOUT_WORKER;
use tidegate_sandbox::Sandbox;
use tidegate_sandbox::SandboxConfig;

const ROLE: Role = Role::Kustomize;

/// What the role does, with the flags checked.
pub(super) fn part(context: &Context<'_>) -> anyhow::Result<Load> {
    let (flags, common) = (context.flags, context.common);
    let options = context.options(ROLE, 4)?;
    let sandbox = SandboxConfig {
        plugins: crate::engines::plugins(),
        // One for each that may wait for a remote base, with a worker or without.
        waiting: u32::try_from(options.concurrent + WITHOUT_WORKER)?,
        ..SandboxConfig::controller()
    };
    let sandbox = Sandbox::observed(sandbox, common.metrics.plugins())?;
    let parts = Parts {
        cluster: Arc::clone(&common.cluster),
        announcer: common.announcer(ROLE),
        artifacts: context.store.clone(),
        remote: Arc::new(RemoteBases {
            scratch: Some(context.store.path().to_owned()),
            https_only: !flags.switch(ROLE, "insecure-allow-http"),
            ..RemoteBases::default()
        }),
        scope: context.scope(ROLE),
        selection: context.selection(ROLE),
        configs_selector: flags.text(ROLE, "watch-configs-label-selector"),
    };
    let settings = settings(flags)?;
    Ok(Box::new(move || {
        let plugins = Plugins::load(&sandbox)?;
        let begin: Begin = Box::new(move || {
            let controller = tidegate_kustomization::start(parts, plugins, settings);
            Ok(Part::new(ROLE, options, vec![controller]))
        });
        Ok(begin)
    }))
}

fn settings(flags: &Flags) -> anyhow::Result<Settings> {
    let gates = flags.gates(
        ROLE,
        &[
            ("AdditiveCELDependencyCheck", false),
            ("CancelHealthCheckOnNewRevision", true),
            ("DisableConfigWatchers", false),
            ("DisableFailFastBehavior", false),
            ("ExternalArtifact", true),
            ("GroupChangeLog", false),
            ("MigrateAPIVersion", false),
            ("StrictPostBuildSubstitutions", true),
        ],
    )?;
    let gate = |name: &str| gates.get(name).copied().unwrap_or(false);
    let dry_run = flags.text(ROLE, "apply-dry-run");
    let drift_repair = flags.text(ROLE, "drift-repair");
    Ok(Settings {
        no_cross_namespace_refs: flags.switch(ROLE, "no-cross-namespace-refs"),
        no_remote_bases: flags.switch(ROLE, "no-remote-bases"),
        default_service_account: flags.optional(ROLE, "default-service-account"),
        requeue_dependency: flags.duration(ROLE, "requeue-dependency")?,
        override_managers: flags.list(ROLE, "override-manager"),
        custom_stage_kinds: tidegate_apply::parse_kinds(
            &flags.list(ROLE, "custom-apply-stage-kinds").join(","),
        ),
        concurrent_apply: flags.number(ROLE, "concurrent-ssa")?,
        artifact_retries: flags.number(ROLE, "http-retry")?,
        dry_run: match dry_run.as_str() {
            "never" => DryRunMode::Never,
            _ => DryRunMode::Stage,
        },
        drift_repair: match drift_repair.as_str() {
            "interval" => DriftRepair::Interval,
            _ => DriftRepair::Watch,
        },
        interval_jitter_percentage: flags.number(ROLE, "interval-jitter-percentage")?,
        full_resync: flags.duration(ROLE, "full-resync")?,
        strict_substitutions: gate("StrictPostBuildSubstitutions"),
        additive_cel_dependency_check: gate("AdditiveCELDependencyCheck"),
        external_artifact: gate("ExternalArtifact"),
        fail_fast: !gate("DisableFailFastBehavior"),
        cancel_health_check_on_new_revision: gate("CancelHealthCheckOnNewRevision"),
        migrate_api_version: gate("MigrateAPIVersion"),
        group_change_log: gate("GroupChangeLog"),
        watch_configs: !gate("DisableConfigWatchers"),
    })
}
