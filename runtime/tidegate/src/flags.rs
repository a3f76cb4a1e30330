//! The flags of `tidegate run`: Flux's by their names and defaults, and a few of our own.
//!
//! A flag may be given with the name of a role before it (`--kustomize-controller-concurrent=8`): then it is that
//! role's alone, and refused where the process has one thing for all its roles. Without, it goes to every role that has
//! it. Of repeated flags the last one counts, except where lists add up (`--feature-gates`). Every value is checked
//! before anything is done with one.

mod table;
mod takes;

use anyhow::Context as _;
use anyhow::ensure;
use clap::Arg;
use clap::ArgAction;
use clap::ArgMatches;
use clap::Command;
use std::collections::BTreeMap;
use std::time::Duration;
use table::FLAGS;
use table::Flag;
use table::SHARED;
use table::SOURCE_CONTROLLER_LOCALHOST;
use table::SOURCE_WATCHER_LOCALHOST;
use table::VARIABLES;
use takes::Takes;
use tidegate_artifact::Hosts;
use tidegate_git::SshAlgorithms;

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

/// The flags as given, and the roles to play.
pub(crate) struct Flags {
    matches: ArgMatches,
    pub(crate) roles: Vec<Role>,
    pub(crate) kubeconfig: Option<std::path::PathBuf>,
}

/// Why a flag has no effect.
const NOT_PLAYED: &str = "Its controller is not run here";

const AFTER: &str = "\
GitRepositories are fetched, Kustomizations are built and applied. The definitions of these kinds have to be in the
cluster: the chart `charts/tidegate` installs them. Started under the name `source-controller` or
`kustomize-controller` (a link to the program), it is that controller and takes its command line.

A flag goes to every controller that has it. With the name of one before it, it is for that one alone:
  --concurrent=8 --kustomize-controller-concurrent=20
The addresses for metrics and health, the log and the folder for artifacts are the whole process's: they can't differ
between its controllers.

Environment, where the flag is not given: EVENTS_ADDR, METRICS_ADDR, STORAGE_ADDRESS, STORAGE_ADV_ADDR, STORAGE_PATH.
RUNTIME_NAMESPACE is the namespace of Flux itself [default: flux-system]; TIDEGATE_PLUGINS_DIR the folder of the
built-in plugins [default: beside the program]. SOURCE_CONTROLLER_LOCALHOST and SOURCE_WATCHER_LOCALHOST are hosts, such
as localhost:8080, to fetch the artifacts of these controllers from, in place of those in their URLs: outside of the cluster.

Examples:
  # On the cluster of the current context, in the foreground
  tidegate run --storage-adv-addr=localhost:9090 --log-encoding=console

  # For the objects of one namespace alone
  RUNTIME_NAMESPACE=team tidegate run --watch-all-namespaces=false";

/// The command `run`, for parsing and for `--help`.
pub(crate) fn command() -> Command {
    let mut command = Command::new("run")
        .about("Run the controllers of Flux, all in this process")
        .after_help(AFTER)
        .arg(
            Arg::new("controllers")
                .long("controllers")
                .value_delimiter(',')
                .value_name("roles")
                .help("Controllers to be: source-controller, kustomize-controller [default: all]"),
        )
        .arg(
            Arg::new("kubeconfig")
                .long("kubeconfig")
                .value_name("file")
                .help("Cluster to work on [default: KUBECONFIG, ~/.kube/config, else in-cluster]"),
        );
    for flag in FLAGS {
        let help = match flag.default {
            "" => flag.help.to_owned(),
            default => format!("{} [default: {default}]", flag.help),
        };
        let mut arg_of_all = arg(flag.name.to_owned(), flag.takes).help(help);
        if flag.idle.is_some() {
            arg_of_all = arg_of_all.help_heading("Without effect, taken because Flux has them");
        }
        command = command.arg(arg_of_all);
        for role in flag.roles {
            command = command.arg(arg(own_name(*role, flag.name), flag.takes).hide(true));
        }
    }
    command
}

