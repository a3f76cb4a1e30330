//! Sets each role going with what its flags say.

use crate::flags::Flags;
use crate::flags::Role;
use crate::run::Common;
use crate::run::GRACE;
use crate::run::lead;
use crate::serve;
use anyhow::Context as _;
use anyhow::ensure;
use kube::runtime::watcher;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
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

/// How often the content of artifacts that went is freed.
const SWEEP: Duration = Duration::from_mins(1);

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
    let store = store(flags)?;
    clear_scratch(&store).await?;
    tokio::spawn(store.clone().keep_swept(SWEEP));
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

fn store(flags: &Flags) -> anyhow::Result<Store> {
    let role = Role::Source;
    let path = match flags.optional(role, "storage-path") {
        Some(path) => path.into(),
        None => default_folder(&std::env::temp_dir())?,
    };
    let advertised = flags.optional(role, "storage-adv-addr").unwrap_or_else(|| {
        format!(
            "source-controller.{}.svc.cluster.local.",
            runtime_namespace()
        )
    });
    let mut options = tidegate_artifact::Options::new(path, advertised);
    options.retention_records = flags.number(role, "artifact-retention-records")?;
    options.retention_age = flags.duration(role, "artifact-retention-ttl")?;
    let path = options.path.clone();
    Store::new(options).with_context(|| format!("--storage-path: cannot use `{}`", path.display()))
}

/// `tidegate` in the folder for temporary files, made if it is not there. Others may write beside it, so it must be
/// ours, and for nobody else to look into.
fn default_folder(temporary: &Path) -> anyhow::Result<PathBuf> {
    let path = temporary.join("tidegate");
    let shown = path.display();
    match std::fs::DirBuilder::new().mode(0o700).create(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(error)
                .with_context(|| format!("failed to make {shown}, the folder for artifacts"));
        }
        Ok(()) | Err(_) => {}
    }
    let found = std::fs::symlink_metadata(&path).with_context(|| shown.to_string())?;
    let own = std::fs::metadata("/proc/self").context("/proc/self")?.uid();
    ensure!(
        found.is_dir() && found.uid() == own,
        "{shown} is not a folder of this user: name another one with --storage-path"
    );
    Ok(path)
}

/// Removes what fetches left that were killed: nobody else would, and each may be as large as a repository.
async fn clear_scratch(store: &Store) -> anyhow::Result<()> {
    let path = store.path().to_owned();
    let cleared = tokio::task::spawn_blocking(move || tidegate_git::clear_scratch(&path)).await?;
    match cleared {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "removed what killed fetches left"),
        Err(error) => tracing::warn!(%error, "what killed fetches left can't be removed"),
    }
    Ok(())
}

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
    spawn_role(flags, common, role, queue, leading, work);
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
    spawn_role(flags, common, role, queue, async { Ok(()) }, work);
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

/// Has a role's queue worked on once its lease is held and `leading` is done.
fn spawn_role<K: Kind>(
    flags: &Arc<Flags>,
    common: &Common,
    role: Role,
    queue: Queue<K>,
    leading: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    work: &mut JoinSet<anyhow::Result<()>>,
) {
    let (flags, common) = (Arc::clone(flags), common.clone());
    work.spawn(async move {
        let mut stop = common.stop.clone();
        let mut lease = tokio::select! {
            lease = lead::wait(&flags, role, &common) => lease?,
            // Whoever stands by has nothing to end.
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        };
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

#[cfg(test)]
mod tests {
    use super::default_folder;

    #[test]
    fn the_default_folder_is_made_and_is_ours() {
        let temporary = tempfile::tempdir().unwrap();
        let made = default_folder(temporary.path()).unwrap();
        assert!(made.is_dir());
        assert_eq!(default_folder(temporary.path()).unwrap(), made);

        std::fs::remove_dir(&made).unwrap();
        std::os::unix::fs::symlink("/", &made).unwrap();
        let error = default_folder(temporary.path()).unwrap_err().to_string();
        assert!(error.contains("--storage-path"), "{error}");
    }
}
