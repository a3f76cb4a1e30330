//! `tidegate run`: joins the parts.

mod lead;
mod roles;
mod storage;

use crate::cli;
use crate::flags::Flags;
use crate::flags::Role;
use crate::logging;
use crate::metrics::Metrics;
use crate::serve;
use anyhow::Context as _;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tidegate_flow::Announcer;
use tidegate_kube::Cluster;
use tidegate_kube::Recorder;
use tidegate_notify::Poster;
use tidegate_notify::Retries;
use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::sync::watch;

/// How long reconciles under way may go on after a signal to stop.
const GRACE: Duration = Duration::from_secs(10);

/// How long the API server is waited for at the start.
const START: Duration = Duration::from_secs(15);

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// What is wrong with the flags, for the person who gave them. What goes wrong once all of them are checked is logged.
pub(crate) fn run(flags: Flags) -> anyhow::Result<ExitCode> {
    let first = *flags
        .roles
        .first()
        .context("--controllers: no role is named")?;
    logging::start(
        &flags.text(first, "log-level"),
        &flags.text(first, "log-encoding"),
    )?;
    for (flag, reason) in flags.idle() {
        tracing::warn!(flag, reason, "the flag has no effect");
    }
    tidegate_kube::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(serve_roles(flags, first))?;
    // What still blocks (a hanging server) must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(ended)
}

/// What every role is given.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) cluster: Arc<Cluster>,
    announcers: BTreeMap<Role, Announcer>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) stop: watch::Receiver<bool>,
}

impl Common {
    /// Where the events of a role that was asked for go.
    pub(crate) fn announcer(&self, role: Role) -> Announcer {
        self.announcers[&role].clone()
    }
}

/// What posts the events of a role, where an address is given.
fn poster(flags: &Flags, role: Role) -> anyhow::Result<Option<Poster>> {
    let Some(address) = flags.optional(role, "events-addr") else {
        return Ok(None);
    };
    // The address may hold a token: it is not shown.
    let poster = address
        .parse()
        .and_then(|address| Poster::start(address, tidegate_kube::hostname(), Retries::default()));
    poster.map(Some).context("--events-addr")
}

/// The signals at which the process ends.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn unable_to_start(error: impl Display) -> ExitCode {
    tracing::error!(%error, "unable to start");
    ExitCode::FAILURE
}

async fn serve_roles(flags: Flags, first: Role) -> anyhow::Result<ExitCode> {
    let agent = format!("tidegate/{}", env!("CARGO_PKG_VERSION"));
    let cluster =
        Arc::new(Cluster::connect(&cli::kubeconfigs(flags.kubeconfig.as_deref()), &agent).await?);
    let (stopping, stop) = watch::channel(false);
    let (ready, is_ready) = watch::channel(false);
    let metrics = Metrics::new(cluster.requests());
    for (flag, router) in [
        ("metrics-addr", serve::metrics(Arc::clone(&metrics))),
        ("health-addr", serve::health(is_ready)),
    ] {
        let address = flags.text(first, flag);
        if address != "0" {
            serve::spawn(serve::bind(flag, &address).await?, router, stop.clone());
        }
    }

    let recorder = Recorder::start(cluster.client());
    let mut announcers = BTreeMap::new();
    for role in &flags.roles {
        let announcer = Announcer::new(recorder.clone(), poster(&flags, *role)?);
        announcers.insert(*role, announcer);
    }
    let common = Common {
        cluster,
        announcers: announcers.clone(),
        metrics,
        stop,
    };
    let flags = Arc::new(flags);
    let roles = match roles::prepare(&flags, &common).await?.load() {
        Ok(roles) => roles,
        Err(error) => return Ok(unable_to_start(format_args!("{error:#}"))),
    };
    let mut signals = Signals::new()?;
    let reached = tokio::select! {
        reached = common.cluster.reach(START) => reached,
        () = signals.any() => {
            tracing::info!("stopping");
            return Ok(ExitCode::SUCCESS);
        }
    };
    if let Err(error) = reached {
        return Ok(unable_to_start(error));
    }
    let mut work = match roles.start(&flags, &common, ready) {
        Ok(work) => work,
        Err(error) => return Ok(unable_to_start(format_args!("{error:#}"))),
    };
    tracing::info!(roles = ?flags.roles.iter().map(|role| role.name()).collect::<Vec<_>>(), "started");

    let ended = tokio::select! {
        () = signals.any() => None,
        // A role ends by itself only when it cannot go on.
        ended = work.join_next(), if !work.is_empty() => ended,
    };
    tracing::info!("stopping");
    stopping.send_replace(true);
    let _ = tokio::time::timeout(GRACE + Duration::from_secs(2), async {
        while work.join_next().await.is_some() {}
        for announcer in announcers.values() {
            announcer.flush().await;
        }
    })
    .await;
    let ended = ended.map_or(Ok(()), |ended| ended.map_err(anyhow::Error::new).flatten());
    if let Err(error) = ended {
        tracing::error!(error = format!("{error:#}"), "a role ended");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
