//! The flags of `tidegate run`: Flux's by their names and defaults, and a few of our own.
//!
//! A flag may be given with the name of a role before it (`--kustomize-controller-concurrent=8`): then it is that
//! role's alone. Without, it goes to every role that has it. Of repeated flags the last one counts, except
//! `--feature-gates`, which add up.

use anyhow::Context as _;
use anyhow::bail;
use clap::Arg;
use clap::ArgAction;
use clap::ArgMatches;
use clap::Command;
use std::collections::BTreeMap;
use std::time::Duration;

/// A part of Flux that this process plays. The name is that of Flux's controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Source,
    Kustomize,
}

impl Role {
    pub(crate) const ALL: [Self; 2] = [Self::Source, Self::Kustomize];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Source => "source-controller",
            Self::Kustomize => "kustomize-controller",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == text)
    }
}

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Text,
    Switch,
    /// Repeatable; each value may itself be a list with commas.
    List,
}

struct Flag {
    name: &'static str,
    roles: &'static [Role],
    takes: Takes,
    default: &'static str,
    help: &'static str,
}

const BOTH: &[Role] = &Role::ALL;
const SOURCE: &[Role] = &[Role::Source];
const KUSTOMIZE: &[Role] = &[Role::Kustomize];

const fn flag(
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
    }
}

