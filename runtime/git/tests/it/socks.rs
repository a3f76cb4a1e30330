//! A SOCKS5 proxy in this process (RFC 1928, 1929), before whom no name resolves.

use crate::checkout::budget;
use crate::ssh::{HOST_ED25519_PUBLIC, SshServer, USER_ED25519};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use tidegate_git::{Credentials, Error, Failure, Options, Outcome, Reference, Remote, checkout};
use tidegate_testkit::GitServer;
use tidegate_values::{SafeUrl, Secret};

/// Leads every connection to one address, and keeps what it was asked for.
struct Socks {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Socks {
    fn start(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (target, seen) = (target.clone(), seen.clone());
                std::thread::spawn(move || serve(stream, &target, &seen));
            }
        });
        Self { address, asked }
    }

    fn url(&self, user: &str) -> SafeUrl {
        SafeUrl::new(format!("socks5://{user}{}", self.address))
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn text(stream: &mut TcpStream) -> io::Result<String> {
    let mut length = [0];
    stream.read_exact(&mut length)?;
    let mut text = vec![0; length[0].into()];
    stream.read_exact(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn serve(mut stream: TcpStream, target: &str, asked: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut greeting = [0; 2];
    stream.read_exact(&mut greeting)?;
    let mut methods = vec![0; greeting[1].into()];
    stream.read_exact(&mut methods)?;
    let mut user = String::new();
    if methods.contains(&2) {
        stream.write_all(&[5, 2])?;
        let mut version = [0];
        stream.read_exact(&mut version)?;
        user = format!("{}:{}@", text(&mut stream)?, text(&mut stream)?);
        stream.write_all(&[1, u8::from(user.contains("wrong"))])?;
    } else {
        stream.write_all(&[5, 0])?;
    }
    let mut request = [0; 4];
    stream.read_exact(&mut request)?;
    let host = match request[3] {
        3 => text(&mut stream)?,
        4 => {
            let mut address = [0; 16];
            stream.read_exact(&mut address)?;
            std::net::Ipv6Addr::from(address).to_string()
        }
        _ => "an IPv4 address".to_owned(),
    };
    let mut port = [0; 2];
    stream.read_exact(&mut port)?;
    let port = u16::from_be_bytes(port);
    asked.lock().unwrap().push(format!("{user}{host} {port}"));
    let mut upstream = TcpStream::connect(target)?;
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    let (mut back, mut from) = (stream.try_clone()?, upstream.try_clone()?);
    std::thread::spawn(move || {
        let _ = io::copy(&mut from, &mut back);
        let _ = back.shutdown(std::net::Shutdown::Write);
    });
    io::copy(&mut stream, &mut upstream)?;
    upstream.shutdown(std::net::Shutdown::Write)
}

fn fetch(remote: &Remote) -> Result<Outcome, Error> {
    let reference = Reference::branch("main");
    checkout(remote, &reference, &Options::default(), &budget())
}

#[test]
fn http_goes_through_and_the_proxy_resolves_the_name() {
    let server = GitServer::start().unwrap();
    let repository = server.repository("main").unwrap();
    repository.commit("one").unwrap();
    let address = repository.url().strip_prefix("http://").unwrap();
    let (host, path) = address.split_once('/').unwrap();
    let socks = Socks::start(host.to_owned());
    let remote = Remote::new(&format!("http://git.case.test/{path}")).unwrap();
    let remote = remote.with_proxy(socks.url("me:pass@"));
    assert!(matches!(fetch(&remote).unwrap(), Outcome::Fetched(_)));
    let asked = socks.asked();
    assert!(
        asked
            .iter()
            .all(|asked| asked == "me:pass@git.case.test 80"),
        "{asked:?}"
    );
    assert!(!asked.is_empty());
}

#[test]
fn ssh_goes_through_and_the_proxy_resolves_the_name() {
    let store = GitServer::start().unwrap();
    let repository = store.repository("main").unwrap();
    repository.commit("one").unwrap();
    let path = repository.git_dir().display().to_string();
    let server = SshServer::start();
    let socks = Socks::start(format!("127.0.0.1:{}", server.port));
    let remote = |host: &str| {
        let key: Vec<&str> = HOST_ED25519_PUBLIC.split(' ').take(2).collect();
        let remote = Remote::new(&format!("ssh://git@{host}{path}")).unwrap();
        remote.with_credentials(Credentials::Ssh {
            identity: Secret::new(USER_ED25519),
            passphrase: None,
            known_hosts: format!("git.case.test,::1 {}\n", key.join(" ")),
        })
    };
    for (host, user, asked) in [
        ("git.case.test", "", "git.case.test 22"),
        ("git.case.test", "me:p%40ss@", "me:p@ss@git.case.test 22"),
        ("[::1]", "", "::1 22"),
    ] {
        let remote = remote(host).with_proxy(socks.url(user));
        assert!(matches!(fetch(&remote).unwrap(), Outcome::Fetched(_)));
        assert_eq!(socks.asked(), [asked]);
    }

    let cause = |proxy| match fetch(&remote("git.case.test").with_proxy(proxy)) {
        Err(Error::Clone { cause, .. }) => cause,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was fetched"),
    };
    let refused = cause(socks.url("me:wrong@"));
    assert!(matches!(refused, Failure::Connection(_)), "{refused}");
    assert!(!refused.to_string().contains("wrong"), "{refused}");
    let down = cause(SafeUrl::new("socks5://127.0.0.1:9"));
    assert_eq!(
        down.to_string(),
        "can't connect: proxy socks5://127.0.0.1:9: Connection refused (os error 111)"
    );
    assert_eq!(
        cause(SafeUrl::new("http://127.0.0.1:9")).to_string(),
        "unusable proxy: SSH goes through SOCKS5 proxies only, and the scheme is 'http'"
    );
}
