//! One active process per role: leases as Flux's controllers hold them.

use crate::flags::Flags;
use crate::flags::Role;
use crate::run::Common;
use tidegate_kube::Lease;
use tidegate_kube::LeaseOptions;

/// Waits for the lease of `role`, when leader election is on. The lease is renewed until it is dropped.
pub(crate) async fn wait(
    flags: &Flags,
    role: Role,
    common: &Common,
) -> anyhow::Result<Option<Lease>> {
    if !flags.switch(role, "enable-leader-election") {
        return Ok(None);
    }
    let options = LeaseOptions {
        // fluxcd/pkg and each controller's main.go.
        name: format!("{}-leader-election", role.name()),
        namespace: crate::run::roles::runtime_namespace(),
        duration: flags.duration(role, "leader-election-lease-duration")?,
        renew_deadline: flags.duration(role, "leader-election-renew-deadline")?,
        retry_period: flags.duration(role, "leader-election-retry-period")?,
        release: flags.switch(role, "leader-election-release-on-cancel"),
    };
    tracing::info!(
        lease = options.name,
        namespace = options.namespace,
        "waiting for the lease"
    );
    let lease = Lease::acquire(common.cluster.client(), options).await;
    tracing::info!(role = role.name(), "leading");
    Ok(Some(lease))
}
