//! Sets each role going with what its flags say.

use crate::flags::Flags;
use crate::flags::Role;
use crate::run::Common;
use crate::run::GRACE;
use crate::run::lead;
use crate::run::storage;
use crate::serve;
use kube::runtime::watcher;
use std::sync::Arc;
use tidegate_api::GitRepository;
use tidegate_api::Kustomization;
use tidegate_apply::DryRunMode;
use tidegate_artifact::Store;
use tidegate_flow::Backoff;
use tidegate_flow::Flow;
use tidegate_flow::Kind;
use tidegate_flow::Options;
use tidegate_flow::Pending;
use tidegate_kube::Scope;
use tidegate_kube::Watched;
use tidegate_kustomization::DriftRepair;
use tidegate_kustomization::Settings;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The namespace that Flux is installed in.
pub(crate) fn runtime_namespace() -> String {
    std::env::var("RUNTIME_NAMESPACE").unwrap_or_else(|_| "flux-system".to_owned())
}

/// Starts every role. `ready` turns true when all of them have their first lists.
pub(crate) async fn start(
    flags: &Arc<Flags>,
    common: &Common,
    ready: watch::Sender<bool>,
) -> anyhow::Result<JoinSet<anyhow::Result<()>>> {
    let store = storage::open(flags)?;
    storage::clear_scratch(&store).await?;
    let mut work = JoinSet::new();
    let mut lists = Vec::new();
    for role in &flags.roles {
        match role {
            Role::Source => lists.push(start_source(flags, common, &store, &mut work).await?),
            Role::Kustomize => lists.push(start_kustomize(flags, common, &store, &mut work)?),
        }
    }
    tokio::spawn(async move {
        for list in lists {
            // A role that ended before its lists came never gets ready.
            if list.await.is_err() {
                return;
            }
        }
        ready.send_replace(true);
    });
    Ok(work)
}

type Listed = tokio::task::JoinHandle<()>;

fn options(flags: &Flags, role: Role, concurrent: usize) -> anyhow::Result<Options> {
    let concurrent = match flags.optional(role, "concurrent") {
        Some(_) => flags.number(role, "concurrent")?,
        None => concurrent,
    };
    let backoff = Backoff {
        min: flags.duration(role, "min-retry-delay")?,
        max: flags.duration(role, "max-retry-delay")?,
        jitter_percentage: flags.number(role, "interval-jitter-percentage")?,
    };
    Ok(Options {
        concurrent,
        backoff,
    })
}

fn watch_config(flags: &Flags, role: Role) -> watcher::Config {
    let config = watcher::Config::default();
    match flags.optional(role, "watch-label-selector") {
        Some(selector) => config.labels(&selector),
        None => config,
    }
}

fn scope(flags: &Flags, role: Role) -> Scope {
    if flags.switch(role, "watch-all-namespaces") {
        Scope::All
    } else {
        Scope::Namespace(runtime_namespace())
    }
}

