//! Events as a receiver sees them.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use tidegate_notify::Posted;
use tidegate_notify::Poster;
use tidegate_notify::Retries;
use tidegate_values::Event;
use tidegate_values::ObjectRef;
use tidegate_values::Severity;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A receiver that gives these answers, one for each request, and tells what it got.
async fn receiver(answers: &'static [u16]) -> (Poster, mpsc::UnboundedReceiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            let (head, body) = loop {
                let mut part = [0; 4096];
                let read = stream.read(&mut part).await.unwrap();
                assert!(read > 0, "the request ended early");
                request.extend_from_slice(&part[..read]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else {
                    continue;
                };
                let head = head.to_lowercase();
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .unwrap();
                if body.len() == length.parse::<usize>().unwrap() {
                    break (head, serde_json::from_str(body).unwrap());
                }
            };
            tell.send((head, body)).unwrap();
            let text =
                format!("HTTP/1.1 {answer} -\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(text.as_bytes()).await.unwrap();
        }
    });
    let retries = Retries {
        pause: Duration::from_millis(1),
        ..Retries::default()
    };
    let poster = Poster::start(address.parse().unwrap(), "pod-1".to_owned(), retries).unwrap();
    (poster, told)
}

fn event(severity: Severity, message: &str) -> Posted {
    Posted {
        controller: "kustomize-controller".to_owned(),
        uid: "u-1".to_owned(),
        resource_version: "7".to_owned(),
        event: Event {
            object: ObjectRef {
                api_version: "kustomize.toolkit.fluxcd.io/v1".to_owned(),
                kind: "Kustomization".to_owned(),
                namespace: "apps".to_owned(),
                name: "app".to_owned(),
            },
            severity,
            reason: "BuildFailed".to_owned(),
            message: message.to_owned(),
            annotations: BTreeMap::from([(
                "kustomize.toolkit.fluxcd.io/revision".to_owned(),
                "main@sha1:1".to_owned(),
            )]),
        },
        at: "2026-01-02T03:04:05.678Z".parse().unwrap(),
    }
}

fn messages(told: &mut mpsc::UnboundedReceiver<(String, Value)>) -> Vec<String> {
    let mut messages = Vec::new();
    while let Ok((_, body)) = told.try_recv() {
        messages.push(body["message"].as_str().unwrap().to_owned());
    }
    messages
}

#[tokio::test]
async fn the_body_is_that_of_flux() {
    let (poster, mut told) = receiver(&[202]).await;
    poster.post(event(Severity::Trace, "never posted"));
    poster.post(event(Severity::Error, "it failed"));
    poster.flush().await;
    let (head, body) = told.try_recv().unwrap();
    assert!(head.starts_with("post /hook http/1.1"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert_eq!(
        body,
        json!({
            "involvedObject": {
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
                "kind": "Kustomization",
                "namespace": "apps",
                "name": "app",
                "uid": "u-1",
                "resourceVersion": "7",
            },
            "severity": "error",
            "timestamp": "2026-01-02T03:04:05Z",
            "message": "it failed",
            "reason": "BuildFailed",
            "metadata": {"kustomize.toolkit.fluxcd.io/revision": "main@sha1:1"},
            "reportingController": "kustomize-controller",
            "reportingInstance": "pod-1",
        })
    );
    assert!(told.try_recv().is_err());
}

#[tokio::test]
async fn a_busy_receiver_is_tried_again_and_keeps_the_order() {
    let (poster, mut told) = receiver(&[500, 503, 200, 200]).await;
    poster.post(event(Severity::Info, "first"));
    poster.post(event(Severity::Info, "second"));
    poster.flush().await;
    assert_eq!(messages(&mut told), ["first", "first", "first", "second"]);
}

#[tokio::test]
async fn duplicates_and_refusals_are_not_tried_again() {
    let (poster, mut told) = receiver(&[429, 400, 501, 200]).await;
    for message in ["duplicate", "bad", "unknown", "good"] {
        poster.post(event(Severity::Info, message));
    }
    poster.flush().await;
    assert_eq!(messages(&mut told), ["duplicate", "bad", "unknown", "good"]);
}

#[tokio::test]
async fn a_receiver_that_stays_away_is_tried_once_for_each_further_event() {
    let (poster, mut told) = receiver(&[500, 500, 500, 500, 500, 500, 200, 500, 200]).await;
    for message in ["lost", "lost too", "back", "again"] {
        poster.post(event(Severity::Info, message));
    }
    poster.flush().await;
    assert_eq!(
        messages(&mut told),
        [
            "lost", "lost", "lost", "lost", "lost", "lost too", "back", "again", "again"
        ]
    );
}

#[tokio::test]
async fn posting_never_waits() {
    // Nobody accepts here: connections stay in the backlog, answers never come.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let poster =
        Poster::start(address.parse().unwrap(), String::new(), Retries::default()).unwrap();
    let posting = async {
        for _ in 0..5000 {
            poster.post(event(Severity::Info, "waits"));
        }
    };
    tokio::time::timeout(Duration::from_secs(2), posting)
        .await
        .unwrap();
}

#[test]
fn an_address_is_an_http_url() {
    let parse = |text: &str| text.parse::<tidegate_notify::Address>();
    assert!(parse("http://notification-controller.flux-system.svc.cluster.local./").is_ok());
    assert!(parse("localhost:9090").is_err());
    assert!(parse("127.0.0.1:9090").is_err());
    assert!(!format!("{:?}", parse("https://h/hook?token=abcdef").unwrap()).contains("abcdef"));
}
