//! The flags themselves: one row each, by name.

use super::Role;
use super::takes::Takes;
use Takes::Duration;
use Takes::Gates;
use Takes::GroupKinds;
use Takes::Host;
use Takes::HostKeys;
use Takes::KeyExchanges;
use Takes::List;
use Takes::Listener;
use Takes::ListenerOrNone;
use Takes::OneOf;
use Takes::PositiveDuration;
use Takes::Receiver;
use Takes::Selector;
use Takes::Switch;
use Takes::Text;

pub(super) struct Flag {
    pub(super) name: &'static str,
    pub(super) roles: &'static [Role],
    pub(super) takes: Takes,
    pub(super) default: &'static str,
    pub(super) help: &'static str,
    /// Why it has no effect, if it has none.
    pub(super) idle: Option<&'static str>,
}

const BOTH: &[Role] = &Role::ALL;
const SOURCE: &[Role] = &[Role::Source];
const KUSTOMIZE: &[Role] = &[Role::Kustomize];

const COUNT: Takes = Takes::Whole(1, u32::MAX as i64);
const NUMBER: Takes = Takes::Whole(0, u32::MAX as i64);
const SIGNED: Takes = Takes::Whole(i64::MIN, i64::MAX);
const PERCENTAGE: Takes = Takes::Whole(0, 99);

const FAIRNESS: &str = "The API server's priority and fairness limits requests";
const NO_DECRYPTION: &str = "Decryption is not served yet";
const NO_OTHER_CLUSTERS: &str = "Other clusters are not served yet";
const NO_CHARTS: &str = "Charts are not served yet";
const NO_CLOUDS: &str = "Cloud identities are not served yet";

/// Where a flag is not given, the variable of the environment that counts instead (source-controller `main.go` and
/// fluxcd/pkg `artifact/config`).
pub(super) const VARIABLES: &[(&str, &str)] = &[
    ("events-addr", "EVENTS_ADDR"),
    ("metrics-addr", "METRICS_ADDR"),
    ("storage-addr", "STORAGE_ADDRESS"),
    ("storage-adv-addr", "STORAGE_ADV_ADDR"),
    ("storage-path", "STORAGE_PATH"),
];

/// Variables that have no flag: hosts to fetch artifacts from in place of those in their URLs.
pub(super) const SOURCE_CONTROLLER_LOCALHOST: &str = "SOURCE_CONTROLLER_LOCALHOST";
pub(super) const SOURCE_WATCHER_LOCALHOST: &str = "SOURCE_WATCHER_LOCALHOST";

/// What the whole process has once, whatever it plays.
pub(super) const SHARED: &[&str] = &[
    "health-addr",
    "log-encoding",
    "log-level",
    "metrics-addr",
    "storage-path",
];

const fn row(
    name: &'static str,
    roles: &'static [Role],
    takes: Takes,
    default: &'static str,
    help: &'static str,
) -> Flag {
    Flag {
        name,
        roles,
        takes,
        default,
        help,
        idle: None,
    }
}

/// A flag that Flux has, and that has no effect here. The help says why.
const fn idle(
    name: &'static str,
    roles: &'static [Role],
    takes: Takes,
    default: &'static str,
    reason: &'static str,
) -> Flag {
    Flag {
        idle: Some(reason),
        ..row(name, roles, takes, default, reason)
    }
}

