//! The file server of Flux's contract: the archives below the storage's root, by GET and HEAD, and nothing else.

use crate::range::Range;
use crate::store::Store;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use std::io::SeekFrom;
use std::path::PathBuf;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, Take};

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
            let modified = metadata.modified().ok().and_then(http_date);
            let range = Range::asked(request.headers(), metadata.len(), modified.as_ref());
            let mut answer = match part(file, metadata.len(), &range, method).await {
                Ok(answer) => answer,
                Err(error) => {
                    tracing::warn!(%error, path = uri.path(), "an archive can't be read");
                    return text(StatusCode::INTERNAL_SERVER_ERROR, "can't be read\n");
                }
            };
            let headers = answer.headers_mut();
            headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
            if range != Range::Nothing {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            }
            if let Some(time) = modified {
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

/// The answer with what is asked for of a file of `size` bytes, as Go's `net/http` gives it (`fs.go`, `serveContent`).
async fn part(
    mut file: tokio::fs::File,
    size: u64,
    range: &Range,
    method: &Method,
) -> std::io::Result<Response<Body>> {
    let (status, start, count, place) = match *range {
        Range::Whole => (StatusCode::OK, 0, size, None),
        Range::Part { start, count } => {
            let place = format!("bytes {start}-{}/{size}", start + count - 1);
            (StatusCode::PARTIAL_CONTENT, start, count, Some(place))
        }
        Range::Nothing => {
            let mut answer = text(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "invalid range: failed to overlap\n",
            );
            let place = HeaderValue::try_from(format!("bytes */{size}"));
            answer
                .headers_mut()
                .extend(place.ok().map(|place| (header::CONTENT_RANGE, place)));
            return Ok(answer);
        }
    };
    let body = if method == Method::HEAD {
        Body::empty()
    } else {
        file.seek(SeekFrom::Start(start)).await?;
        stream(file.take(count))
    };
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_LENGTH, count.into());
    let place = place.and_then(|place| HeaderValue::try_from(place).ok());
    headers.extend(place.map(|place| (header::CONTENT_RANGE, place)));
    Ok(answer)
}

fn stream(file: Take<tokio::fs::File>) -> Body {
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
