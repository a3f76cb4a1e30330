//! What is planned and what is reported, as data: `tests/cases/plan` and `tests/cases/report`.
//!
//! A case is a YAML file: `about`; `proof`, where what is expected was recorded or read, or `unproved`; and
//! - `object`, merged into a plain GitRepository `team/repo` of generation 1 that was never reconciled;
//! - `includes`: what `include` leads to, in its order: null for nothing, else merged into a plain one;
//! - `stored`: `intact`, `missing` or the text of what is wrong with the artifact in the status, or `unreadable` with the
//!   text of why it can't be read;
//! - `allowHttp`: the flag `--insecure-allow-http`, true by default;
//! - `secret`, `proxy`: what the Secret of `secretRef` or `proxySecretRef` holds, or the text of why it can't be read;
//! - `servedAt`: the URL that an intact artifact has now, if not the one of the other cases.
//!
//! A plan is expected as `held`, `failed`, `delete` or `fetch`; of these only what is named is looked at. A report is
//! made of what the plan holds back, or of `reconciled` or `deleted`. All its `conditions` and `events` are expected,
//! and of the rest what is named.

use super::Inputs;
use super::Plan;
use super::outcome::FailedPart;
use super::outcome::Failure;
use super::outcome::Fetched;
use super::outcome::Outcome;
use super::outcome::Reconciled;
use super::outcome::Severity;
use super::outcome::Stored;
use super::plan::plan;
use super::report::report;
use super::resolve::SecretData;
use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tidegate_api::Artifact;
use tidegate_api::GitRepository;
use tidegate_artifact::Defaults;
use tidegate_artifact::Ignore;
use tidegate_git::SshAlgorithms;
use tidegate_testkit::reports;

#[test]
fn plans() {
    reports::play(env!("CARGO_MANIFEST_DIR"), "plan", |case| {
        let object = object(&case["object"]);
        shown(&planned(&object, &inputs(case), case))
    });
}

#[test]
fn reports() {
    reports::play(env!("CARGO_MANIFEST_DIR"), "report", |case| {
        let object = object(&case["object"]);
        let inputs = inputs(case);
        let outcome = if !case["reconciled"].is_null() {
            Outcome::Reconciled(Box::new(reconciled(&case["reconciled"], &inputs)))
        } else if !case["deleted"].is_null() {
            let failed = case["deleted"]["failed"].as_str();
            Outcome::Deleted(failed.map_or(Ok(()), |text| Err(text.to_owned())))
        } else {
            planned(&object, &inputs, case)
                .err()
                .expect("a plan that is held back")
        };
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let made = report(&object, &inputs, &outcome, now);
        json!({
            "conditions": reports::conditions(&made.status),
            "events": made.events.iter().map(reports::event).collect::<Vec<_>>(),
            "status": made.status,
            "next": format!("{:?}", made.next),
            "error": made.error,
            "finalizer": made.finalizer.map(|finalizer| format!("{finalizer:?}")),
        })
    });
}

fn planned(object: &GitRepository, inputs: &Inputs, case: &Value) -> Result<Plan, Outcome> {
    let allow_http = case["allowHttp"].as_bool().unwrap_or(true);
    plan(object, inputs, &SshAlgorithms::default(), allow_http)
}

fn object(change: &Value) -> GitRepository {
    let mut object = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": "repo", "namespace": "team", "generation": 1, "finalizers": ["finalizers.fluxcd.io"]},
        "spec": {"interval": "1h", "url": "http://git/main", "ref": {"branch": "main"}},
        "status": {"observedGeneration": -1},
    });
    reports::merge(&mut object, change);
    serde_json::from_value(object).unwrap()
}

fn artifact(revision: &str) -> Artifact {
    let artifact = json!({"digest": format!("sha256:{revision}"), "path": "gitrepository/team/repo/1.tar.gz",
        "url": "http://source/1.tar.gz", "revision": revision, "lastUpdateTime": "2026-01-01T00:00:00Z"});
    serde_json::from_value(artifact).unwrap()
}

