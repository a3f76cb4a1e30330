//! source-controller, with the flags that are its own.

use super::Begin;
use super::Context;
use super::Part;
use crate::flags::Role;
use crate::run::lead;
use crate::serve;
use std::sync::Arc;
use tidegate_source::Parts;

const ROLE: Role = Role::Source;

/// What the role does, with the flags checked and, where nobody else could lead, its address taken.
pub(super) async fn part(context: &Context<'_>) -> anyhow::Result<Begin> {
    let (flags, common, store) = (context.flags, context.common, context.store);
    let parts = Parts {
        cluster: Arc::clone(&common.cluster),
        artifacts: store.clone(),
        scope: context.scope(ROLE),
        selection: context.selection(ROLE),
        requeue_dependency: flags.duration(ROLE, "requeue-dependency")?,
        ssh_algorithms: flags.ssh_algorithms()?,
        allow_http: flags.switch(ROLE, "insecure-allow-http"),
    };
    let options = context.options(ROLE, 2)?;
    let address = flags.text(ROLE, "storage-addr");
    // Nobody is to be led to the artifacts of a process that stands by: it has none (source-controller, `main.go`).
    let listener = if lead::is_elected(flags, ROLE) {
        None
    } else {
        Some(serve::bind("storage-addr", &address).await?)
    };
    let router = tidegate_artifact::server::router(store.clone());
    let stop = common.stop.clone();
    let serve = async move {
        let listener = match listener {
            Some(listener) => listener,
            None => serve::bind("storage-addr", &address).await?,
        };
        serve::spawn(listener, router, stop);
        Ok(())
    };
    Ok(Box::new(move || {
        Ok(Part::new(ROLE, options, tidegate_source::start(&parts)).leading(serve))
    }))
}
