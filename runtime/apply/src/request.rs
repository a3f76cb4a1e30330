use std::{fmt::Write as _, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use kube::Client;
use serde_json::{Map, Value, json};

use crate::{
    error::{RequestError, UNSERVED},
    mapper::Resource,
};

const APPLY_PATCH: &str = "application/apply-patch+yaml";
const JSON_PATCH: &str = "application/json-patch+json";
const JSON: &str = "application/json";
/// How often a request is sent while the server asks for patience, as in Go's client.
const ATTEMPTS: u32 = 11;

/// No server may make a worker sleep for longer at a time.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A version that no object has: what is stored first gets a later one. To make a new object it says nothing.
const NO_VERSION: &str = "1";

/// How an apply patch is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApplyMode {
    /// As with force, but nothing is stored: what would come of it?
    Trial,
    /// The object is made. One that is there is not touched: the server refuses it with a conflict.
    New,
    /// Takes over fields of other managers instead of failing with a conflict.
    Force,
}

/// Body of a successful answer, and whether it said 201.
pub(crate) struct Answer {
    pub(crate) object: Value,
    pub(crate) created: bool,
}

/// One object's place on the server.
pub(crate) struct Place<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
}

impl Place<'_> {
    /// A namespaced object without namespace: there is no such path, whatever the server serves.
    pub(crate) fn is_nowhere(&self) -> bool {
        self.resource.namespaced && self.namespace.is_empty()
    }

    fn collection(&self) -> Result<String, RequestError> {
        let mut path = self.resource.root();
        // A namespaced object without namespace is asked for at the cluster scope, and refused there, as Flux's is.
        if self.resource.namespaced && !self.namespace.is_empty() {
            check_segment("namespace", self.namespace)?;
            path.push_str("namespaces/");
            push_escaped(&mut path, self.namespace);
            path.push('/');
        }
        path.push_str(&self.resource.plural);
        Ok(path)
    }

    /// client-go, `rest/request.go`, `Name` and `Namespace`: a name that would be another path is refused in its words.
    fn path(&self) -> Result<String, RequestError> {
        let mut path = self.collection()?;
        if self.name.is_empty() {
            let message = "resource name may not be empty".to_owned();
            return Err(RequestError::Impossible(message));
        }
        check_segment("resource name", self.name)?;
        path.push('/');
        push_escaped(&mut path, self.name);
        Ok(path)
    }
}

fn check_segment(what: &str, name: &str) -> Result<(), RequestError> {
    let complaints = tidegate_values::path_complaints(name);
    if complaints.is_empty() {
        return Ok(());
    }
    let complaints = complaints.join(" ");
    Err(RequestError::Impossible(format!(
        "invalid {what} {name:?}: [{complaints}]"
    )))
}

pub(crate) async fn get(client: &Client, place: &Place<'_>) -> Result<Value, RequestError> {
    Ok(send(client, Method::GET, &place.path()?, None, Vec::new())
        .await?
        .object)
}

/// The list of the objects that a label selector selects.
pub(crate) async fn list(
    client: &Client,
    resource: &Resource,
    namespace: &str,
    labels: &str,
) -> Result<Value, RequestError> {
    let place = Place {
        resource,
        namespace,
        name: "",
    };
    let mut path = place.collection()?;
    path.push_str("?labelSelector=");
    push_escaped(&mut path, labels);
    Ok(send(client, Method::GET, &path, None, Vec::new())
        .await?
        .object)
}

/// Server-side apply.
pub(crate) async fn apply(
    client: &Client,
    place: &Place<'_>,
    object: &Map<String, Value>,
    manager: &str,
    mode: ApplyMode,
) -> Result<Answer, RequestError> {
    let mut path = place.path()?;
    path.push('?');
    if mode == ApplyMode::Trial {
        path.push_str("dryRun=All&");
    }
    path.push_str("fieldManager=");
    push_escaped(&mut path, manager);
    let body = if mode == ApplyMode::New {
        encode(&at_no_version(object))
    } else {
        path.push_str("&force=true");
        encode(object)
    };
    send(client, Method::PATCH, &path, Some(APPLY_PATCH), body).await
}

fn at_no_version(object: &Map<String, Value>) -> Map<String, Value> {
    let mut object = object.clone();
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.insert("resourceVersion".into(), NO_VERSION.into());
    }
    object
}

pub(crate) async fn json_patch(
    client: &Client,
    place: &Place<'_>,
    operations: &Value,
    manager: &str,
) -> Result<Value, RequestError> {
    let mut path = place.path()?;
    path.push_str("?fieldManager=");
    push_escaped(&mut path, manager);
    let body = encode(operations);
    Ok(send(client, Method::PATCH, &path, Some(JSON_PATCH), body)
        .await?
        .object)
}