fn arg(name: String, takes: Takes) -> Arg {
    let arg = Arg::new(name.clone())
        .long(name)
        .value_name(takes.shown())
        .action(ArgAction::Append);
    match takes {
        Takes::Switch => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        // Go takes what follows for the value, whatever it begins with.
        _ => arg.num_args(1).allow_hyphen_values(true),
    }
}

/// What a flag is called where it is for one role alone.
fn own_name(role: Role, name: &str) -> String {
    format!("{}-{name}", role.name())
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
        let flags = Self {
            matches,
            roles,
            kubeconfig,
        };
        flags.check()?;
        Ok(flags)
    }

    /// Fails at the first value that is wrong, in one line: the flag, the value, and what is expected.
    fn check(&self) -> anyhow::Result<()> {
        for flag in FLAGS {
            let own = flag.roles.iter().map(|role| own_name(*role, flag.name));
            for name in std::iter::once(flag.name.to_owned()).chain(own) {
                for value in self.values(&name) {
                    check(&format!("--{name}"), flag.takes, &value)?;
                }
            }
        }
        for (name, variable) in VARIABLES {
            if let (Some(flag), Some(value)) = (find(name), variable_of(name)) {
                check(variable, flag.takes, &value)?;
            }
        }
        for variable in [SOURCE_CONTROLLER_LOCALHOST, SOURCE_WATCHER_LOCALHOST] {
            if let Some(host) = set(variable) {
                check(variable, Takes::Host, &host)?;
            }
        }
        self.check_shared()?;
        for role in &self.roles {
            self.check_lease(*role)?;
            if !self.switch(*role, "insecure-allow-http") {
                let first = |names: [&str; 2]| names.into_iter().find_map(set);
                check_proxies(
                    first(["HTTP_PROXY", "http_proxy"]).as_deref(),
                    first(["HTTPS_PROXY", "https_proxy"]).as_deref(),
                )?;
            }
        }
        Ok(())
    }

    /// What the process has once must be the same for all its roles.
    fn check_shared(&self) -> anyhow::Result<()> {
        for name in SHARED {
            let given = |role: &Role| !self.values(&own_name(*role, name)).is_empty();
            let Some(role) = self.roles.iter().find(|role| given(role)) else {
                continue;
            };
            let value = self.text(*role, name);
            for other in &self.roles {
                let others = self.text(*other, name);
                ensure!(
                    others == value,
                    "--{}: `{value}` is for all of this process, in which {} has `{others}`: give --{name}, or run \
                     each in a process of its own",
                    own_name(*role, name),
                    other.name()
                );
            }
        }
        Ok(())
    }

    /// Flags that were given and have no effect, with the reason.
    pub(crate) fn idle(&self) -> Vec<(String, &'static str)> {
        let mut idle = Vec::new();
        for flag in FLAGS {
            let own = flag
                .roles
                .iter()
                .map(|role| (own_name(*role, flag.name), self.roles.contains(role)));
            for (name, is_played) in std::iter::once((flag.name.to_owned(), true)).chain(own) {
                let reason = if is_played {
                    flag.idle
                } else {
                    Some(NOT_PLAYED)
                };
                if let Some(reason) = reason.filter(|_| !self.values(&name).is_empty()) {
                    idle.push((format!("--{name}"), reason));
                }
            }
        }
        idle
    }

    /// Where the artifacts of others are fetched.
    pub(crate) fn hosts() -> Hosts {
        Hosts {
            source_controller: set(SOURCE_CONTROLLER_LOCALHOST),
            source_watcher: set(SOURCE_WATCHER_LOCALHOST),
        }
    }

    /// client-go, `tools/leaderelection`, `NewLeaderElector`.
    fn check_lease(&self, role: Role) -> anyhow::Result<()> {
        if !self.switch(role, "enable-leader-election") {
            return Ok(());
        }
        let (lease, renew, retry) = (
            "leader-election-lease-duration",
            "leader-election-renew-deadline",
            "leader-election-retry-period",
        );
        for (longer, shorter, factor) in [(lease, renew, 1.0), (renew, retry, 1.2)] {
            let shortest = self.duration(role, shorter)?.mul_f64(factor);
            ensure!(
                self.duration(role, longer)? > shortest,
                "--{longer}: `{}` is not longer than {factor} times --{shorter}, which is `{}`",
                self.text(role, longer),
                self.text(role, shorter)
            );
        }
        Ok(())
    }

    /// The value of a flag for a role.
    pub(crate) fn text(&self, role: Role, name: &str) -> String {
        self.given(role, name)
            .pop()
            .or_else(|| variable_of(name))
            .unwrap_or_else(|| find(name).map_or("", |flag| flag.default).to_owned())
    }

    pub(crate) fn optional(&self, role: Role, name: &str) -> Option<String> {
        Some(self.text(role, name)).filter(|text| !text.is_empty())
    }

    pub(crate) fn switch(&self, role: Role, name: &str) -> bool {
        takes::boolean(&self.text(role, name)).unwrap_or_default()
    }

    pub(crate) fn duration(&self, role: Role, name: &str) -> anyhow::Result<Duration> {
        let text = self.text(role, name);
        let duration: tidegate_api::Duration = text
            .parse()
            .with_context(|| format!("--{name}: `{text}`"))?;
        Ok(duration.to_std())
    }

    pub(crate) fn number<T: std::str::FromStr>(&self, role: Role, name: &str) -> anyhow::Result<T> {
        let text = self.text(role, name);
        text.parse()
            .map_err(|_| anyhow::anyhow!("--{name}: `{text}` is no number that fits"))
    }

    /// The items of all values of a list.
    pub(crate) fn list(&self, role: Role, name: &str) -> Vec<String> {
        let adds_up = find(name).is_some_and(|flag| flag.takes.adds_up());
        let values = if adds_up {
            self.given(role, name)
        } else {
            vec![self.text(role, name)]
        };
        values
            .iter()
            .flat_map(|value| takes::items(value))
            .collect()
    }

    /// What SSH is spoken with.
    pub(crate) fn ssh_algorithms(&self) -> anyhow::Result<SshAlgorithms> {
        let (role, key_exchanges, host_keys) = (Role::Source, "ssh-kex-algos", "ssh-hostkey-algos");
        SshAlgorithms::default()
            .with_key_exchanges(&self.list(role, key_exchanges))
            .with_context(|| format!("--{key_exchanges}"))?
            .with_host_keys(&self.list(role, host_keys))
            .with_context(|| format!("--{host_keys}"))
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
            let (name, on) = takes::gate(&gate)
                .with_context(|| format!("--feature-gates: `{gate}` is not Gate=true"))?;
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
        let own = self.values(&own_name(role, name));
        if own.is_empty() {
            self.values(name)
        } else {
            own
        }
    }

    fn values(&self, id: &str) -> Vec<String> {
        let values = self.matches.try_get_many::<String>(id).ok().flatten();
        values
            .map(|values| values.cloned().collect())
            .unwrap_or_default()
    }
}

