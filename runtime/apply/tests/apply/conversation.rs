//! Cases are text files: what is wanted, what the server is asked and answers, and what comes of it.
//!
//! Sections, once for each round `N`; what was applied is remembered from round to round:
//! - `N/objects`: a JSON object a line;
//! - `N/settings`: optional, `word` or `word=value` a line: `never`, `force`, `migrate`, `override=NAME`,
//!   `ignore=JSON`, `stage=KINDS`, `concurrent=N`, `wait=MILLISECONDS`;
//! - `N/moved`: optional, references `Kind/namespace/name` a line;
//! - `N/inventory`: optional, identities of the old inventory, all of version v1;
//! - `N/prune`: optional in place of `objects`: prune what the inventory has, but for the identities that are listed;
//! - `N/server`: `> METHOD PATH`, optionally `> BODY`, then `< STATUS BODY`, or `< STATUS/SECONDS BODY` with a Retry-After, or
//!   `<* STATUS BODY` for a request that is repeated from then on, or `< lost` for one that is never answered. All of it must be asked, in any order but
//!   that of equal requests, and nothing else. Discovery is answered beside it;
//! - `N/checks`: optional, what the drift check is asked: the objects of a call and how they are
//!   judged, a line each, empty for a look at the rules alone;
//! - `N/waits`: optional, how often nothing is done but to wait for the cluster, as whoever applies wants to;
//! - `N/left`: optional, the identities of the inventory after a failure;
//! - `N/outcome`: the changes a line each, then the failure if there is one.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt::Write as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use kube::{Client, client::Body};
use serde_json::{Value, json};
use tidegate_apply::{
    DryRunMode, Inventory, Mapper, Owner, Previous, Settings, Wait, Waiter, apply, flatten,
    prepare, prune,
};
use tidegate_testkit::Case;

use crate::check::Native;

/// Counts what is waited for.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Waiter for Counting {
    fn wait<'a>(&'a self, wait: Wait<'a>) -> Wait<'a> {
        self.0.fetch_add(1, Ordering::Relaxed);
        wait
    }
}

/// In place of a status: the connection ends.
const LOST: u16 = 0;

#[derive(Clone)]
struct Exchange {
    method: String,
    path: String,
    body: Option<Value>,
    status: u16,
    retry_after: Option<String>,
    answer: Value,
    is_repeated: bool,
    was_asked: bool,
}

fn script(text: &str) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (mark, rest) = line.split_at(2);
        match mark {
            "> " if rest.starts_with('{') || rest.starts_with('[') => {
                exchanges.last_mut().unwrap().body = Some(serde_json::from_str(rest).unwrap());
            }
            "> " => {
                let (method, path) = rest.split_once(' ').unwrap();
                let (method, path) = (method.to_owned(), path.to_owned());
                exchanges.push(Exchange {
                    method,
                    path,
                    body: None,
                    status: 0,
                    retry_after: None,
                    answer: Value::Null,
                    is_repeated: false,
                    was_asked: false,
                });
            }
            "< " | "<*" => {
                let rest = rest.trim_start();
                let (status, answer) = rest.split_once(' ').unwrap_or((rest, "{}"));
                let exchange = exchanges.last_mut().unwrap();
                let (status, retry_after) = match status.split_once('/') {
                    Some((status, seconds)) => (status, Some(seconds.to_owned())),
                    None => (status, None),
                };
                exchange.is_repeated = mark == "<*";
                exchange.status = match status {
                    "lost" => LOST,
                    status => status.parse().unwrap(),
                };
                exchange.retry_after = retry_after;
                exchange.answer = serde_json::from_str(answer)
                    .unwrap_or_else(|error| panic!("{answer}: {error}"));
            }
            _ => panic!("not understood: {line}"),
        }
    }
    exchanges
}

type Script = Arc<Mutex<VecDeque<Exchange>>>;

