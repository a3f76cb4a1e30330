//! The file server of Flux's contract: the archives below the storage's root, by GET and HEAD, and nothing else.

use crate::store::Store;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use std::path::PathBuf;
use tokio::io::AsyncReadExt as _;

/// Bytes read at a time.
const CHUNK: usize = 64 << 10;

/// Serves the archives of `store` at their paths. To be merged with other routes or served alone.
pub fn router(store: Store) -> axum::Router {
    axum::Router::new().fallback(serve).with_state(store)
}

async fn serve(State(store): State<Store>, request: Request<Body>) -> Response<Body> {
    let (method, uri) = (request.method(), request.uri());
    if method != Method::GET && method != Method::HEAD {
        let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
        answer
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    // The readiness probe of Flux's source-controller (its `config/manager/deployment.yaml`); what is there is not listed.
    if uri.path() == "/" {
        return text(StatusCode::OK, "ok\n");
    }
    match file(&store, uri).await {
        Some((file, metadata, kind)) => {
            let body = if method == Method::HEAD {
                Body::empty()
            } else {
                stream(file)
            };
            let mut answer = Response::new(body);
            let headers = answer.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            headers.insert(header::CONTENT_LENGTH, metadata.len().into());
            if let Some(time) = metadata.modified().ok().and_then(http_date) {
                headers.insert(header::LAST_MODIFIED, time);
            }
            answer
        }
        // Go's text, as Flux answers.
        None => text(StatusCode::NOT_FOUND, "404 page not found\n"),
    }
}

/// The regular file at a path of the store. Directories are never listed, and no link leads out of its folder.
async fn file(
    store: &Store,
    uri: &Uri,
) -> Option<(tokio::fs::File, std::fs::Metadata, &'static str)> {
    let path = uri.path().strip_prefix('/')?;
    // Names of objects need no escapes.
    if path.contains('%') {
        return None;
    }
    let kind = match path.rsplit_once('.')?.1 {
        "gz" | "tgz" => "application/x-gzip",
        "yaml" | "json" => "text/plain; charset=utf-8",
        _ => return None,
    };
    let local = resolve(store.local(path).ok()?).await?;
    let file = tokio::fs::File::open(local).await.ok()?;
    let metadata = file.metadata().await.ok()?;
    metadata.is_file().then_some((file, metadata, kind))
}

/// Follows `latest.tar.gz` to a file beside it.
async fn resolve(path: PathBuf) -> Option<PathBuf> {
    if !tokio::fs::symlink_metadata(&path).await.ok()?.is_symlink() {
        return Some(path);
    }
    let target = tokio::fs::read_link(&path).await.ok()?;
    let beside = path.with_file_name(target.file_name()?);
    let plain = tokio::fs::symlink_metadata(&beside).await.ok()?.is_file();
    plain.then_some(beside)
}

fn stream(file: tokio::fs::File) -> Body {
    Body::from_stream(futures::stream::unfold(Some(file), |file| async {
        let mut file = file?;
        let mut buffer = vec![0; CHUNK];
        match file.read(&mut buffer).await {
            Ok(0) => None,
            Ok(count) => {
                buffer.truncate(count);
                Some((Ok(Bytes::from(buffer)), Some(file)))
            }
            Err(error) => Some((Err(error), None)),
        }
    }))
}

fn text(status: StatusCode, message: &'static str) -> Response<Body> {
    let mut answer = Response::new(Body::from(message));
    *answer.status_mut() = status;
    answer.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    answer
}

fn http_date(time: std::time::SystemTime) -> Option<HeaderValue> {
    let time = jiff::Timestamp::try_from(time).ok()?;
    HeaderValue::from_str(&time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}