// tidy: table
const FLAGS: &[Flag] = &[
    flag(
        "apply-dry-run",
        KUSTOMIZE,
        Takes::Text,
        "stage",
        "Dry run before an apply: stage (as Flux: a refusal leaves the stage untouched) or never",
    ),
    flag(
        "artifact-digest-algo",
        SOURCE,
        Takes::Text,
        "sha256",
        "Algorithm of artifact digests; sha256 is the only one",
    ),
    flag(
        "artifact-retention-records",
        SOURCE,
        Takes::Text,
        "2",
        "How many artifacts of an object are kept",
    ),
    flag(
        "artifact-retention-ttl",
        SOURCE,
        Takes::Text,
        "60s",
        "How long artifacts beyond that are kept",
    ),
    flag(
        "concurrent",
        BOTH,
        Takes::Text,
        "",
        "Objects worked on at the same time (source 2, kustomize 4)",
    ),
    flag(
        "concurrent-ssa",
        KUSTOMIZE,
        Takes::Text,
        "4",
        "Requests of one apply at the same time",
    ),
    flag(
        "custom-apply-stage-kinds",
        KUSTOMIZE,
        Takes::List,
        "",
        "Kinds (`Kind` or `group/Kind`) applied in a stage of their own",
    ),
    flag(
        "default-service-account",
        KUSTOMIZE,
        Takes::Text,
        "",
        "Service account that objects are applied as where none is named",
    ),
    flag(
        "drift-repair",
        KUSTOMIZE,
        Takes::Text,
        "watch",
        "When changed objects are put right: watch (at once) or interval (as Flux)",
    ),
    flag(
        "enable-leader-election",
        BOTH,
        Takes::Switch,
        "false",
        "Work only while holding the lease",
    ),
    flag(
        "events-addr",
        BOTH,
        Takes::Text,
        "",
        "Where events are posted",
    ),
    flag(
        "feature-gates",
        BOTH,
        Takes::List,
        "",
        "`Gate=true,Gate=false`",
    ),
    flag(
        "full-resync",
        KUSTOMIZE,
        Takes::Text,
        "1h",
        "Everything is read again after this long, whatever the watches say",
    ),
    flag(
        "health-addr",
        BOTH,
        Takes::Text,
        ":9440",
        "Where /healthz and /readyz are served",
    ),
    flag(
        "http-retry",
        KUSTOMIZE,
        Takes::Text,
        "9",
        "Tries to fetch an artifact of another process",
    ),
    flag(
        "interval-jitter-percentage",
        BOTH,
        Takes::Text,
        "5",
        "How far intervals may be off, in percent",
    ),
    flag(
        "kube-api-burst",
        BOTH,
        Takes::Text,
        "300",
        "Taken for compatibility: the API server's priority and fairness limits requests",
    ),
    flag(
        "kube-api-qps",
        BOTH,
        Takes::Text,
        "50",
        "Taken for compatibility: the API server's priority and fairness limits requests",
    ),
    flag(
        "leader-election-lease-duration",
        BOTH,
        Takes::Text,
        "35s",
        "How long others wait before they take the lease",
    ),
    flag(
        "leader-election-release-on-cancel",
        BOTH,
        Takes::Switch,
        "true",
        "Give up the lease when stopped",
    ),
    flag(
        "leader-election-renew-deadline",
        BOTH,
        Takes::Text,
        "30s",
        "How long renewing may fail before this process stops",
    ),
    flag(
        "leader-election-retry-period",
        BOTH,
        Takes::Text,
        "5s",
        "Time between tries to get or renew the lease",
    ),
    flag("log-encoding", BOTH, Takes::Text, "json", "json or console"),
    flag(
        "log-level",
        BOTH,
        Takes::Text,
        "info",
        "trace, debug, info or error",
    ),
    flag(
        "max-retry-delay",
        BOTH,
        Takes::Text,
        "15m",
        "Longest delay between tries",
    ),
    flag(
        "metrics-addr",
        BOTH,
        Takes::Text,
        ":8080",
        "Where /metrics is served",
    ),
    flag(
        "min-retry-delay",
        BOTH,
        Takes::Text,
        "750ms",
        "First delay between tries",
    ),
    flag(
        "no-cross-namespace-refs",
        BOTH,
        Takes::Switch,
        "false",
        "Refuse references into other namespaces",
    ),
    flag(
        "no-remote-bases",
        KUSTOMIZE,
        Takes::Switch,
        "false",
        "Refuse bases and manifests by URL",
    ),
    flag(
        "override-manager",
        KUSTOMIZE,
        Takes::List,
        "",
        "Field managers whose changes are undone",
    ),
    flag(
        "requeue-dependency",
        BOTH,
        Takes::Text,
        "30s",
        "Time to the next look at a dependency that is not ready",
    ),
    flag(
        "storage-addr",
        SOURCE,
        Takes::Text,
        ":9090",
        "Where artifacts are served",
    ),
    flag(
        "storage-adv-addr",
        SOURCE,
        Takes::Text,
        "",
        "Address of the artifact server in artifact URLs",
    ),
    flag(
        "storage-path",
        SOURCE,
        Takes::Text,
        "",
        "Folder for artifacts",
    ),
    flag(
        "watch-all-namespaces",
        BOTH,
        Takes::Switch,
        "true",
        "Watch all namespaces, else only that of RUNTIME_NAMESPACE",
    ),
    flag(
        "watch-configs-label-selector",
        KUSTOMIZE,
        Takes::Text,
        "reconcile.fluxcd.io/watch=Enabled",
        "Label of the ConfigMaps and Secrets whose change reconciles what refers to them",
    ),
    flag(
        "watch-label-selector",
        BOTH,
        Takes::Text,
        "",
        "Work only on objects with these labels",
    ),
    flag(
        "default-decryption-service-account",
        KUSTOMIZE,
        Takes::Text,
        "",
        "Taken for compatibility: decryption is not served yet",
    ),
    flag(
        "default-kubeconfig-service-account",
        KUSTOMIZE,
        Takes::Text,
        "",
        "Taken for compatibility: other clusters are not served yet",
    ),
    flag(
        "insecure-allow-http",
        BOTH,
        Takes::Switch,
        "true",
        "Taken for compatibility",
    ),
    flag(
        "insecure-kubeconfig-exec",
        KUSTOMIZE,
        Takes::Switch,
        "false",
        "Taken for compatibility: other clusters are not served yet",
    ),
    flag(
        "insecure-kubeconfig-tls",
        KUSTOMIZE,
        Takes::Switch,
        "false",
        "Taken for compatibility: other clusters are not served yet",
    ),
    flag(
        "helm-cache-max-size",
        SOURCE,
        Takes::Text,
        "0",
        "Taken for compatibility: charts are not served yet",
    ),
    flag(
        "helm-cache-purge-interval",
        SOURCE,
        Takes::Text,
        "1m",
        "Taken for compatibility: charts are not served yet",
    ),
    flag(
        "helm-cache-ttl",
        SOURCE,
        Takes::Text,
        "15m",
        "Taken for compatibility: charts are not served yet",
    ),
    flag(
        "helm-chart-file-max-size",
        SOURCE,
        Takes::Text,
        "5242880",
        "Taken for compatibility: charts are not served yet",
    ),
    flag(
        "helm-chart-max-size",
        SOURCE,
        Takes::Text,
        "10485760",
        "Taken for compatibility: charts are not served yet",
    ),
    flag(
        "helm-index-max-size",
        SOURCE,
        Takes::Text,
        "52428800",
        "Taken for compatibility: charts are not served yet",
    ),
    flag(
        "sops-age-secret",
        KUSTOMIZE,
        Takes::Text,
        "",
        "Taken for compatibility: decryption is not served yet",
    ),
    flag(
        "sops-vault-configmap",
        KUSTOMIZE,
        Takes::Text,
        "",
        "Taken for compatibility: decryption is not served yet",
    ),
    flag(
        "ssh-hostkey-algos",
        SOURCE,
        Takes::List,
        "",
        "SSH host key algorithms, all safe ones by default",
    ),
    flag(
        "ssh-kex-algos",
        SOURCE,
        Takes::List,
        "",
        "SSH key exchange algorithms, all safe ones by default",
    ),
    flag(
        "token-cache-max-duration",
        BOTH,
        Takes::Text,
        "1h",
        "Taken for compatibility: cloud identities are not served yet",
    ),
    flag(
        "token-cache-max-size",
        BOTH,
        Takes::Text,
        "100",
        "Taken for compatibility: cloud identities are not served yet",
    ),
];

