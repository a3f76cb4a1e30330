//! Git's smart HTTP protocol over a client of our own, for what gix's clients can't be told: private authorities,
//! client certificates, proxies per repository, bearer tokens, and a deadline over everything.

mod connections;
mod memory;
mod page;
mod trust;

pub(crate) use connections::client;

use crate::budget::Budget;
use crate::error::Failure;
use crate::remote::{Credentials, Remote};
use crate::wire::Wire;
use base64::Engine as _;
use bytes::Bytes;
use gix::error::Error as GixError;
use gix_transport::client::blocking_io::http as transport;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use std::io::{self, BufRead, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use tidegate_values::SafeUrl;
use transport::{GetResponse, PostBodyDataKind, PostResponse};

/// Bytes of an error page that are read.
const PAGE: usize = 4096;

/// The transport that gix speaks through.
pub(crate) type Transport = transport::Transport<Client>;

/// Whether the server's capabilities may be taken from what it said the last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capabilities {
    Remembered,
    Asked,
}

/// Prepares the connection to `remote`; nothing is sent yet.
pub(crate) fn connect(
    remote: &Remote,
    budget: &Budget,
    wire: &Wire,
    capabilities: Capabilities,
) -> Result<Transport, Failure> {
    let url = &remote.parsed;
    let client = Client {
        http: client(remote)?,
        authorization: authorization(&remote.credentials)?,
        origin: url.clone(),
        base: None,
        capabilities,
        proxy: remote.proxy.clone(),
        budget: budget.clone(),
        wire: wire.clone(),
    };
    let url =
        gix::url::parse(url.as_str()).map_err(|error| Failure::Protocol(error.to_string()))?;
    Ok(transport::Transport::new_http(
        client,
        url,
        gix_transport::Protocol::V2,
        false,
    ))
}

