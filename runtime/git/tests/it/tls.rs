//! Certificates and proxies. The keys in `data/tls` guard nothing else.

use crate::checkout::budget;
use crate::relay::relay;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use std::net::TcpListener;
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

/// Signed by themselves and marked as an authority's, all with one key: a good one, one that is over, and one of another
/// host.
const SELF: [&str; 3] = [
    include_str!("../data/tls/self.crt"),
    include_str!("../data/tls/self-expired.crt"),
    include_str!("../data/tls/self-other.crt"),
];
const SELF_KEY: &str = include_str!("../data/tls/self.key");

/// A TLS front for a server at `backend` (host and port); gives its own address. Clients may have to show a
/// certificate.
fn front(backend: String, ask: bool) -> String {
    front_as(SERVER, backend, ask)
}

fn front_as(server: (&str, &str), backend: String, ask: bool) -> String {
    let authority = CertificateDer::from_pem_slice(CA.as_bytes()).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(server.0.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(server.1.as_bytes()).unwrap();
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
            std::thread::spawn(move || relay(&mut stream, &backend, None));
        }
    });
    format!("https://{address}")
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
fn a_certificate_that_signed_itself_is_trusted_when_given() {
    let (_server, backend) = served();
    let remote = |certificate: &str| {
        let front = front_as((certificate, SELF_KEY), backend.clone(), false);
        Remote::new(&format!("{front}/x.git")).unwrap()
    };
    let [good, expired, other] = SELF;
    let several = [
        CA,
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        good,
    ]
    .concat();
    for given in [good, &several] {
        assert!(matches!(
            go(&remote(good).with_ca(given)).unwrap(),
            Outcome::Fetched(_)
        ));
    }
    for (shown, given, why) in [
        (good, "", "UnknownIssuer"),
        (good, CA, "UnknownIssuer"),
        (good, other, "UnknownIssuer"),
        (expired, expired, "expired"),
        (other, other, "not valid for name"),
    ] {
        match go(&remote(shown).with_ca(given)) {
            Err(Error::Clone {
                cause: Failure::Connection(text),
                ..
            }) => {
                assert!(text.contains(why), "{why}: {text}");
            }
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("{why}: it was fetched"),
        }
    }
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
    assert_eq!(
        nobody.to_string(),
        "unable to clone 'http://git.example.test/x.git': \
         can't connect: proxy http://127.0.0.1:9: Connection refused (os error 111)"
    );
}

#[test]
fn a_server_without_tls_is_said_to_have_none() {
    let (_server, backend) = served();
    let url = format!("https://{backend}/x.git");
    let refused = go(&Remote::new(&url).unwrap()).err().unwrap();
    assert_eq!(
        refused.to_string(),
        format!(
            "unable to clone '{url}': can't connect: server gave HTTP response to HTTPS client"
        )
    );
}

/// A server that leads whoever asks elsewhere, in TLS.
#[test]
fn plain_http_can_be_refused() {
    let server = GitServer::start().unwrap();
    let inner = server.repository("inner").unwrap();
    inner.commit("one").unwrap();
    let blocked = |remote: Remote| match go(&remote.with_https_only()) {
        Err(Error::List { cause, .. } | Error::Clone { cause, .. }) => cause.to_string(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was fetched"),
    };
    let text = "use of insecure plain HTTP connections is blocked";
    assert_eq!(blocked(Remote::new(inner.url()).unwrap()), text);

    let address = inner.url().strip_prefix("http://").unwrap();
    let (host, path) = address.split_once('/').unwrap();
    let secure = front(host.to_owned(), false);
    let remote = || {
        Remote::new(&format!("{secure}/{path}"))
            .unwrap()
            .with_ca(CA)
    };
    assert!(go(&remote().with_https_only()).is_ok());
    let proxy = SafeUrl::new("http://127.0.0.1:1");
    assert_eq!(blocked(remote().with_proxy(proxy)), text);

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = listener.local_addr().unwrap().to_string();
    let target = format!("http://{host}");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 4096];
            let read = std::io::Read::read(&mut stream, &mut head).unwrap_or_default();
            let line = String::from_utf8_lossy(&head[..read]).into_owned();
            let asked = line.split(' ').nth(1).unwrap_or("/").to_owned();
            let answer = format!(
                "HTTP/1.1 302 Found\r\nLocation: {target}{asked}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let _ = std::io::Write::write_all(&mut stream, answer.as_bytes());
        }
    });
    let redirecting = Remote::new(&format!("{}/{path}", front(elsewhere, false)))
        .unwrap()
        .with_ca(CA);
    assert!(go(&redirecting).is_ok(), "it is followed when it may be");
    let cause = blocked(redirecting);
    assert!(cause.contains(text), "{cause}");
}
