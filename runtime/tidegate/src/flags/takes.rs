//! What flags take, and the check that a value is that.

use axum::http::Uri;
use tidegate_git::SshAlgorithms;
use tidegate_object::LabelSelector;

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Text,
    /// A boolean as Go reads it. Without a value it is true.
    Switch,
    /// With commas, and repeatable: the values add up.
    List,
    OneOf(&'static [&'static str]),
    /// A whole number from the first to the last.
    Whole(i64, i64),
    Decimal,
    /// Of Go. Not negative.
    Duration,
    /// Of Go. More than nothing.
    PositiveDuration,
    /// `host:port` or `:port` to listen on.
    Listener,
    /// The same, or `0` for not listening.
    ListenerOrNone,
    /// `host` or `host:port`, as in a URL.
    Host,
    /// A URL, which may hold a token. It is never shown.
    Receiver,
    /// A Kubernetes label selector.
    Selector,
    /// `Kind` or `group/Kind`, with commas.
    GroupKinds,
    /// `Gate=true,Gate=false`, and repeatable: the values add up.
    Gates,
    KeyExchanges,
    HostKeys,
}

impl Takes {
    /// Whether the values of a repeated flag add up. Of others the last one counts.
    pub(super) fn adds_up(self) -> bool {
        matches!(
            self,
            Self::List | Self::Gates | Self::KeyExchanges | Self::HostKeys
        )
    }

    /// What stands for the value in `--help`.
    pub(super) fn shown(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Switch => "true|false",
            Self::List | Self::GroupKinds | Self::KeyExchanges | Self::HostKeys => "a,b",
            Self::OneOf(_) => "choice",
            Self::Whole(..) | Self::Decimal => "number",
            Self::Duration | Self::PositiveDuration => "duration",
            Self::Listener | Self::ListenerOrNone => "host:port",
            Self::Host => "host",
            Self::Receiver => "url",
            Self::Selector => "selector",
            Self::Gates => "Gate=true",
        }
    }

    /// The error says what is expected and why `text` is not that; it does not hold a text that may be secret.
    pub(super) fn check(self, text: &str) -> Result<(), Wrong> {
        let fits = |fits: bool, expected: &str| fits.then_some(()).ok_or(Wrong::new(expected));
        match self {
            Self::Text | Self::List => Ok(()),
            Self::Switch => fits(boolean(text).is_some(), "true or false"),
            Self::OneOf(choices) => fits(choices.contains(&text), &choices.join(" or ")),
            Self::Whole(first, last) => fits(
                text.parse()
                    .is_ok_and(|number| (first..=last).contains(&number)),
                &format!("a whole number from {first} to {last}"),
            ),
            Self::Decimal => fits(text.parse().is_ok_and(f32::is_finite), "a number"),
            Self::Duration | Self::PositiveDuration => {
                duration(text, self == Self::PositiveDuration)
            }
            Self::Listener => fits(
                is_listener(text),
                "an address such as :8080 or 127.0.0.1:8080",
            ),
            Self::ListenerOrNone => fits(
                text == "0" || is_listener(text),
                "an address such as :8080 or 127.0.0.1:8080, or 0 for none",
            ),
            Self::Host => fits(
                text.is_empty() || is_host(text),
                "a host such as source-controller.flux-system.svc or 10.0.0.1:9090",
            ),
            Self::Receiver => {
                if text.is_empty() {
                    return Ok(());
                }
                let address = text.parse::<tidegate_notify::Address>().map(drop);
                address.map_err(|error| Wrong::because("an http or https URL", &error))
            }
            Self::Selector => LabelSelector::parse(text).map(drop).map_err(|error| {
                Wrong::because("a label selector such as a=b,c!=d,e in (f,g),!h", &error)
            }),
            Self::GroupKinds => fits(
                text.split(',').map(str::trim).all(is_group_kind),
                "a list of kinds such as ConfigMap or rbac.authorization.k8s.io/Role",
            ),
            Self::Gates => {
                let mut gates = text.split(',').map(str::trim);
                let is = |gate: &str| gate.is_empty() || self::gate(gate).is_some();
                fits(gates.all(is), "a list such as Gate=true,Gate=false")
            }
            Self::KeyExchanges => SshAlgorithms::default()
                .with_key_exchanges(&items(text))
                .map(drop)
                .map_err(|error| Wrong::because("a list of SSH key exchange algorithms", &error)),
            Self::HostKeys => SshAlgorithms::default()
                .with_host_keys(&items(text))
                .map(drop)
                .map_err(|error| Wrong::because("a list of SSH host key algorithms", &error)),
        }
    }
}

/// What a value is not, and why.
#[derive(Debug, thiserror::Error)]
#[error("not {expected}{}", .reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default())]
pub(super) struct Wrong {
    expected: String,
    reason: Option<String>,
}

impl Wrong {
    fn new(expected: &str) -> Self {
        Self {
            expected: expected.to_owned(),
            reason: None,
        }
    }

    fn because(expected: &str, reason: &impl ToString) -> Self {
        Self {
            reason: Some(reason.to_string()),
            ..Self::new(expected)
        }
    }
}

/// The items of a list with commas.
pub(super) fn items(text: &str) -> Vec<String> {
    let items = text.split(',').map(str::trim);
    items
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Go: strconv, `ParseBool`.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// `Gate=true`.
pub(super) fn gate(text: &str) -> Option<(&str, bool)> {
    let (name, value) = text.split_once('=')?;
    let name = name.trim();
    let on = boolean(value.trim())?;
    (!name.is_empty()).then_some((name, on))
}

fn duration(text: &str, positive: bool) -> Result<(), Wrong> {
    let zero = tidegate_api::Duration::ZERO;
    match text.parse::<tidegate_api::Duration>() {
        Err(error) => Err(Wrong::because("a duration such as 90s or 1h30m", &error)),
        Ok(duration) if duration < zero => Err(Wrong::new("a duration of zero or more")),
        Ok(duration) if positive && duration == zero => Err(Wrong::new("a duration above zero")),
        Ok(_) => Ok(()),
    }
}

fn is_listener(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        let bracketed = host.starts_with('[') && host.ends_with(']');
        port.parse::<u16>().is_ok()
            && (host.is_empty() || ((bracketed || !host.contains(':')) && is_host(text)))
    })
}

/// Whether a URL could have it between `//` and `/`, without a user.
fn is_host(text: &str) -> bool {
    let plain = !text.contains(['/', '@', '?', '#', '\\']) && !text.contains(char::is_whitespace);
    plain
        && Uri::builder()
            .scheme("http")
            .authority(text)
            .path_and_query("/")
            .build()
            .is_ok_and(|uri| !uri.host().unwrap_or_default().is_empty())
}

/// As Flux splits it (fluxcd/pkg `ssa/utils`, `ParseGroupKindSet`), which takes any text. One that can name no kind is
/// refused here; empty ones name none there either.
fn is_group_kind(text: &str) -> bool {
    let (group, kind) = text.split_once('/').unwrap_or(("", text));
    let is = |text: &str, more: &[char]| {
        text.chars()
            .all(|character| character.is_ascii_alphanumeric() || more.contains(&character))
    };
    text.is_empty() || (!kind.is_empty() && is(kind, &['-']) && is(group, &['-', '.']))
}
