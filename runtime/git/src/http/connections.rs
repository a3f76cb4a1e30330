//! How the server is reached: its certificates, proxies and redirects.

use crate::error::Failure;
use crate::remote::Remote;
use std::borrow::Cow;
use tidegate_values::SafeUrl;

/// How often a request is led elsewhere at most: reqwest's own number.
const REDIRECTS: usize = 10;

/// A client with the remote's TLS and proxy settings, and connections of its own: a repository is asked once an
/// interval, when a connection kept from the last time is often dead, and a POST on a dead one is not tried again.
pub(crate) fn client(remote: &Remote) -> Result<reqwest::Client, Failure> {
    let mut builder = reqwest::Client::builder().referer(false);
    if remote.parsed.scheme() == "http" {
        // A new connection costs one round trip in the cluster's network. A kept one waits 40 ms for a delayed
        // acknowledgement at each answer of a server that writes its head and its body apart.
        builder = builder.pool_max_idle_per_host(0);
    }
    if remote.https_only {
        let proxy = remote.proxy.as_ref().map(SafeUrl::expose);
        if remote.parsed.scheme() == "http" || proxy.is_some_and(|url| url.starts_with("http:")) {
            return Err(Failure::PlainHttp);
        }
        builder = builder
            .https_only(true)
            .redirect(reqwest::redirect::Policy::custom(upwards));
    }
    builder = builder.tls_backend_preconfigured(super::trust::config(remote)?);
    if let Some(proxy) = &remote.proxy {
        let proxy = reqwest::Proxy::all(resolving(proxy.expose()).as_ref())
            .map_err(|error| Failure::Proxy(super::innermost(error)))?;
        builder = builder.proxy(proxy);
    }
    builder
        .build()
        .map_err(|error| Failure::Tls(super::innermost(error)))
}

/// A SOCKS5 proxy is left to look names up, as Go does; to reqwest `socks5` alone means that we do.
fn resolving(proxy: &str) -> Cow<'_, str> {
    match proxy.strip_prefix("socks5:") {
        Some(rest) => Cow::Owned(format!("socks5h:{rest}")),
        None => Cow::Borrowed(proxy),
    }
}

/// Follows what leads to HTTPS, as often as reqwest does by itself.
fn upwards(attempt: reqwest::redirect::Attempt<'_>) -> reqwest::redirect::Action {
    if attempt.url().scheme() == "http" {
        attempt.error(Failure::PlainHttp)
    } else if attempt.previous().len() > REDIRECTS {
        attempt.error(Failure::Protocol("too many redirects".to_owned()))
    } else {
        attempt.follow()
    }
}