fn find(name: &str) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.name == name)
}

/// What the environment says in place of a flag.
fn variable_of(name: &str) -> Option<String> {
    let (_, variable) = VARIABLES.iter().find(|(flag, _)| *flag == name)?;
    set(variable)
}

/// A variable of the environment. An empty one is none.
fn set(variable: &str) -> Option<String> {
    std::env::var(variable)
        .ok()
        .filter(|value| !value.is_empty())
}

/// Without plain HTTP, no proxy may be spoken to in it (fluxcd/pkg, `runtime/controller/connection.go`,
/// `CheckEnvironmentCompatibility`). An address may hold a password: it is not shown.
fn check_proxies(http: Option<&str>, https: Option<&str>) -> anyhow::Result<()> {
    let blocked = tidegate_git::Failure::PlainHttp;
    ensure!(
        http.is_none(),
        "--insecure-allow-http=false: {blocked}: found HTTP proxy set in environment"
    );
    ensure!(
        https.is_none_or(|address| address.starts_with("https://")),
        "--insecure-allow-http=false: {blocked}: found a non-https address in HTTPS proxy environment setting"
    );
    Ok(())
}

fn check(given_by: &str, takes: Takes, value: &str) -> anyhow::Result<()> {
    takes.check(value).map_err(|wrong| {
        let shown = match takes {
            Takes::Receiver => "the value".to_owned(),
            // The message is one line, whatever the value holds.
            _ => format!("`{}`", value.replace(char::is_control, "\u{fffd}")),
        };
        anyhow::anyhow!("{given_by}: {shown} is {wrong}")
    })
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
            "--log-level=error",
            "--log-level=debug",
        ]);
        let gates = flags
            .gates(Role::Kustomize, &[("A", false), ("C", true)])
            .unwrap();
        assert_eq!(
            gates,
            BTreeMap::from([("A".into(), true), ("B".into(), true), ("C".into(), true)])
        );
        assert_eq!(flags.text(Role::Source, "log-level"), "debug");
    }

    #[test]
    fn kinds_of_the_last_flag_count_and_algorithms_add_up() {
        let flags = flags(&[
            "--custom-apply-stage-kinds=A, b/B,",
            "--custom-apply-stage-kinds=C,d/D",
            "--ssh-kex-algos=ecdh-sha2-nistp256,ecdh-sha2-nistp384",
            "--ssh-kex-algos=ecdh-sha2-nistp521",
        ]);
        assert_eq!(
            flags.list(Role::Kustomize, "custom-apply-stage-kinds"),
            ["C", "d/D"]
        );
        assert_eq!(flags.list(Role::Source, "ssh-kex-algos").len(), 3);
        assert!(flags.ssh_algorithms().is_ok());
    }

    #[test]
    fn flags_of_roles_that_are_not_played_are_known() {
        let given = [
            "--controllers=source-controller",
            "--kustomize-controller-log-level=debug",
            "--source-controller-log-level=error",
            "--kustomize-controller-concurrent=3",
            "--kube-api-qps=5",
            "--source-controller-helm-cache-ttl=1m",
            "--concurrent=2",
        ];
        let flags = flags(&given);
        assert_eq!(flags.text(Role::Source, "log-level"), "error");
        let idle = [
            ("--kustomize-controller-concurrent", NOT_PLAYED),
            (
                "--source-controller-helm-cache-ttl",
                "Charts are not served yet",
            ),
            (
                "--kube-api-qps",
                "The API server's priority and fairness limits requests",
            ),
            ("--kustomize-controller-log-level", NOT_PLAYED),
        ];
        assert_eq!(
            flags.idle(),
            idle.map(|(flag, reason)| (flag.to_owned(), reason))
        );
    }

    #[test]
    fn proxies_are_refused_without_plain_http() {
        let check = |http, https| check_proxies(http, https).map_err(|error| format!("{error:#}"));
        let refused = |what: &str| {
            Err(format!(
                "--insecure-allow-http=false: use of insecure plain HTTP connections is blocked: {what}"
            ))
        };
        assert_eq!(check(None, None), Ok(()));
        assert_eq!(check(None, Some("https://proxy:3128")), Ok(()));
        let any = refused("found HTTP proxy set in environment");
        assert_eq!(check(Some("https://proxy:3128"), None), any);
        let plain = refused("found a non-https address in HTTPS proxy environment setting");
        assert_eq!(check(None, Some("http://u:secret@proxy:3128")), plain);
        assert_eq!(check(None, Some("proxy:3128")), plain);
    }

    #[test]
    fn defaults_are_right() {
        for flag in FLAGS {
            // `--concurrent` has a default for each role.
            if flag.name != "concurrent" {
                check(flag.name, flag.takes, flag.default).unwrap();
            }
        }
        for (name, _) in VARIABLES {
            assert!(find(name).is_some(), "{name}");
        }
    }

    /// `values.txt`: arguments, one command a line, with ` && ` between two. Where one is wrong, the indented line after it is the whole error.
    #[test]
    fn values_are_checked() {
        let mut lines = include_str!("flags/values.txt")
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .peekable();
        while let Some(argument) = lines.next() {
            let wanted = lines.next_if(|line| line.starts_with("    "));
            let arguments = ["run"].into_iter().chain(argument.split(" && "));
            let matches = command().try_get_matches_from(arguments).unwrap();
            let error = Flags::new(matches, None).err();
            let error = error.map(|error| format!("{error:#}"));
            assert_eq!(error.as_deref(), wanted.map(str::trim), "{argument}");
        }
    }
}