/// The flags as given, and the roles to play.
pub(crate) struct Flags {
    matches: ArgMatches,
    pub(crate) roles: Vec<Role>,
    pub(crate) kubeconfig: Option<std::path::PathBuf>,
}

/// The command `run`, for parsing and for `--help`.
pub(crate) fn command() -> Command {
    let mut command = Command::new("run")
        .about("Run the controllers")
        .arg(
            Arg::new("controllers")
                .long("controllers")
                .value_delimiter(',')
                .help("Roles to play: source-controller, kustomize-controller [default: all]"),
        )
        .arg(
            Arg::new("kubeconfig")
                .long("kubeconfig")
                .help("Cluster to work on [default: KUBECONFIG, else in-cluster]"),
        );
    for flag in FLAGS {
        let help = match flag.default {
            "" => flag.help.to_owned(),
            default => format!("{} [default: {default}]", flag.help),
        };
        command = command.arg(arg(flag.name.to_owned(), flag.takes).help(help));
        for role in flag.roles {
            command =
                command.arg(arg(format!("{}-{}", role.name(), flag.name), flag.takes).hide(true));
        }
    }
    command
}

fn arg(name: String, takes: Takes) -> Arg {
    let arg = Arg::new(name.clone()).long(name).action(ArgAction::Append);
    match takes {
        Takes::Switch => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_parser(["true", "false"]),
        Takes::Text | Takes::List => arg.num_args(1),
    }
}