async fn start_source(
    flags: &Arc<Flags>,
    common: &Common,
    store: &Store,
    work: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<Listed> {
    let role = Role::Source;
    let options = options(flags, role, 2)?;
    let requeue_dependency = flags.duration(role, "requeue-dependency")?;
    let address = flags.text(role, "storage-addr");
    // Nobody is to be led to the artifacts of a process that stands by: it has none (source-controller, `main.go`).
    let listener = if lead::is_elected(flags, role) {
        None
    } else {
        Some(serve::bind("storage-addr", &address).await?)
    };
    let (router, stop) = (
        tidegate_artifact::server::router(store.clone()),
        common.stop.clone(),
    );
    let leading = async move {
        let listener = match listener {
            Some(listener) => listener,
            None => serve::bind("storage-addr", &address).await?,
        };
        serve::spawn(listener, router, stop);
        Ok(())
    };
    let repositories = Watched::start(
        scope(flags, role).api::<GitRepository>(common.cluster.client()),
        watch_config(flags, role),
    );
    let listed = Arc::clone(&repositories);
    let (flow, pending) = Flow::<tidegate_source::GitRepositories>::new(Arc::clone(&repositories));
    let kind = Arc::new(tidegate_source::GitRepositories {
        cluster: Arc::clone(&common.cluster),
        repositories,
        artifacts: store.clone(),
        scratch: store.path().to_owned(),
        requeue_dependency,
        ssh_algorithms: flags.ssh_algorithms()?,
        allow_http: flags.switch(role, "insecure-allow-http"),
    });
    let queue = Queue {
        flow,
        pending,
        kind,
        options,
    };
    spawn_role(flags, common, role, store, queue, leading, work);
    Ok(tokio::spawn(
        async move { listed.wait_until_synced().await },
    ))
}

fn start_kustomize(
    flags: &Arc<Flags>,
    common: &Common,
    store: &Store,
    work: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<Listed> {
    let role = Role::Kustomize;
    let options = options(flags, role, 4)?;
    let settings = kustomize_settings(flags)?;
    let scope = scope(flags, role);
    let parts = tidegate_kustomization::Parts {
        cluster: Arc::clone(&common.cluster),
        announcer: common.announcer(role),
        kustomizations: Watched::start(
            scope.api::<Kustomization>(common.cluster.client()),
            watch_config(flags, role),
        ),
        artifacts: store.clone(),
        sandbox: tidegate_sandbox::Sandbox::observed(
            tidegate_sandbox::SandboxConfig::controller(),
            common.metrics.plugins(),
        )?,
        remote: Arc::new(tidegate_git::RemoteBases {
            scratch: Some(store.path().to_owned()),
            https_only: !flags.switch(role, "insecure-allow-http"),
            ..tidegate_git::RemoteBases::default()
        }),
        scope,
        configs_selector: flags.text(role, "watch-configs-label-selector"),
    };
    let listed = Arc::clone(&parts.kustomizations);
    let (flow, pending) =
        Flow::<tidegate_kustomization::Reconciler>::new(Arc::clone(&parts.kustomizations));
    let kind = tidegate_kustomization::start(parts, settings, &flow)?;
    let queue = Queue {
        flow,
        pending,
        kind,
        options,
    };
    spawn_role(flags, common, role, store, queue, async { Ok(()) }, work);
    Ok(tokio::spawn(
        async move { listed.wait_until_synced().await },
    ))
}

/// A role's queue and how it is worked on.
struct Queue<K: Kind> {
    flow: Flow<K>,
    pending: Pending,
    kind: Arc<K>,
    options: Options,
}

/// Has a role's queue worked on once its lease is held, the storage is this process's and `leading` is done.
fn spawn_role<K: Kind>(
    flags: &Arc<Flags>,
    common: &Common,
    role: Role,
    store: &Store,
    queue: Queue<K>,
    leading: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    work: &mut JoinSet<anyhow::Result<()>>,
) {
    let (flags, common, store) = (Arc::clone(flags), common.clone(), store.clone());
    work.spawn(async move {
        let mut stop = common.stop.clone();
        let mut lease = tokio::select! {
            lease = lead::wait(&flags, role, &common) => lease?,
            // Whoever stands by has nothing to end.
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        };
        let claimed = tokio::select! {
            claimed = storage::claim(&store, lease.is_some()) => claimed,
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        };
        if let Err(error) = claimed {
            // Whoever has the storage is to have the lease.
            if let Some(lease) = &mut lease {
                lease.release().await;
            }
            return Err(error);
        }
        leading.await?;
        let run = queue.flow.run(
            queue.pending,
            queue.kind,
            common.cluster.client(),
            common.announcer(role),
            common.metrics.controllers(),
            queue.options,
            common.stop.clone(),
            GRACE,
        );
        hold(run, lease.as_mut()).await
    });
}

/// Works until told to stop, or until the lease is lost.
async fn hold(
    run: impl Future<Output = ()>,
    lease: Option<&mut tidegate_kube::Lease>,
) -> anyhow::Result<()> {
    match lease {
        None => run.await,
        Some(lease) => {
            tokio::select! {
                () = run => lease.release().await,
                () = lease.lost() => anyhow::bail!("a lease was lost; another process has it"),
            }
        }
    }
    Ok(())
}

fn kustomize_settings(flags: &Flags) -> anyhow::Result<Settings> {
    let role = Role::Kustomize;
    let gates = flags.gates(
        role,
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
    let dry_run = flags.text(role, "apply-dry-run");
    let drift_repair = flags.text(role, "drift-repair");
    Ok(Settings {
        no_cross_namespace_refs: flags.switch(role, "no-cross-namespace-refs"),
        no_remote_bases: flags.switch(role, "no-remote-bases"),
        default_service_account: flags.optional(role, "default-service-account"),
        requeue_dependency: flags.duration(role, "requeue-dependency")?,
        override_managers: flags.list(role, "override-manager"),
        custom_stage_kinds: tidegate_apply::parse_kinds(
            &flags.list(role, "custom-apply-stage-kinds").join(","),
        ),
        concurrent_apply: flags.number(role, "concurrent-ssa")?,
        artifact_retries: flags.number(role, "http-retry")?,
        dry_run: match dry_run.as_str() {
            "never" => DryRunMode::Never,
            _ => DryRunMode::Stage,
        },
        drift_repair: match drift_repair.as_str() {
            "interval" => DriftRepair::Interval,
            _ => DriftRepair::Watch,
        },
        full_resync: flags.duration(role, "full-resync")?,
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
