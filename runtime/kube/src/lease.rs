use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease as Record;
use k8s_openapi::api::coordination::v1::LeaseSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Api;
use kube::Client;
use kube::api::PostParams;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::watch;

/// How a lease is held: client-go's `LeaderElectionConfig`.
#[derive(Debug, Clone)]
pub struct LeaseOptions {
    pub name: String,
    pub namespace: String,
    /// How long others wait after the last renewal before they take it.
    pub duration: Duration,
    /// How long renewing may fail before we stop believing that it is ours.
    pub renew_deadline: Duration,
    pub retry_period: Duration,
    /// Give it up when stopped, so that others need not wait.
    pub release: bool,
}

/// A lease that is ours, renewed in the background (client-go, `tools/leaderelection`). Records are client-go's, so that
/// Flux's own controllers and we never both lead.
pub struct Lease {
    holder: Holder,
    renewing: tokio::task::JoinHandle<()>,
    lost: watch::Receiver<bool>,
}

#[derive(Clone)]
struct Holder {
    api: Api<Record>,
    identity: String,
    options: LeaseOptions,
}

/// What was last seen of somebody else's lease, and when: clocks of other machines are not trusted.
#[derive(Default)]
struct Seen {
    resource_version: Option<String>,
    at: Option<Instant>,
}