impl Flags {
    pub(crate) fn new(mut matches: ArgMatches, only: Option<Role>) -> anyhow::Result<Self> {
        let names: Vec<String> = matches
            .remove_many("controllers")
            .map(Iterator::collect)
            .unwrap_or_default();
        let mut roles = Vec::new();
        for name in &names {
            let role = Role::parse(name).with_context(|| {
                let known: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
                format!("--controllers: `{name}` is none of {}", known.join(", "))
            })?;
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
        if roles.is_empty() {
            roles = only.map_or_else(|| Role::ALL.to_vec(), |role| vec![role]);
        }
        let kubeconfig = matches.remove_one::<String>("kubeconfig").map(Into::into);
        Ok(Self {
            matches,
            roles,
            kubeconfig,
        })
    }

    /// The value of a flag for a role.
    pub(crate) fn text(&self, role: Role, name: &str) -> String {
        self.given(role, name)
            .pop()
            .unwrap_or_else(|| default_of(name).to_owned())
    }

    pub(crate) fn optional(&self, role: Role, name: &str) -> Option<String> {
        Some(self.text(role, name)).filter(|text| !text.is_empty())
    }

    pub(crate) fn switch(&self, role: Role, name: &str) -> bool {
        self.text(role, name) == "true"
    }

    pub(crate) fn duration(&self, role: Role, name: &str) -> anyhow::Result<Duration> {
        let text = self.text(role, name);
        let duration: tidegate_api::Duration = text
            .parse()
            .with_context(|| format!("--{name}: `{text}`"))?;
        anyhow::ensure!(
            duration >= tidegate_api::Duration::ZERO,
            "--{name}: `{text}` is negative"
        );
        Ok(duration.to_std())
    }

    pub(crate) fn number<T: std::str::FromStr>(&self, role: Role, name: &str) -> anyhow::Result<T> {
        let text = self.text(role, name);
        text.parse()
            .map_err(|_| anyhow::anyhow!("--{name}: `{text}` is no number that fits"))
    }

    /// A number of things that work at the same time: one at least.
    pub(crate) fn count(&self, role: Role, name: &str) -> anyhow::Result<usize> {
        let count = self.number(role, name)?;
        anyhow::ensure!(count > 0, "--{name}: at least 1 is needed");
        Ok(count)
    }

    pub(crate) fn list(&self, role: Role, name: &str) -> Vec<String> {
        let values = self.given(role, name);
        values
            .iter()
            .flat_map(|value| value.split(','))
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
            .collect()
    }

    /// Feature gates by name; of one named twice the last value counts.
    pub(crate) fn gates(
        &self,
        role: Role,
        known: &[(&str, bool)],
    ) -> anyhow::Result<BTreeMap<String, bool>> {
        let mut gates: BTreeMap<String, bool> = known
            .iter()
            .map(|(name, on)| ((*name).to_owned(), *on))
            .collect();
        for gate in self.list(role, "feature-gates") {
            let Some((name, value)) = gate.split_once('=') else {
                bail!("--feature-gates: `{gate}` is not of the form Gate=true or Gate=false");
            };
            let on = match value {
                "true" => true,
                "false" => false,
                _ => bail!("--feature-gates: `{gate}` must be true or false"),
            };
            if gates.insert(name.to_owned(), on).is_none() {
                tracing::info!(
                    role = role.name(),
                    gate = name,
                    "feature gate is not known here and has no effect"
                );
            }
        }
        Ok(gates)
    }

    fn given(&self, role: Role, name: &str) -> Vec<String> {
        let of = |id: &str| -> Vec<String> {
            self.matches
                .get_many::<String>(id)
                .map(|values| values.cloned().collect())
                .unwrap_or_default()
        };
        let own = of(&format!("{}-{name}", role.name()));
        if own.is_empty() { of(name) } else { own }
    }
}

fn default_of(name: &str) -> &'static str {
    FLAGS
        .iter()
        .find(|flag| flag.name == name)
        .map_or("", |flag| flag.default)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(arguments: &[&str]) -> Flags {
        let arguments = std::iter::once("run").chain(arguments.iter().copied());
        Flags::new(command().try_get_matches_from(arguments).unwrap(), None).unwrap()
    }

    #[test]
    fn the_flags_of_a_role_go_before_those_of_all() {
        let flags = flags(&[
            "--concurrent=3",
            "--kustomize-controller-concurrent=7",
            "--log-level",
            "debug",
        ]);
        assert_eq!(flags.text(Role::Source, "concurrent"), "3");
        assert_eq!(flags.text(Role::Kustomize, "concurrent"), "7");
        assert_eq!(flags.text(Role::Source, "log-level"), "debug");
        assert_eq!(flags.text(Role::Source, "health-addr"), ":9440");
    }

    #[test]
    fn switches_are_written_as_go_takes_them() {
        let flags = flags(&["--no-remote-bases", "--watch-all-namespaces=false"]);
        assert!(flags.switch(Role::Kustomize, "no-remote-bases"));
        assert!(!flags.switch(Role::Source, "watch-all-namespaces"));
        assert!(flags.switch(Role::Source, "leader-election-release-on-cancel"));
    }

    #[test]
    fn gates_add_up_and_the_last_of_other_flags_counts() {
        let flags = flags(&[
            "--feature-gates=A=true,B=false",
            "--feature-gates=B=true",
            "--log-level=a",
            "--log-level=b",
        ]);
        let gates = flags
            .gates(Role::Kustomize, &[("A", false), ("C", true)])
            .unwrap();
        assert_eq!(
            gates,
            BTreeMap::from([("A".into(), true), ("B".into(), true), ("C".into(), true)])
        );
        assert_eq!(flags.text(Role::Source, "log-level"), "b");
    }

    #[test]
    fn wrong_values_are_named() {
        let negative = flags(&["--requeue-dependency=-5s", "--concurrent=0"]);
        assert!(
            negative
                .duration(Role::Source, "requeue-dependency")
                .is_err()
        );
        assert!(negative.count(Role::Source, "concurrent").is_err());
        let bad = flags(&["--requeue-dependency=soon", "--feature-gates=A"]);
        assert!(
            bad.duration(Role::Source, "requeue-dependency")
                .unwrap_err()
                .to_string()
                .contains("requeue-dependency")
        );
        assert!(bad.gates(Role::Source, &[]).is_err());
        let matches = command()
            .try_get_matches_from(["run", "--controllers=helm"])
            .unwrap();
        assert!(Flags::new(matches, None).is_err());
    }
}
