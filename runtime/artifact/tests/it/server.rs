use crate::files::Files;
use crate::store::{publish, store};
use reqwest::{Method, StatusCode};

/// The store behind the server, at an address of its own.
pub(crate) fn serve(router: axum::Router) -> (String, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move { axum::serve(listener, router).await });
    (format!("http://{address}"), runtime)
}

#[test]
fn archives_are_served_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let artifact = publish(
        &store,
        "abc",
        &Files::new(&[("a", &"large ".repeat(100_000))]),
    );
    let latest = store.link_latest(&artifact.path).unwrap();
    assert_eq!(
        latest,
        "http://source.test/gitrepository/apps/site/latest.tar.gz"
    );
    std::fs::write(folder.path().join("secret.txt"), "s").unwrap();
    let outside = tempfile::NamedTempFile::with_suffix(".tar.gz").unwrap();
    std::os::unix::fs::symlink(
        outside.path(),
        folder.path().join("gitrepository/apps/site/out.tar.gz"),
    )
    .unwrap();
    let bytes = std::fs::read(folder.path().join(&artifact.path)).unwrap();
    let (base, _runtime) = serve(tidegate_artifact::server::router(store));
    let client = reqwest::blocking::Client::new();
    let ask = |method: Method, path: &str| {
        client
            .request(method, format!("{base}{path}"))
            .send()
            .unwrap()
    };

    for path in [
        "/gitrepository/apps/site/abc.tar.gz",
        "/gitrepository/apps/site/latest.tar.gz",
    ] {
        let answer = ask(Method::GET, path);
        assert_eq!(
            (answer.status(), answer.headers()["content-type"].as_bytes()),
            (StatusCode::OK, &b"application/x-gzip"[..])
        );
        assert!(
            answer.headers()["last-modified"]
                .to_str()
                .unwrap()
                .ends_with(" GMT")
        );
        assert_eq!(answer.bytes().unwrap(), bytes);
        let head = ask(Method::HEAD, path);
        assert_eq!(
            head.headers()["content-length"].to_str().unwrap(),
            bytes.len().to_string()
        );
        assert_eq!(head.bytes().unwrap().len(), 0);

        let part = |range: &str| {
            let request = client.get(format!("{base}{path}"));
            request.header("range", range).send().unwrap()
        };
        let told = |answer: &reqwest::blocking::Response, name: &str| {
            answer.headers()[name].to_str().unwrap().to_owned()
        };
        let size = bytes.len();
        let middle = part("bytes=10-19");
        assert_eq!(middle.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(
            told(&middle, "content-range"),
            format!("bytes 10-19/{size}")
        );
        assert_eq!(told(&middle, "content-length"), "10");
        assert_eq!(middle.bytes().unwrap(), bytes[10..20]);
        let end = part("bytes=20-");
        assert_eq!(end.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(end.bytes().unwrap(), bytes[20..]);
        let beyond = part(&format!("bytes={size}-"));
        assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(told(&beyond, "content-range"), format!("bytes */{size}"));
    }
    let listing = format!("/.listings/{}", artifact.path);
    let root = ask(Method::GET, "/");
    assert_eq!(root.status(), StatusCode::OK);
    assert_eq!(root.text().unwrap(), "ok\n");
    for path in [
        "/gitrepository/",
        "/gitrepository/apps/site",
        "/secret.txt",
        "/nowhere.tar.gz",
        listing.as_str(),
        "/gitrepository/apps/site/out.tar.gz",
        "/gitrepository/%2e%2e/secret.txt",
        "/gitrepository//apps/site/abc.tar.gz",
    ] {
        let answer = ask(Method::GET, path);
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.text().unwrap(), "404 page not found\n");
    }
    assert_eq!(
        ask(Method::POST, "/gitrepository/apps/site/abc.tar.gz").status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
}
