//! One active process per role: leases as Flux's controllers hold them.

use crate::flags::Flags;
use crate::flags::Role;
use crate::run::Common;
use tidegate_kube::Lease;
use tidegate_kube::LeaseOptions;
use tidegate_values::Digest;

/// Whether a role works only while it holds its lease.
pub(crate) fn is_elected(flags: &Flags, role: Role) -> bool {
    flags.switch(role, "enable-leader-election")
}

/// Waits for the lease of `role`, when leader election is on. The lease is renewed until it is dropped.
pub(crate) async fn wait(
    flags: &Flags,
    role: Role,
    common: &Common,
) -> anyhow::Result<Option<Lease>> {
    if !is_elected(flags, role) {
        return Ok(None);
    }
    let options = LeaseOptions {
        name: name(
            role,
            flags.optional(role, "watch-label-selector").as_deref(),
        ),
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

/// The lease's name: each controller's `main.go`. Shards, which differ in their selector, have one each
/// (fluxcd/pkg, `runtime/leaderelection`, `GenerateID`).
fn name(role: Role, selector: Option<&str>) -> String {
    let name = format!("{}-leader-election", role.name());
    match selector {
        None | Some("") => name,
        Some(selector) => {
            let digest = Digest::of(selector.as_bytes()).hex();
            format!("{name}-{}", &digest[..8])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::name;
    use crate::flags::Role;

    #[test]
    fn shards_have_a_lease_each() {
        assert_eq!(
            name(Role::Source, None),
            "source-controller-leader-election"
        );
        // printf sharding.fluxcd.io/key=shard1 | sha256sum
        assert_eq!(
            name(Role::Kustomize, Some("sharding.fluxcd.io/key=shard1")),
            "kustomize-controller-leader-election-73fdc1be"
        );
    }
}