impl Lease {
    /// Waits until the lease is ours.
    pub async fn acquire(client: Client, options: LeaseOptions) -> Self {
        let identity = format!("{}_{:016x}", hostname(), fastrand::u64(..));
        let holder = Holder {
            api: Api::namespaced(client, &options.namespace),
            identity,
            options,
        };
        let mut seen = Seen::default();
        loop {
            match holder.try_hold(&mut seen).await {
                Ok(true) => break,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, lease = holder.options.name, "failed to get the lease");
                }
            }
            tokio::time::sleep(
                holder
                    .options
                    .retry_period
                    .mul_f64(1.0 + fastrand::f64() * 0.2),
            )
            .await;
        }
        let (losing, lost) = watch::channel(false);
        let renewer = holder.clone();
        let renewing = tokio::spawn(async move {
            renewer.renew().await;
            losing.send_replace(true);
        });
        Self {
            holder,
            renewing,
            lost,
        }
    }

    /// Returns when the lease is no longer ours.
    pub async fn lost(&mut self) {
        // The sender goes only with the task, after it told.
        let _ = self.lost.wait_for(|lost| *lost).await;
    }

    /// Gives the lease up.
    pub async fn release(&mut self) {
        self.renewing.abort();
        if !self.holder.options.release {
            return;
        }
        let lease = &self.holder.options.name;
        // As client-go: who ends waits for an API server no longer than for a renewal.
        let limit = self.holder.options.renew_deadline;
        match tokio::time::timeout(limit, self.holder.give_up()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, lease, "failed to release the lease"),
            Err(_) => tracing::warn!(lease, "failed to release the lease: no answer came in time"),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

impl Holder {
    /// Takes the lease when it is free, expired or ours. `false`: somebody else holds it.
    async fn try_hold(&self, seen: &mut Seen) -> Result<bool, kube::Error> {
        let Some(record) = self.api.get_opt(&self.options.name).await? else {
            return self.create().await;
        };
        let spec = record.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.clone().unwrap_or_default();
        let ours = holder == self.identity;
        if !ours && !holder.is_empty() {
            if seen.resource_version != record.metadata.resource_version {
                *seen = Seen {
                    resource_version: record.metadata.resource_version.clone(),
                    at: Some(now()),
                };
            }
            let duration = spec
                .lease_duration_seconds
                .and_then(|seconds| u64::try_from(seconds).ok());
            let duration = duration.map_or(self.options.duration, Duration::from_secs);
            if seen
                .at
                .is_some_and(|at| now().duration_since(at) < duration)
            {
                return Ok(false);
            }
        }
        let mut next = record;
        let transitions = spec.lease_transitions.unwrap_or(0) + i32::from(!ours);
        let acquired = if ours {
            spec.acquire_time
        } else {
            Some(moment())
        };
        next.spec = Some(self.spec(acquired, transitions));
        self.replace(next).await
    }

    async fn create(&self) -> Result<bool, kube::Error> {
        let mut record = Record {
            spec: Some(self.spec(Some(moment()), 0)),
            ..Record::default()
        };
        record.metadata.name = Some(self.options.name.clone());
        match self.api.create(&PostParams::default(), &record).await {
            Ok(_) => Ok(true),
            Err(error) if crate::has_reason(&error, "AlreadyExists") => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn replace(&self, record: Record) -> Result<bool, kube::Error> {
        match self
            .api
            .replace(&self.options.name, &PostParams::default(), &record)
            .await
        {
            Ok(_) => Ok(true),
            Err(error) if crate::has_reason(&error, "Conflict") => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Renews until somebody else holds the lease, or renewing failed for too long.
    async fn renew(&self) {
        let mut renewed = now();
        let mut seen = Seen::default();
        loop {
            tokio::time::sleep(self.options.retry_period).await;
            let left = self
                .options
                .renew_deadline
                .saturating_sub(now().duration_since(renewed));
            match tokio::time::timeout(left, self.try_hold(&mut seen)).await {
                Ok(Ok(true)) => renewed = now(),
                Ok(Ok(false)) | Err(_) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%error, lease = self.options.name, "failed to renew the lease");
                }
            }
            if now().duration_since(renewed) >= self.options.renew_deadline {
                return;
            }
        }
    }

    /// client-go, `release`: an empty holder and a second of duration.
    async fn give_up(&self) -> Result<(), kube::Error> {
        let Some(mut record) = self.api.get_opt(&self.options.name).await? else {
            return Ok(());
        };
        let Some(spec) = record
            .spec
            .as_mut()
            .filter(|spec| spec.holder_identity.as_deref() == Some(&self.identity))
        else {
            return Ok(());
        };
        spec.holder_identity = Some(String::new());
        spec.lease_duration_seconds = Some(1);
        self.replace(record).await.map(drop)
    }

    fn spec(&self, acquired: Option<MicroTime>, transitions: i32) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(self.options.duration.as_secs()).ok(),
            acquire_time: acquired,
            renew_time: Some(moment()),
            lease_transitions: Some(transitions),
            ..LeaseSpec::default()
        }
    }
}

/// The name of the host; in a pod it is that of the pod.
pub fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "tidegate".to_owned(), |name| name.trim().to_owned())
}

fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a lease is about time")]
fn moment() -> MicroTime {
    MicroTime(Timestamp::now())
}

#[cfg(test)]
mod tests {
    use super::Holder;
    use super::Lease;
    use super::LeaseOptions;
    use super::now;
    use crate::limits::Limits;
    use kube::Api;
    use std::time::Duration;
    use tokio::sync::watch;

    #[tokio::test]
    async fn the_end_waits_for_a_server_that_never_answers_no_longer_than_a_renewal() {
        let cluster = crate::limits::tests::cluster(Limits::default(), Vec::new()).await;
        let options = LeaseOptions {
            name: "lease".to_owned(),
            namespace: "ns".to_owned(),
            duration: Duration::from_secs(1),
            renew_deadline: Duration::from_millis(300),
            retry_period: Duration::from_millis(100),
            release: true,
        };
        let holder = Holder {
            api: Api::namespaced(cluster.client(), "ns"),
            identity: "me".to_owned(),
            options,
        };
        let (_losing, lost) = watch::channel(false);
        let mut lease = Lease {
            holder,
            renewing: tokio::spawn(std::future::pending()),
            lost,
        };
        let started = now();
        lease.release().await;
        assert!(started.elapsed() < Duration::from_secs(20));
    }
}