fn client(script: Script) -> Client {
    let service = tower::service_fn(move |request: Request<Body>| {
        let script = script.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let (status, retry_after, answer) =
                answer(&script, head.method.as_str(), &head.uri.to_string(), &body);
            if status == LOST {
                return Err(std::io::Error::other("connection reset"));
            }
            let bytes = serde_json::to_vec(&answer).unwrap();
            let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
            if let Some(seconds) = retry_after {
                response = response.header("retry-after", seconds);
            }
            Ok(response.body(Body::from(bytes)).unwrap())
        }
    });
    Client::new(service, "default")
}

fn answer(script: &Script, method: &str, path: &str, body: &[u8]) -> (u16, Option<String>, Value) {
    let mut script = script.lock().unwrap();
    let place = script
        .iter()
        .position(|exchange| exchange.method == method && exchange.path == path);
    let Some(place) = place else {
        return match discovery(path) {
            Some(answer) => (200, None, answer),
            None => panic!(
                "not in the script: {method} {path} {}",
                String::from_utf8_lossy(body)
            ),
        };
    };
    let mut exchange = script[place].clone();
    if exchange.is_repeated {
        script[place].was_asked = true;
    } else {
        exchange = script.remove(place).unwrap();
    }
    if let Some(expected) = &exchange.body {
        let sent: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(&sent, expected, "body of {method} {path}");
    }
    (exchange.status, exchange.retry_after, exchange.answer)
}

fn discovery(path: &str) -> Option<Value> {
    let resource = |group: &str, kind: &str, plural: &str, scope: &str| json!({"resource": plural, "scope": scope, "responseKind": {"group": group, "version": "v1", "kind": kind}});
    let group = |name: &str, resources: Value| json!({"metadata": {"name": name}, "versions": [{"version": "v1", "resources": resources}]});
    let groups = match path {
        "/api" => json!([group(
            "",
            json!([
                resource("", "ConfigMap", "configmaps", "Namespaced"),
                resource("", "Namespace", "namespaces", "Cluster"),
            ])
        )]),
        "/apis" => json!([
            group(
                "apps",
                json!([resource("apps", "Deployment", "deployments", "Namespaced")])
            ),
            group(
                "apiextensions.k8s.io",
                json!([resource(
                    "apiextensions.k8s.io",
                    "CustomResourceDefinition",
                    "customresourcedefinitions",
                    "Cluster"
                )])
            ),
        ]),
        _ => return None,
    };
    Some(
        json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": groups}),
    )
}

fn settings(text: &str, check: &Arc<Native>) -> Settings {
    let mut settings = Settings::new("kustomize-controller", check.clone());
    settings.wait_timeout = Duration::from_secs(5);
    for word in text.lines() {
        match word.split_once('=').unwrap_or((word, "")) {
            ("never", _) => settings.dry_run = DryRunMode::Never,
            ("force", _) => settings.force = true,
            ("migrate", _) => settings.migrate_api_version = true,
            ("ignore", rules) => settings.ignore = Some(serde_json::from_str(rules).unwrap()),
            ("concurrent", width) => settings.concurrent = width.parse().unwrap(),
            ("wait", time) => settings.wait_timeout = Duration::from_millis(time.parse().unwrap()),
            ("stage", kinds) => settings.custom_stage = tidegate_apply::parse_kinds(kinds),
            ("override", name) => settings.override_managers.push(name.to_owned()),
            _ => panic!("no setting: {word}"),
        }
    }
    settings
}

fn inventory(text: &str) -> Inventory {
    let entry = |id: &str| tidegate_apply::inventory::Entry {
        id: id.to_owned(),
        version: "v1".to_owned(),
    };
    Inventory {
        entries: text.lines().map(entry).collect(),
    }
}