fn inputs(case: &Value) -> Inputs {
    let includes = case["includes"].as_array().into_iter().flatten();
    Inputs {
        secret: secret(&case["secret"]),
        proxy: secret(&case["proxy"]),
        includes: includes
            .map(|found| (!found.is_null()).then(|| Arc::new(object(found))))
            .collect(),
        stored: match case["stored"].as_str() {
            None => match case["stored"]["unreadable"].as_str() {
                None => Stored::None,
                Some(text) => Stored::Unreadable(text.to_owned()),
            },
            Some("intact") => Stored::Intact {
                url: case["servedAt"]
                    .as_str()
                    .unwrap_or("http://source/1.tar.gz")
                    .to_owned(),
            },
            Some("missing") => Stored::Missing,
            Some(text) => Stored::Tampered(text.to_owned()),
        },
        collected: 0,
        requeue_dependency: Duration::from_secs(30),
    }
}

fn secret(given: &Value) -> Option<Result<SecretData, String>> {
    if let Some(error) = given.as_str() {
        return Some(Err(error.to_owned()));
    }
    let data = given.as_object()?.iter();
    let data = data.map(|(key, value)| (key.clone(), value.as_str().unwrap().as_bytes().to_vec()));
    Some(Ok(SecretData(data.collect())))
}

/// fluxcd/pkg, `runtime/secrets/converter.go`, `ProxyURLFromSecret`.
#[test]
fn proxies() {
    let object = object(&json!({"spec": {"proxySecretRef": {"name": "proxy"}}}));
    let long = format!("http://{}", "x".repeat(2042));
    for (data, expected) in [
        (
            json!({"address": "http://host:3128"}),
            Ok("http://host:3128/"),
        ),
        (
            json!({"address": "socks5://a:b@host:1080", "username": "u@", "password": "p:"}),
            Ok("socks5://u%40:p%3A@host:1080"),
        ),
        (
            json!({"address": "https://a:b@host", "username": "u"}),
            Ok("https://u@host/"),
        ),
        (
            json!({"address": "http://host", "password": "p"}),
            Ok("http://host/"),
        ),
        (json!({}), Err("key 'address' not found")),
        (json!({"address": ""}), Err("proxy address is empty")),
        (
            json!({"address": long}),
            Err("proxy URL exceeds maximum length of 2048 characters"),
        ),
        (
            json!({"address": "ftp://host"}),
            Err("proxy URL must use one of the supported schemes (http, https, socks5), got 'ftp'"),
        ),
        (
            json!({"address": "host:3128"}),
            Err(
                "proxy URL must use one of the supported schemes (http, https, socks5), got 'host'",
            ),
        ),
        (
            json!({"address": "host"}),
            Err("proxy URL must use one of the supported schemes (http, https, socks5), got ''"),
        ),
        // What follows is the library's.
        (
            json!({"address": "http://u:planted@host:x"}),
            Err("failed to parse proxy address 'http://host:x': invalid port number"),
        ),
        (
            json!({"address": "127.0.0.1:3128"}),
            Err("failed to parse proxy address '127.0.0.1:3128': relative URL without a base"),
        ),
    ] {
        let inputs = inputs(&json!({"proxy": data}));
        let read = super::credentials::proxy(&object, &inputs);
        let read = read
            .map(|url| url.unwrap().expose().to_owned())
            .map_err(|failure| (failure.reason, failure.message));
        let expected = expected.map(str::to_owned).map_err(|text| {
            let text = format!("failed to configure proxy options: secret 'team/proxy': {text}");
            (tidegate_api::meta::reason::AUTHENTICATION_FAILED, text)
        });
        assert_eq!(read, expected, "{data}");
    }
}

