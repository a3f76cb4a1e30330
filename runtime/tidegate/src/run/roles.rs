//! Sets each role going with what its flags say.

mod kustomize;
mod part;
mod source;

use crate::flags::Flags;
use crate::flags::Role;
use crate::run::Common;
use crate::run::storage;
use kube::runtime::watcher;
use part::Part;
use std::sync::Arc;
use tidegate_artifact::Store;
use tidegate_flow::Backoff;
use tidegate_flow::Options;
use tidegate_kube::Scope;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The namespace that Flux is installed in.
pub(crate) fn runtime_namespace() -> String {
    std::env::var("RUNTIME_NAMESPACE").unwrap_or_else(|_| "flux-system".to_owned())
}

/// Every role, its flags checked; none has what it works with yet.
pub(crate) struct Prepared {
    store: Store,
    load: Vec<Load>,
}

/// Takes what a role works with from this machine.
type Load = Box<dyn FnOnce() -> anyhow::Result<Begin> + Send>;

/// Every role with what it works with; none is watched yet.
pub(crate) struct Roles {
    store: Store,
    begin: Vec<Begin>,
}

/// Has the kinds of a role watched.
type Begin = Box<dyn FnOnce() -> anyhow::Result<Part> + Send>;

/// Checks what the flags say of every role. Nothing is asked of the cluster.
pub(crate) async fn prepare(flags: &Flags, common: &Common) -> anyhow::Result<Prepared> {
    let store = storage::open(flags)?;
    storage::clear_scratch(&store).await?;
    let context = Context {
        flags,
        common,
        store: &store,
    };
    let mut load: Vec<Load> = Vec::new();
    for role in &flags.roles {
        load.push(match role {
            Role::Source => {
                let begin = source::part(&context).await?;
                Box::new(|| Ok(begin))
            }
            Role::Kustomize => kustomize::part(&context)?,
        });
    }
    Ok(Prepared { store, load })
}

impl Prepared {
    /// Takes what the roles work with. Nothing is asked of the cluster: what is missing here is known at once.
    pub(crate) fn load(self) -> anyhow::Result<Roles> {
        let begin = self.load.into_iter().map(|load| load());
        Ok(Roles {
            begin: begin.collect::<Result<_, _>>()?,
            store: self.store,
        })
    }
}

impl Roles {
    /// Starts every role. `ready` turns true when all of them have their first lists.
    pub(crate) fn start(
        self,
        flags: &Arc<Flags>,
        common: &Common,
        ready: watch::Sender<bool>,
    ) -> anyhow::Result<JoinSet<anyhow::Result<()>>> {
        let mut work = JoinSet::new();
        let mut lists = Vec::new();
        for begin in self.begin {
            let part = begin()?;
            lists.extend(part.lists());
            work.spawn(part.play(Arc::clone(flags), common.clone(), self.store.clone()));
        }
        tokio::spawn(async move {
            for list in lists {
                list.await;
            }
            ready.send_replace(true);
        });
        Ok(work)
    }
}

/// What roles are made of.
struct Context<'a> {
    flags: &'a Flags,
    common: &'a Common,
    store: &'a Store,
}

impl Context<'_> {
    /// How objects are worked on, `concurrent` at the same time where nothing else is said.
    fn options(&self, role: Role, concurrent: usize) -> anyhow::Result<Options> {
        let flags = self.flags;
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

    /// Which objects are worked on.
    fn selection(&self, role: Role) -> watcher::Config {
        let config = watcher::Config::default();
        match self.flags.optional(role, "watch-label-selector") {
            Some(selector) => config.labels(&selector),
            None => config,
        }
    }

    fn scope(&self, role: Role) -> Scope {
        if self.flags.switch(role, "watch-all-namespaces") {
            Scope::All
        } else {
            Scope::Namespace(runtime_namespace())
        }
    }
}