/// Deletes in the background. `uid` guards against an object that took the name since it was read.
pub(crate) async fn delete(
    client: &Client,
    place: &Place<'_>,
    uid: Option<&str>,
    version: Option<&str>,
) -> Result<(), RequestError> {
    let mut options =
        json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"});
    for (field, value) in [("uid", uid), ("resourceVersion", version)] {
        if let Some(value) = value {
            options["preconditions"][field] = value.into();
        }
    }
    send(
        client,
        Method::DELETE,
        &place.path()?,
        Some(JSON),
        encode(&options),
    )
    .await
    .map(|_| ())
}

/// Asks whether `object` would be valid as a new one: a dry-run creation under a name of the server's making.
pub(crate) async fn probe_creation(
    client: &Client,
    place: &Place<'_>,
    mut object: Value,
    manager: &str,
) -> Result<(), RequestError> {
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        let name: String = place.name.chars().take(40).collect();
        metadata.remove("name");
        metadata.insert("generateName".into(), Value::String(format!("{name}-")));
    }
    let mut path = place.collection()?;
    path.push_str("?dryRun=All&fieldManager=");
    push_escaped(&mut path, manager);
    send(client, Method::POST, &path, Some(JSON), encode(&object))
        .await
        .map(|_| ())
}

/// Any JSON document of the server, such as those of discovery.
pub(crate) async fn get_path(
    client: &Client,
    path: &str,
    accept: &str,
) -> Result<Value, RequestError> {
    let head = Request::get(path).header(header::ACCEPT, accept);
    Ok(
        exchange(client, head.body(Bytes::new()).map_err(transport)?)
            .await?
            .object,
    )
}

async fn send(
    client: &Client,
    method: Method,
    path: &str,
    content_type: Option<&str>,
    body: Vec<u8>,
) -> Result<Answer, RequestError> {
    let mut head = Request::builder()
        .method(method)
        .uri(path)
        .header(header::ACCEPT, JSON);
    if let Some(content_type) = content_type {
        head = head.header(header::CONTENT_TYPE, content_type);
    }
    exchange(client, head.body(Bytes::from(body)).map_err(transport)?).await
}

// Not `Client::request`: it logs the whole body, which may be a Secret, when it can't be parsed, and hides the 201.
async fn exchange(client: &Client, request: Request<Bytes>) -> Result<Answer, RequestError> {
    let mut attempts = 1;
    let mut is_repeated = false;
    loop {
        let attempt = request
            .clone()
            .map(|body| kube::client::Body::from(body.to_vec()));
        let response = client.send(attempt).await.map_err(transport)?;
        let status = response.status();
        let pause = pause_asked_for(status, response.headers()).filter(|_| attempts < ATTEMPTS);
        let body = response
            .into_body()
            .collect()
            .await
            .map_err(transport)?
            .to_bytes();
        if let Some(pause) = pause {
            attempts += 1;
            is_repeated |= status.is_server_error();
            tokio::time::sleep(pause).await;
            continue;
        }
        if !status.is_success() {
            return Err(refusal(status, &body, is_repeated));
        }
        let object = serde_json::from_slice(&body)
            .map_err(|error| RequestError::Transport(format!("the answer is no JSON: {error}")))?;
        return Ok(Answer {
            object,
            created: status == StatusCode::CREATED,
        });
    }
}

/// The server's wish to be asked again later, as Go's client heeds it (client-go, `rest/with_retry.go`).
fn pause_asked_for(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    let may_repeat = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
    let seconds = headers
        .get(header::RETRY_AFTER)
        .filter(|_| may_repeat)?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_PAUSE))
}