// tidy: table
#[rustfmt::skip]
pub(super) const FLAGS: &[Flag] = &[
    row("apply-dry-run", KUSTOMIZE, OneOf(&["stage", "never"]), "stage",
        "Dry run before an apply: stage (as Flux: a refusal leaves the stage untouched) or never"),
    row("artifact-digest-algo", SOURCE, OneOf(&["sha1", "sha256", "sha384", "sha512", "blake3"]), "sha256",
        "Algorithm of artifact digests: sha1, sha256, sha384, sha512 or blake3"),
    row("artifact-retention-records", SOURCE, NUMBER, "2", "How many artifacts of an object are kept"),
    row("artifact-retention-ttl", SOURCE, Duration, "60s", "How long artifacts beyond that are kept"),
    row("concurrent", BOTH, COUNT, "", "Objects worked on at the same time (source 2, kustomize 4)"),
    row("concurrent-ssa", KUSTOMIZE, COUNT, "4", "Requests of one apply at the same time"),
    row("custom-apply-stage-kinds", KUSTOMIZE, GroupKinds, "",
        "Kinds (`Kind` or `group/Kind`) applied in a stage of their own"),
    idle("default-decryption-service-account", KUSTOMIZE, Text, "", NO_DECRYPTION),
    idle("default-kubeconfig-service-account", KUSTOMIZE, Text, "", NO_OTHER_CLUSTERS),
    row("default-service-account", KUSTOMIZE, Text, "", "Service account that objects are applied as where none is named"),
    row("drift-repair", KUSTOMIZE, OneOf(&["watch", "interval"]), "watch",
        "When changed objects are put right: watch (at once) or interval (as Flux)"),
    row("enable-leader-election", BOTH, Switch, "false", "Work only while holding the lease"),
    row("events-addr", BOTH, Receiver, "", "URL of the notification-controller (or anything that takes its events)"),
    row("feature-gates", BOTH, Gates, "", "What is on or off by its gate, by Flux's names"),
    row("full-resync", KUSTOMIZE, PositiveDuration, "1h",
        "Everything is read again after this long, whatever the watches say"),
    row("health-addr", BOTH, ListenerOrNone, ":9440", "Where /healthz and /readyz are served"),
    idle("helm-cache-max-size", SOURCE, SIGNED, "0", NO_CHARTS),
    idle("helm-cache-purge-interval", SOURCE, Duration, "1m", NO_CHARTS),
    idle("helm-cache-ttl", SOURCE, Duration, "15m", NO_CHARTS),
    idle("helm-chart-file-max-size", SOURCE, SIGNED, "5242880", NO_CHARTS),
    idle("helm-chart-max-size", SOURCE, SIGNED, "10485760", NO_CHARTS),
    idle("helm-index-max-size", SOURCE, SIGNED, "52428800", NO_CHARTS),
    row("http-retry", KUSTOMIZE, NUMBER, "9", "Tries to fetch an artifact of another process"),
    row("insecure-allow-http", BOTH, Switch, "true", "Allow plain HTTP to Git servers and for remote bases"),
    idle("insecure-kubeconfig-exec", KUSTOMIZE, Switch, "false", NO_OTHER_CLUSTERS),
    idle("insecure-kubeconfig-tls", KUSTOMIZE, Switch, "false", NO_OTHER_CLUSTERS),
    row("interval-jitter-percentage", BOTH, PERCENTAGE, "5", "By how much intervals vary at random, in percent"),
    idle("kube-api-burst", BOTH, SIGNED, "300", FAIRNESS),
    idle("kube-api-qps", BOTH, Takes::Decimal, "50", FAIRNESS),
    row("leader-election-lease-duration", BOTH, PositiveDuration, "35s",
        "How long others wait before they take the lease"),
    row("leader-election-release-on-cancel", BOTH, Switch, "true", "Give up the lease when stopped"),
    row("leader-election-renew-deadline", BOTH, PositiveDuration, "30s",
        "How long renewing may fail before this process stops"),
    row("leader-election-retry-period", BOTH, PositiveDuration, "5s", "Time between tries to get or renew the lease"),
    row("log-encoding", BOTH, OneOf(&["json", "console"]), "json", "json or console"),
    row("log-level", BOTH, OneOf(&["trace", "debug", "info", "error"]), "info", "trace, debug, info or error"),
    row("max-retry-delay", BOTH, Duration, "15m", "Longest delay between tries"),
    row("metrics-addr", BOTH, ListenerOrNone, ":8080", "Where /metrics is served"),
    row("min-retry-delay", BOTH, Duration, "750ms", "First delay between tries"),
    row("no-cross-namespace-refs", KUSTOMIZE, Switch, "false", "Refuse references into other namespaces"),
    row("no-remote-bases", KUSTOMIZE, Switch, "false", "Refuse bases and manifests by URL"),
    row("override-manager", KUSTOMIZE, List, "", "Field managers whose changes are undone"),
    row("requeue-dependency", BOTH, Duration, "30s", "Time to the next look at a dependency that is not ready"),
    idle("sops-age-secret", KUSTOMIZE, Text, "", NO_DECRYPTION),
    idle("sops-vault-configmap", KUSTOMIZE, Text, "", NO_DECRYPTION),
    row("ssh-hostkey-algos", SOURCE, HostKeys, "", "SSH host key algorithms, all safe ones by default"),
    row("ssh-kex-algos", SOURCE, KeyExchanges, "", "SSH key exchange algorithms, all safe ones by default"),
    row("storage-addr", SOURCE, Listener, ":9090", "Where artifacts are served"),
    row("storage-adv-addr", SOURCE, Host, "", "Address of the artifact server in artifact URLs, for other controllers [default: the Service's]"),
    row("storage-path", BOTH, Text, "", "Folder for artifacts, also those of other processes that are applied [default: tidegate in the folder for temporary files]"),
    idle("token-cache-max-duration", BOTH, Duration, "1h", NO_CLOUDS),
    idle("token-cache-max-size", BOTH, SIGNED, "100", NO_CLOUDS),
    row("watch-all-namespaces", BOTH, Switch, "true", "Watch all namespaces, else only that of RUNTIME_NAMESPACE"),
    row("watch-configs-label-selector", KUSTOMIZE, Selector, "reconcile.fluxcd.io/watch=Enabled",
        "Label of the ConfigMaps and Secrets whose change reconciles what refers to them"),
    row("watch-label-selector", BOTH, Selector, "", "Work only on objects with these labels"),
];