fn authorization(credentials: &Credentials) -> Result<Option<HeaderValue>, Failure> {
    let text = match credentials {
        Credentials::None | Credentials::Ssh { .. } => return Ok(None),
        Credentials::Basic { username, password } => {
            let pair = [username.as_bytes(), b":", password.expose()].concat();
            format!(
                "Basic {}",
                base64::engine::general_purpose::STANDARD.encode(pair)
            )
            .into_bytes()
        }
        Credentials::Bearer(token) => [b"Bearer ", token.expose()].concat(),
    };
    let mut value = HeaderValue::from_bytes(&text).map_err(|_| {
        Failure::AuthenticationRequired("the token holds characters that no header may hold".into())
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// One repository's HTTP requests.
pub(crate) struct Client {
    http: reqwest::Client,
    authorization: Option<HeaderValue>,
    origin: url::Url,
    /// Where the first answer came from, if that was elsewhere.
    base: Option<String>,
    capabilities: Capabilities,
    proxy: Option<SafeUrl>,
    budget: Budget,
    wire: Wire,
}

impl Client {
    fn exchange(
        &self,
        url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Exchange, GixError> {
        let mut map = HeaderMap::new();
        for line in headers {
            let Some((name, value)) = line.as_ref().split_once(':') else {
                continue;
            };
            let name = HeaderName::from_bytes(name.trim().as_bytes());
            let value = HeaderValue::from_str(value.trim());
            if let (Ok(name), Ok(value)) = (name, value) {
                map.insert(name, value);
            }
        }
        let url = url::Url::parse(url).map_err(GixError::from_error)?;
        if let Some(value) = self
            .authorization
            .as_ref()
            .filter(|_| may_see_credentials(&self.origin, &url))
        {
            map.insert(AUTHORIZATION, value.clone());
        }
        Ok(Exchange {
            http: self.http.clone(),
            url,
            headers: map,
            body: None,
            response: None,
            proxy: self.proxy.clone(),
            budget: self.budget.clone(),
            wire: self.wire.clone(),
        })
    }
}

/// Credentials go to the host they are for, also when it redirects from `http` to `https`.
fn may_see_credentials(origin: &url::Url, url: &url::Url) -> bool {
    let upgraded = origin.scheme() == "http"
        && url.scheme() == "https"
        && origin.port().is_none()
        && url.port().is_none();
    let same = origin.scheme() == url.scheme()
        && origin.port_or_known_default() == url.port_or_known_default();
    origin.host_str() == url.host_str() && (same || upgraded)
}

impl transport::Http for Client {
    type Headers = Headers;
    type ResponseBody = Body;
    type PostBody = PostBody;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<GetResponse<Headers, Body>, GixError> {
        let key = memory::key(url, self.authorization.as_ref());
        let mut exchange = self.exchange(url, headers)?;
        if self.capabilities == Capabilities::Asked {
            memory::forget(&key);
        } else if let Some(answer) = memory::recall(&key) {
            self.wire.note_remembered();
            self.base = answer.base;
            let exchange = Arc::new(Mutex::new(exchange));
            return Ok(GetResponse {
                headers: Headers::remembered(&exchange),
                body: Body {
                    exchange: None,
                    chunk: answer.body,
                },
            });
        }
        let response = exchange.perform().map_err(GixError::from_error)?;
        let tail = url.strip_prefix(base_url).unwrap_or_default();
        self.base = match response.url().as_str().strip_suffix(tail) {
            Some(base) if base != base_url => Some(base.to_owned()),
            _ => None,
        };
        let heads = response.headers().clone();
        let (body, ended) = exchange.capabilities().map_err(GixError::from_error)?;
        if ended {
            let answer = memory::Answer {
                base: self.base.clone(),
                body: body.clone(),
            };
            memory::keep(key, &heads, answer);
        }
        let exchange = Arc::new(Mutex::new(exchange));
        Ok(GetResponse {
            headers: Headers::new(&exchange),
            body: Body {
                exchange: Some(exchange),
                chunk: body,
            },
        })
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _body: PostBodyDataKind,
    ) -> Result<PostResponse<Headers, Body, PostBody>, GixError> {
        let mut exchange = self.exchange(url, headers)?;
        exchange.body = Some(Vec::new());
        let exchange = Arc::new(Mutex::new(exchange));
        Ok(PostResponse {
            post_body: PostBody(exchange.clone()),
            headers: Headers::new(&exchange),
            body: Body {
                exchange: Some(exchange),
                chunk: Bytes::new(),
            },
        })
    }

    fn configure(&mut self, _config: &dyn std::any::Any) -> Result<(), GixError> {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.base.clone()
    }
}

/// A request that is sent when somebody wants the answer.
struct Exchange {
    http: reqwest::Client,
    url: url::Url,
    headers: HeaderMap,
    /// Of a POST. What a fetch asks for is small, so it is collected.
    body: Option<Vec<u8>>,
    response: Option<reqwest::Response>,
    proxy: Option<SafeUrl>,
    budget: Budget,
    wire: Wire,
}

impl Exchange {
    fn perform(&mut self) -> io::Result<&mut reqwest::Response> {
        if self.response.is_none() {
            let headers = std::mem::take(&mut self.headers);
            let request = match self.body.take() {
                Some(body) => self.http.post(self.url.clone()).body(body),
                None => self.http.get(self.url.clone()),
            };
            let answer = self.budget.run(request.headers(headers).send());
            let answer = answer
                .and_then(|answer| answer.map_err(|error| unreached(error, self.proxy.as_ref())));
            let response = answer.map_err(|failure| self.wire.fail(failure))?;
            let response =
                accept(response, &self.budget).map_err(|failure| self.wire.fail(failure))?;
            self.response = Some(response);
        }
        self.response
            .as_mut()
            .ok_or_else(|| io::Error::other("no answer"))
    }

    /// The beginning of the answer, the whole of it as far as it is a list of capabilities; and whether it ends there.
    fn capabilities(&mut self) -> io::Result<(Bytes, bool)> {
        let mut body = self.next()?;
        while memory::may_be_capabilities(&body) && body.len() <= memory::LONGEST {
            let chunk = self.next()?;
            if chunk.is_empty() {
                return Ok((body, true));
            }
            body = [body, chunk].concat().into();
        }
        Ok((body, false))
    }

    fn next(&mut self) -> io::Result<Bytes> {
        self.perform()?;
        let Some(response) = self.response.as_mut() else {
            return Ok(Bytes::new());
        };
        let chunk = self.budget.run(response.chunk());
        let chunk =
            chunk.and_then(|chunk| chunk.map_err(|error| Failure::Connection(innermost(error))));
        let chunk = chunk
            .map_err(|failure| self.wire.fail(failure))?
            .unwrap_or_default();
        self.wire.count(chunk.len())?;
        Ok(chunk)
    }
}

/// Turns statuses into failures as go-git does (go-git `plumbing/transport/http`, `NewErr`).
fn accept(mut response: reqwest::Response, budget: &Budget) -> Result<reqwest::Response, Failure> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let mut page = Vec::new();
    while page.len() < PAGE {
        match budget.run(response.chunk()) {
            Ok(Ok(Some(chunk))) => page.extend_from_slice(&chunk),
            _ => break,
        }
    }
    let text = page::said(&String::from_utf8_lossy(&page));
    Err(match status.as_u16() {
        401 => Failure::AuthenticationRequired(text),
        403 => Failure::AuthorizationFailed(text),
        404 => Failure::RepositoryNotFound(text),
        status => Failure::Status { status, text },
    })
}

/// Why no answer came. A proxy is named, unless it led as far as the server's certificate.
fn unreached(error: reqwest::Error, proxy: Option<&SafeUrl>) -> Failure {
    let is_of_tls = cause(&error).is::<rustls::Error>();
    let proxy = proxy.filter(|_| error.is_connect() && !is_of_tls);
    let text = innermost(error);
    Failure::Connection(match proxy {
        Some(proxy) => format!("proxy {proxy}: {text}"),
        None => text,
    })
}

/// The innermost cause, which tells most, without the URL.
pub(crate) fn innermost(error: reqwest::Error) -> String {
    let error = error.without_url();
    let cause = cause(&error);
    if is_plain_http(cause) {
        // Go's words (net/http, `transport.go`).
        return "server gave HTTP response to HTTPS client".to_owned();
    }
    cause.to_string()
}

type Cause = dyn std::error::Error + 'static;

fn cause(error: &Cause) -> &Cause {
    let mut cause = error;
    loop {
        // It passes over what it holds itself.
        let held = cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match held.map(|held| held as &Cause).or_else(|| cause.source()) {
            Some(inner) => cause = inner,
            None => return cause,
        }
    }
}

/// Whether what came in a TLS handshake was nothing of TLS.
fn is_plain_http(cause: &Cause) -> bool {
    let plain = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
    cause.downcast_ref::<rustls::Error>() == Some(&plain)
}

type Shared = Arc<Mutex<Exchange>>;

fn with<T>(exchange: &Shared, act: impl FnOnce(&mut Exchange) -> T) -> T {
    act(&mut exchange.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The answer's headers, line by line.
pub(crate) struct Headers {
    exchange: Shared,
    text: Option<io::Cursor<Vec<u8>>>,
}

impl Headers {
    fn new(exchange: &Shared) -> Self {
        Self {
            exchange: exchange.clone(),
            text: None,
        }
    }

    /// Those of an answer from memory.
    fn remembered(exchange: &Shared) -> Self {
        let text = format!("content-type: {}\n", memory::CONTENT);
        Self {
            exchange: exchange.clone(),
            text: Some(io::Cursor::new(text.into_bytes())),
        }
    }

    fn text(&mut self) -> io::Result<&mut io::Cursor<Vec<u8>>> {
        if self.text.is_none() {
            let text = with(&self.exchange, |exchange| {
                let mut text = Vec::new();
                for (name, value) in exchange.perform()?.headers() {
                    text.extend_from_slice(name.as_str().as_bytes());
                    text.extend_from_slice(b": ");
                    text.extend_from_slice(value.as_bytes());
                    text.push(b'\n');
                }
                io::Result::Ok(text)
            })?;
            self.text = Some(io::Cursor::new(text));
        }
        self.text
            .as_mut()
            .ok_or_else(|| io::Error::other("no answer"))
    }
}

impl Read for Headers {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.text()?.read(buffer)
    }
}

impl BufRead for Headers {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.text()?.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Some(text) = &mut self.text {
            text.consume(amount);
        }
    }
}

/// The answer's body as it comes.
pub(crate) struct Body {
    /// None for an answer from memory, which does not go on.
    exchange: Option<Shared>,
    chunk: Bytes,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Body {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if let Some(exchange) = self.exchange.as_ref().filter(|_| self.chunk.is_empty()) {
            self.chunk = with(exchange, Exchange::next)?;
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, amount: usize) {
        self.chunk = self.chunk.slice(amount.min(self.chunk.len())..);
    }
}

/// What a POST sends.
pub(crate) struct PostBody(Shared);

impl Write for PostBody {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        with(&self.0, |exchange| {
            exchange
                .body
                .get_or_insert_default()
                .extend_from_slice(bytes);
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