/// source-controller, `getAuthOpts`; fluxcd/pkg, `git/options.go`, `NewAuthOptions`.
#[test]
fn credentials() {
    let encrypted = include_str!("../../../git/tests/data/ssh/user_encrypted");
    let key = include_str!("../../../git/tests/data/ssh/user_ed25519");
    let known = "host ssh-ed25519 AAAA";
    let options = "failed to configure authentication options: ";
    for (url, data, expected) in [
        ("ssh://git@host/a", json!({"identity": key, "known_hosts": known}), Ok(None)),
        (
            "ssh://git@host/a",
            json!({"identity": encrypted, "known_hosts": known}),
            Err(
                "SSH identity key is encrypted but no 'password' field was provided in the secret 'team/git'"
                    .to_owned(),
            ),
        ),
        (
            "ssh://git@host/a",
            json!({"identity": encrypted, "known_hosts": known, "password": "open sesame"}),
            Ok(None),
        ),
        (
            "https://host/a",
            json!({"password": "p"}),
            Err(format!("{options}invalid 'https' auth option: 'password' requires 'username' to be set")),
        ),
        (
            "http://host/a",
            json!({"password": "p"}),
            Err(format!("{options}invalid 'http' auth option: 'password' requires 'username' to be set")),
        ),
        ("https://u@host/a", json!({"password": "p"}), Ok(Some("u:p"))),
        ("https://u:q@host/a", json!({"username": "v"}), Ok(Some("v:q"))),
        ("https://u:q@host/a", json!({"username": "v", "password": "p"}), Ok(Some("v:p"))),
        ("https://host/a", json!({"username": "v"}), Ok(Some("v:"))),
    ] {
        let object = object(&json!({"spec": {"url": url, "secretRef": {"name": "git"}}}));
        let inputs = inputs(&json!({"secret": data}));
        let remote = tidegate_git::Remote::new(url).unwrap();
        let put = super::credentials::put(remote, url, &object, &inputs);
        let put = put.map_err(|failure| failure.message).map(|remote| match remote.credentials() {
            tidegate_git::Credentials::Basic { username, password } => {
                Some(format!("{username}:{}", password.expose_str().unwrap()))
            }
            _ => None,
        });
        assert_eq!(put, expected.map(|shown| shown.map(str::to_owned)), "{url} {data}");
    }
}

fn reconciled(case: &Value, inputs: &Inputs) -> Reconciled {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let result = if let Some(failure) = case.get("failed") {
        Err(Failure {
            part: FailedPart::Fetch,
            severity: Severity::Failing,
            reason: tidegate_api::meta::reason::GIT_OPERATION_FAILED,
            message: text(failure),
        })
    } else if let Some(revision) = case.get("unchanged") {
        Ok(Fetched::Unchanged {
            revision: text(revision),
        })
    } else if let Some(revision) = case.get("upToDate") {
        Ok(Fetched::UpToDate {
            revision: text(revision),
            commit: text(&case["commit"]),
        })
    } else {
        let artifact = artifact(&text(&case["stored"]));
        Ok(Fetched::Stored {
            artifact,
            includes: Vec::new(),
            commit: text(&case["commit"]),
            malformed: case["malformed"]
                .as_str()
                .map(|patterns| Ignore::parse(patterns, Defaults::Full).malformed().to_vec())
                .unwrap_or_default(),
        })
    };
    Reconciled {
        stored: inputs.stored.clone(),
        collected: case["collected"]
            .as_u64()
            .map_or(0, |count| usize::try_from(count).unwrap()),
        new_revision: case["newRevision"].as_str().map(str::to_owned),
        includes_changed: false,
        result,
    }
}

fn shown(planned: &Result<Plan, Outcome>) -> Value {
    match planned {
        Ok(Plan::Delete(_)) => json!({"delete": true}),
        Ok(Plan::Fetch(plan)) => {
            let reference = &plan.reference;
            let includes = plan.includes.iter().map(|include| {
                format!(
                    "{} {} -> {}: {}",
                    include.repository, include.from, include.to, include.artifact.revision
                )
            });
            json!({"fetch": {
                "timeout": plan.timeout.as_secs(), "known": plan.known, "sameContent": plan.same_content,
                "submodules": plan.submodules, "sparse": plan.sparse, "ignore": plan.ignore,
                "includes": includes.collect::<Vec<_>>(), "includesChanged": plan.includes_changed,
                "reference": {"commit": reference.commit, "name": reference.name, "tag": reference.tag,
                    "semver": reference.semver, "branch": reference.branch},
            }})
        }
        Err(Outcome::FinalizerMissing) => json!({"held": "finalizer missing"}),
        Err(Outcome::Suspended) => json!({"held": "suspended"}),
        Err(Outcome::NotServed { field }) => json!({"held": format!("{field} is not served")}),
        Err(Outcome::Reconciled(reconciled)) => {
            let failure = reconciled
                .result
                .as_ref()
                .expect_err("a plan fetches nothing");
            json!({"failed": {"part": format!("{:?}", failure.part), "severity": format!("{:?}", failure.severity),
                "reason": failure.reason, "message": failure.message}})
        }
        Err(Outcome::Deleted(_)) => panic!("a plan deletes nothing"),
    }
}