async fn check(text: &str) {
    let case = Case::parse(text).unwrap();
    let section = |path: String| {
        let found = case.sections.iter().find(|(name, _)| *name == path);
        found.map(|(_, content)| String::from_utf8(content.clone()).unwrap())
    };
    let owner = Owner {
        group: "kustomize.toolkit.fluxcd.io".into(),
        name: "app".into(),
        namespace: "ns".into(),
    };
    let script_of_case = Script::default();
    let client = client(script_of_case.clone());
    let mapper = Mapper::new(client.clone());
    let check = Arc::new(Native::default());
    let mut previous = Previous::default();
    for round in 1.. {
        let read = |name: &str| section(format!("{round}/{name}")).unwrap_or_default();
        if section(format!("{round}/outcome")).is_none() {
            assert!(round > 1, "a case without rounds");
            break;
        }
        script_of_case
            .lock()
            .unwrap()
            .extend(script(&read("server")));
        previous.inventory = inventory(&read("inventory"));
        let moved = read("moved");
        let known = previous
            .known
            .keys()
            .filter(|object| moved.lines().any(|line| line == object.to_string()));
        previous.moved = known.cloned().collect();
        let waiter = Counting::default();
        let mut lines;
        let mut left = String::new();
        if let Some(kept) = section(format!("{round}/prune")) {
            let kept = inventory(&kept);
            let stale = previous.inventory.without(&kept).unwrap();
            let pruned = prune(&client, &mapper, &owner, stale, &kept, 4, &waiter).await;
            lines = pruned.changes.to_string();
            for survivor in &pruned.survivors {
                let _ = write!(lines, "\nkept: {survivor}");
            }
            if let Some(failure) = pruned.failure {
                let _ = write!(lines, "\nfailure: {failure}");
            }
        } else {
            let mut objects = flatten(
                read("objects")
                    .lines()
                    .map(|line| serde_json::from_str(line).unwrap()),
            );
            prepare(
                &mut objects,
                &owner,
                &BTreeMap::default(),
                &BTreeMap::default(),
            );
            let outcome = apply(
                &client,
                &mapper,
                &owner,
                objects,
                &previous,
                &settings(&read("settings"), &check),
                &waiter,
            )
            .await;
            lines = outcome.changes.to_string();
            if let Some(failure) = &outcome.failure {
                let _ = write!(lines, "\nfailure: {failure}");
                let after = previous.inventory.clone().after_failure(&outcome);
                let ids = after.entries.iter().map(|entry| entry.id.as_str());
                left = ids.collect::<Vec<_>>().join("\n");
            }
            previous.known.extend(outcome.applied);
        }
        assert_eq!(lines.trim(), read("outcome").trim(), "round {round}");
        if let Some(expected) = section(format!("{round}/left")) {
            assert_eq!(left, expected.trim(), "round {round}: inventory");
        }
        let calls = check.calls().join("\n");
        if let Some(expected) = section(format!("{round}/checks")) {
            assert_eq!(calls.trim(), expected.trim(), "round {round}: drift checks");
        }
        if let Some(expected) = section(format!("{round}/waits")) {
            let waits = waiter.0.load(Ordering::Relaxed).to_string();
            assert_eq!(waits, expected.trim(), "round {round}: waits");
        }
        let unasked: Vec<_> = script_of_case
            .lock()
            .unwrap()
            .drain(..)
            .filter(|it| !it.was_asked)
            .map(|it| format!("{} {}", it.method, it.path))
            .collect();
        assert!(
            unasked.is_empty(),
            "round {round}: never asked: {unasked:?}"
        );
    }
}

macro_rules! cases {
    ($($name:ident)*) => {
        $(#[tokio::test]
        async fn $name() {
            check(include_str!(concat!("cases/", stringify!($name), ".txt"))).await;
        })*
    };
}

cases! {
    configured_elsewhere
    conflict_is_repeated
    custom_stage
    definition_failed
    definition_first
    definition_slow
    dying_definition
    dying_held
    dying_namespace
    dying_refused
    encrypted
    excluded_live
    force_held
    force_immutable
    force_immutable_invalid
    force_invalid
    force_straggler
    force_switched
    if_not_present
    ignored_adopted
    ignored_alone
    ignored_malformed
    ignored_taken_out
    impossible_request
    lost_answers
    memory
    migration
    never_leftovers
    never_new
    never_taken
    never_taken_switched
    never_untouched
    patience
    prune_beside_fresh
    prune_hidden
    prune_owner
    prune_renamed
    prune_stale_discovery
    prune_survivors
    prune_taken_over
    prune_switched
    prune_twice_named
    refused_after_trial
    refused_alone
    refused_in_stage
    semantic_no_change
    stale_discovery
    undeclared_field
    unknown_kind
}
