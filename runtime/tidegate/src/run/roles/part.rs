//! A role of this process: one lease, one storage, and all the kinds that stand on them.

#[cfg(test)]
mod tests;

use crate::flags::Flags;
use crate::flags::Role;
use crate::run::Common;
use crate::run::GRACE;
use crate::run::lead;
use crate::run::storage;
use std::pin::Pin;
use std::sync::Arc;
use tidegate_artifact::Store;
use tidegate_flow::Controller;
use tidegate_flow::Options;
use tidegate_flow::Setup;
use tokio::task::JoinSet;

type Leading = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

/// A role before it is played: its kinds are watched already.
pub(super) struct Part {
    role: Role,
    options: Options,
    controllers: Vec<Controller>,
    leading: Leading,
}

impl Part {
    /// `controllers` are the role's kinds.
    pub(super) fn new(role: Role, options: Options, controllers: Vec<Controller>) -> Self {
        Self {
            role,
            options,
            controllers,
            leading: Box::pin(async { Ok(()) }),
        }
    }

    /// Has something done once the role leads, before any kind is worked on.
    pub(super) fn leading(
        mut self,
        leading: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) -> Self {
        self.leading = Box::pin(leading);
        self
    }

    /// Ends, each of them, when the objects of a kind are known.
    pub(super) fn lists(&self) -> Vec<impl Future<Output = ()> + Send + use<>> {
        self.controllers.iter().map(Controller::listed).collect()
    }

    /// Works on all kinds once the lease is held, the storage is this process's, and what comes first is done; until
    /// told to stop, or until the lease is lost.
    pub(super) async fn play(
        self,
        flags: Arc<Flags>,
        common: Common,
        store: Store,
    ) -> anyhow::Result<()> {
        let mut stop = common.stop.clone();
        let mut lease = tokio::select! {
            lease = lead::wait(&flags, self.role, &common) => lease?,
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
        self.leading.await?;
        let setup = Setup {
            client: common.cluster.client(),
            announcer: common.announcer(self.role),
            observer: common.metrics.controllers(),
            options: self.options,
            stop: common.stop.clone(),
            grace: GRACE,
        };
        let work = work(self.controllers, &setup);
        match &mut lease {
            None => work.await,
            Some(lease) => {
                tokio::select! {
                    ended = work => {
                        lease.release().await;
                        ended
                    }
                    () = lease.lost() => anyhow::bail!("a lease was lost; another process has it"),
                }
            }
        }
    }
}

/// Works on all kinds to the end of each. A kind that ends before it is told to takes the others along.
async fn work(controllers: Vec<Controller>, setup: &Setup) -> anyhow::Result<()> {
    let mut running = JoinSet::new();
    for controller in controllers {
        let (kind, setup) = (controller.kind().to_owned(), setup.clone());
        running.spawn(async move {
            controller.run(setup).await;
            kind
        });
    }
    while let Some(ended) = running.join_next().await {
        let kind = ended?;
        anyhow::ensure!(*setup.stop.borrow(), "the work on {kind} ended");
    }
    Ok(())
}
