//! The connection that SSH is spoken over.

use crate::error::Failure;
use crate::remote::decoded;
use tidegate_values::SafeUrl;
use tokio::net::TcpStream;
use tokio_socks::tcp::Socks5Stream;

/// Of a proxy whose URL names none (golang.org/x/net, `proxy.FromURL`).
const SOCKS_PORT: u16 = 1080;

/// Connects to a host, through `proxy` if there is one.
///
/// As with go-git (`plumbing/transport/ssh`, `dial`) that is a SOCKS5 proxy, and it is the proxy that looks the host's
/// name up.
pub(super) async fn dial(
    host: &str,
    port: u16,
    proxy: Option<&SafeUrl>,
) -> Result<TcpStream, Failure> {
    let Some(proxy) = proxy else {
        let stream = TcpStream::connect((host, port)).await;
        return stream.map_err(|error| Failure::Connection(error.to_string()));
    };
    let url = url::Url::parse(proxy.expose()).map_err(|error| Failure::Proxy(error.to_string()))?;
    if !matches!(url.scheme(), "socks5" | "socks5h") {
        return Err(Failure::Proxy(format!(
            "SSH goes through SOCKS5 proxies only, and the scheme is '{}'",
            url.scheme()
        )));
    }
    let at = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let way = TcpStream::connect((at, url.port().unwrap_or(SOCKS_PORT))).await;
    let way = way.map_err(|error| Failure::Connection(format!("proxy {proxy}: {error}")))?;
    let target = (host, port);
    let stream = match url.username() {
        "" => Socks5Stream::connect_with_socket(way, target).await,
        username => {
            let username = decoded(username);
            let password = decoded(url.password().unwrap_or_default());
            Socks5Stream::connect_with_password_and_socket(way, target, &username, &password).await
        }
    };
    stream
        .map(Socks5Stream::into_inner)
        .map_err(|error| Failure::Connection(format!("proxy {proxy}: {error}")))
}