fn refusal(status: StatusCode, body: &[u8], is_repeated: bool) -> RequestError {
    let code = status.as_u16();
    let parsed: Option<Value> = serde_json::from_slice(body)
        .ok()
        .filter(|body: &Value| body["kind"] == "Status");
    let Some(parsed) = parsed else {
        let (reason, message) = generic_refusal(code);
        return RequestError::Refused {
            code,
            reason: reason.into(),
            message: message.into(),
            causes: Vec::new(),
            is_repeated,
        };
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let causes = parsed["details"]["causes"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    RequestError::Refused {
        code,
        reason: text(&parsed["reason"]),
        message: text(&parsed["message"]),
        causes: causes.iter().map(|cause| text(&cause["reason"])).collect(),
        is_repeated,
    }
}

/// What Go's client makes of an answer that is no `Status` (apimachinery, `NewGenericServerResponse`).
fn generic_refusal(code: u16) -> (&'static str, &'static str) {
    match code {
        400 => (
            "BadRequest",
            "the server rejected our request for an unknown reason",
        ),
        401 => (
            "Unauthorized",
            "the server has asked for the client to provide credentials",
        ),
        403 => (
            "Forbidden",
            "the server does not allow access to the requested resource",
        ),
        404 => ("NotFound", UNSERVED),
        405 => (
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        ),
        409 => ("Conflict", "the server reported a conflict"),
        422 => (
            "Invalid",
            "the server rejected our request due to an error in our request",
        ),
        429 => (
            "TooManyRequests",
            "the server has received too many requests and has asked us to try again later",
        ),
        503 => (
            "ServiceUnavailable",
            "the server is currently unable to handle the request",
        ),
        504 => (
            "Timeout",
            "the server was unable to return a response in the time allotted, but may still be processing the request",
        ),
        _ => (
            "InternalError",
            "an error on the server has prevented the request from succeeding",
        ),
    }
}

fn transport(error: impl std::error::Error) -> RequestError {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !message.contains(&cause_text) {
            message.push_str(": ");
            message.push_str(&cause_text);
        }
        source = cause.source();
    }
    RequestError::Transport(message)
}

pub(crate) fn encode(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("JSON values with text keys can always be written")
}

/// Percent-encodes what may not stand in a path segment or a query value.
fn push_escaped(path: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:@".contains(&byte) {
            path.push(char::from(byte));
        } else {
            let _ = write!(path, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_paths() {
        let resource = |group: &str, namespaced| Resource {
            group: group.into(),
            version: "v1".into(),
            plural: "things".into(),
            namespaced,
        };
        let path = |resource: &Resource, namespace, name| {
            Place {
                resource,
                namespace,
                name,
            }
            .path()
            .unwrap_or_else(|error| error.to_string())
        };
        assert_eq!(
            path(&resource("", true), "ns", "a"),
            "/api/v1/namespaces/ns/things/a"
        );
        assert_eq!(path(&resource("", true), "", "a"), "/api/v1/things/a");
        assert_eq!(
            path(&resource("g.io", false), "n/s", "system:a b?c"),
            "/apis/g.io/v1/things/system:a%20b%3Fc"
        );
        let things = resource("", true);
        for (namespace, name, refused) in [
            ("ns", "", "resource name may not be empty"),
            (
                "ns",
                "../x",
                r#"invalid resource name "../x": [may not contain '/']"#,
            ),
            (
                "ns",
                "..",
                r#"invalid resource name "..": [may not be '..']"#,
            ),
            (
                "n/%s",
                "a",
                r#"invalid namespace "n/%s": [may not contain '/' may not contain '%']"#,
            ),
        ] {
            assert_eq!(path(&things, namespace, name), refused);
        }
    }

    #[test]
    fn tells_what_was_stored_from_what_was_not() {
        let failed = |message: &str| {
            let status = format!(r#"{{"kind":"Status","message":"{message}","code":500}}"#);
            refusal(StatusCode::INTERNAL_SERVER_ERROR, status.as_bytes(), false)
        };
        assert!(!failed("etcdserver: request timed out").is_certain());
        // As a kube-apiserver words them.
        for message in [
            "failed to create typed patch object (ns/n; /v1, Kind=ConfigMap): .data.n: expected string, got &value.valueUnstructured{Value:1}",
            "Internal error occurred: failed calling webhook \\\"a.example.com\\\": connection refused",
        ] {
            assert!(failed(message).is_certain(), "{message}");
            // Not of what came before them.
            let status = format!(r#"{{"kind":"Status","message":"{message}","code":500}}"#);
            let repeated = refusal(StatusCode::INTERNAL_SERVER_ERROR, status.as_bytes(), true);
            assert!(!repeated.is_certain(), "{message}");
        }
    }

    #[test]
    fn reads_refusals_as_go_does() {
        let not_found = refusal(StatusCode::NOT_FOUND, b"404 page not found", false);
        assert!(not_found.is_not_found() && not_found.is_unserved());
        assert_eq!(
            not_found.to_string(),
            "the server could not find the requested resource"
        );
        let no_object = refusal(
            StatusCode::NOT_FOUND,
            br#"{"kind":"Status","message":"lamps.g.test \"l\" not found","reason":"NotFound","code":404}"#,
            false,
        );
        assert!(no_object.is_not_found() && !no_object.is_unserved());
        let plain = refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            br#"{"kind":"Status","message":"m","code":500}"#,
            false,
        );
        assert_eq!((plain.reason(), plain.to_string().as_str()), ("", "m"));
    }
}
