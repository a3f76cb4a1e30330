//! Certificates and proxies. The keys in `data/tls` guard nothing else.

use crate::checkout::budget;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use tidegate_git::{Error, Failure, Options, Outcome, Reference, Remote, checkout};
use tidegate_testkit::GitServer;
use tidegate_values::{SafeUrl, Secret};

const CA: &str = include_str!("../data/tls/ca.crt");
const SERVER: (&str, &str) = (
    include_str!("../data/tls/server.crt"),
    include_str!("../data/tls/server.key"),
);
const CLIENT: (&str, &str) = (
    include_str!("../data/tls/client.crt"),
    include_str!("../data/tls/client.key"),
);

/// A TLS front for a server at `backend` (host and port); gives its own address. Clients may have to show a
/// certificate.
fn front(backend: String, ask: bool) -> String {
    let authority = CertificateDer::from_pem_slice(CA.as_bytes()).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(SERVER.0.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(SERVER.1.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions();
    let builder = builder.unwrap();
    let builder = if ask {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .unwrap();
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let config = Arc::new(builder.with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let (mut stream, backend) = (
                rustls::StreamOwned::new(connection, stream),
                backend.clone(),
            );
            std::thread::spawn(move || relay(&mut stream, &backend));
        }
    });
    format!("https://{address}")
}

/// Passes one request on, and the answer back.
fn relay(stream: &mut (impl Read + Write), backend: &str) -> std::io::Result<()> {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    let whole = |request: &[u8]| {
        let text = String::from_utf8_lossy(request).to_lowercase();
        let Some(head) = text.find("\r\n\r\n") else {
            return false;
        };
        let length = text[..head]
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length
            .and_then(|length| length.trim().parse().ok())
            .unwrap_or(0);
        request.len() >= head + 4 + length
    };
    while !whole(&request) {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            count => request.extend_from_slice(&buffer[..count]),
        }
    }
    let text = request.windows(2).position(|pair| pair == b"\r\n").unwrap();
    request.splice(text..text, *b"\r\nConnection: close");
    let mut upstream = TcpStream::connect(backend)?;
    upstream.write_all(&request)?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer)?;
    stream.write_all(&answer)?;
    stream.flush()
}

fn go(remote: &Remote) -> Result<Outcome, Error> {
    checkout(
        remote,
        &Reference::branch("main"),
        &Options::default(),
        &budget(),
    )
}

fn served() -> (GitServer, String) {
    let server = GitServer::start().unwrap();
    server.repository("x").unwrap().commit("one").unwrap();
    let backend = server.url("x").replace("http://", "").replace("/x.git", "");
    (server, backend)
}

#[test]
fn a_private_authority_is_trusted_when_given() {
    let (_server, backend) = served();
    let remote = Remote::new(&format!("{}/x.git", front(backend, false))).unwrap();
    assert!(matches!(
        go(&remote).err().unwrap(),
        Error::Clone {
            cause: Failure::Connection(_),
            ..
        }
    ));
    assert!(matches!(
        go(&remote.clone().with_ca(CA)).unwrap(),
        Outcome::Fetched(_)
    ));
    assert!(go(&remote.with_ca("none")).is_err());
}

#[test]
fn a_client_certificate_is_shown() {
    let (_server, backend) = served();
    let remote = Remote::new(&format!("{}/x.git", front(backend, true)))
        .unwrap()
        .with_ca(CA);
    assert!(go(&remote).is_err());
    assert!(
        go(&remote
            .clone()
            .with_client_certificate(CLIENT.0, Secret::new(CLIENT.1)))
        .is_ok()
    );
    let broken = go(&remote.with_client_certificate("none", Secret::new("none")))
        .err()
        .unwrap();
    assert!(
        matches!(
            broken,
            Error::Clone {
                cause: Failure::Tls(_),
                ..
            }
        ),
        "{broken}"
    );
}

#[test]
fn a_proxy_is_gone_through() {
    let (server, backend) = served();
    let remote = Remote::new("http://git.example.test/x.git").unwrap();
    let before = server.requests();
    let proxied = remote
        .clone()
        .with_proxy(SafeUrl::new(format!("http://user:pass@{backend}")));
    assert!(matches!(go(&proxied).unwrap(), Outcome::Fetched(_)));
    assert!(server.requests() > before);
    let nobody = go(&remote.with_proxy(SafeUrl::new("http://user:hidden@127.0.0.1:9")))
        .err()
        .unwrap();
    assert!(!nobody.to_string().contains("hidden"), "{nobody}");
}
