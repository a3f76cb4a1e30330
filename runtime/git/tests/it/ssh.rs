//! Against `git-upload-pack` behind an SSH server in this process. The keys in `data/ssh` guard nothing else.

use crate::bounds::{limited, link};
use crate::checkout::{budget, files};
use russh::keys::{PrivateKey, PublicKey};
use russh::server::{Auth, Config, Handler, Msg, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, Preferred};
use std::collections::HashMap;
use std::process::Stdio;
use std::sync::Arc;
use tidegate_git::{
    Credentials, Error, Failure, Options, Outcome, Reference, Remote, SshAlgorithms, checkout,
};
use tidegate_testkit::GitServer;
use tidegate_testkit::git_server::Repository;
use tidegate_values::{Secret, Tree as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

pub(crate) const USER_ED25519: &str = include_str!("../data/ssh/user_ed25519");
const USER_ENCRYPTED: &str = include_str!("../data/ssh/user_encrypted");
const USER_RSA: &str = include_str!("../data/ssh/user_rsa");
const HOST_ED25519: &str = include_str!("../data/ssh/host_ed25519");
pub(crate) const HOST_ED25519_PUBLIC: &str = include_str!("../data/ssh/host_ed25519.pub");
const HOST_RSA: &str = include_str!("../data/ssh/host_rsa");
const HOST_RSA_PUBLIC: &str = include_str!("../data/ssh/host_rsa.pub");

fn private(text: &str) -> PrivateKey {
    russh::keys::decode_secret_key(text, None).unwrap()
}

/// A server that lets two of the users in.
pub(crate) struct SshServer {
    pub(crate) port: u16,
    _runtime: tokio::runtime::Runtime,
}

impl SshServer {
    pub(crate) fn start() -> Self {
        Self::start_with(Preferred::default())
    }

    fn start_with(preferred: Preferred) -> Self {
        Self::start_as(preferred, true)
    }

    /// `newer`: whether Git is told which protocol the client asks for.
    fn start_as(preferred: Preferred, newer: bool) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let port = listener.local_addr().unwrap().port();
        let encrypted =
            russh::keys::decode_secret_key(USER_ENCRYPTED, Some("open sesame")).unwrap();
        let allowed = [private(USER_ED25519), private(USER_RSA), encrypted]
            .map(|key| key.public_key().clone());
        let config = Config {
            auth_rejection_time: std::time::Duration::from_millis(10),
            keys: vec![private(HOST_ED25519), private(HOST_RSA)],
            preferred,
            ..Config::default()
        };
        let (config, allowed) = (Arc::new(config), Arc::new(allowed.to_vec()));
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let client = Client {
                    allowed: allowed.clone(),
                    channels: HashMap::new(),
                    protocol: String::new(),
                    newer,
                };
                let config = config.clone();
                tokio::spawn(async move {
                    if let Ok(session) = russh::server::run_stream(config, stream, client).await {
                        let _ = session.await;
                    }
                });
            }
        });
        Self {
            port,
            _runtime: runtime,
        }
    }

    fn known(&self, public: &str) -> String {
        let key: Vec<&str> = public.split(' ').take(2).collect();
        format!("# the host\n[127.0.0.1]:{} {}\n", self.port, key.join(" "))
    }
}

struct Client {
    allowed: Arc<Vec<PublicKey>>,
    channels: HashMap<ChannelId, Channel<Msg>>,
    protocol: String,
    newer: bool,
}

impl Handler for Client {
    type Error = russh::Error;

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        let known = self
            .allowed
            .iter()
            .any(|allowed| allowed.key_data() == key.public_key.key_data());
        Ok(if user == "git" && known {
            Auth::Accept
        } else {
            Auth::reject()
        })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: russh::server::ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn env_request(
        &mut self,
        _channel: ChannelId,
        name: &str,
        value: &str,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        if name == "GIT_PROTOCOL" && self.newer {
            value.clone_into(&mut self.protocol);
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let channel = self.channels.remove(&id).unwrap();
        let child = tokio::process::Command::new("sh")
            .arg("-c")
            .arg(String::from_utf8_lossy(command).into_owned())
            .env("GIT_PROTOCOL", &self.protocol)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        session.channel_success(id)?;
        tokio::spawn(async move {
            let mut child = child;
            let mut stderr = child.stderr.take().unwrap();
            let (mut input, mut output) =
                (child.stdin.take().unwrap(), child.stdout.take().unwrap());
            let mut writer = channel.make_writer();
            let (mut read, write) = channel.split();
            let feed = tokio::spawn(async move {
                while let Some(message) = read.wait().await {
                    match message {
                        russh::ChannelMsg::Data { data }
                            if input.write_all(&data).await.is_ok() => {}
                        russh::ChannelMsg::Data { .. }
                        | russh::ChannelMsg::Eof
                        | russh::ChannelMsg::Close => break,
                        _ => {}
                    }
                }
            });
            let _ = tokio::io::copy(&mut output, &mut writer).await;
            let mut complaint = Vec::new();
            let _ = stderr.read_to_end(&mut complaint).await;
            let _ = write.extended_data(1, complaint.as_slice()).await;
            let _ = write.exit_status(0).await;
            let _ = write.close().await;
            feed.abort();
        });
        Ok(())
    }
}

fn go(
    server: &SshServer,
    path: &str,
    identity: &str,
    phrase: Option<&str>,
    known: &str,
) -> Result<Outcome, Error> {
    let algorithms = SshAlgorithms::default();
    go_with(algorithms, server, path, identity, phrase, known)
}

fn go_with(
    algorithms: SshAlgorithms,
    server: &SshServer,
    path: &str,
    identity: &str,
    phrase: Option<&str>,
    known: &str,
) -> Result<Outcome, Error> {
    let url = format!("ssh://git@127.0.0.1:{}{path}", server.port);
    let credentials = Credentials::Ssh {
        identity: Secret::new(identity),
        passphrase: phrase.map(Secret::new),
        known_hosts: known.to_owned(),
    };
    let remote = Remote::new(&url)?
        .with_credentials(credentials)
        .with_ssh_algorithms(algorithms);
    checkout(
        &remote,
        &Reference::branch("main"),
        &Options::default(),
        &budget(),
    )
}

fn cause(outcome: Result<Outcome, Error>) -> Failure {
    match outcome.err().unwrap() {
        Error::Clone { cause, .. } => cause,
        other => panic!("{other}"),
    }
}

/// Servers of the first protocol give only what references lead to, and one answer a connection: all history comes
/// then, of which nobody wants the file over the limit.
#[test]
fn a_large_file_elsewhere_in_history_harms_nobody() {
    let store = GitServer::start().unwrap();
    let repository = store.repository("history").unwrap();
    repository.write("a.yaml", "a: 1\n").unwrap();
    let first = repository.commit("first").unwrap();
    repository.write("big", vec![b'x'; 10_000]).unwrap();
    repository.commit("big").unwrap();
    repository.remove("big").unwrap();
    repository.commit("gone").unwrap();
    repository
        .git(&["config", "uploadpack.allowAnySHA1InWant", "false"])
        .unwrap();
    let main = store.repository("main").unwrap();
    let modules = "[submodule \"lib\"]\n\tpath = lib\n\turl = ../history.git\n";
    main.write(".gitmodules", modules).unwrap();
    link(&main, "lib", &first);

    let server = SshServer::start_as(Preferred::default(), false);
    let take = |repository: &Repository, reference: &Reference| {
        let path = repository.git_dir().display().to_string();
        let url = format!("ssh://git@127.0.0.1:{}{path}", server.port);
        let remote = Remote::new(&url).unwrap();
        let remote = remote.with_credentials(Credentials::Ssh {
            identity: Secret::new(USER_ED25519),
            passphrase: None,
            known_hosts: server.known(HOST_ED25519_PUBLIC),
        });
        let options = Options {
            submodules: true,
            ..limited(9_999)
        };
        match checkout(&remote, reference, &options, &budget()).unwrap() {
            Outcome::Fetched(got) => got.tree,
            _ => panic!("nothing came"),
        }
    };
    let pinned = Reference {
        commit: Some(first.clone()),
        branch: Some("main".to_owned()),
        ..Reference::default()
    };
    let tree = take(&repository, &pinned);
    assert_eq!(tree.read("a.yaml").unwrap(), "a: 1\n");
    let tree = take(&main, &Reference::branch("main"));
    assert_eq!(tree.read("lib/a.yaml").unwrap(), "a: 1\n");
}

#[test]
fn a_repository_comes_over_ssh() {
    let store = GitServer::start().unwrap();
    let repository = store.repository("it's here").unwrap();
    repository.write("a.yaml", "a: 1\n").unwrap();
    let head = repository.commit("one").unwrap();
    let path = repository
        .git(&["rev-parse", "--absolute-git-dir"])
        .unwrap();
    let server = SshServer::start();
    for (identity, phrase) in [
        (USER_ED25519, None),
        (USER_RSA, None),
        (USER_ENCRYPTED, Some("open sesame")),
    ] {
        for public in [HOST_ED25519_PUBLIC, HOST_RSA_PUBLIC] {
            match go(&server, &path, identity, phrase, &server.known(public)).unwrap() {
                Outcome::Fetched(got) => {
                    assert_eq!(got.commit.hash, head);
                    assert_eq!(
                        files(&got.tree),
                        [("a.yaml".to_owned(), "a: 1\n".to_owned())]
                    );
                }
                _ => panic!("nothing came"),
            }
        }
    }
}

#[test]
fn hosts_and_users_are_checked() {
    let server = SshServer::start();
    let known = server.known(HOST_ED25519_PUBLIC);
    let unknown = cause(go(&server, "/x", USER_ED25519, None, ""));
    assert_eq!(unknown, Failure::HostKey("key is unknown".into()));
    let other = known.replace(
        HOST_ED25519_PUBLIC.split(' ').nth(1).unwrap(),
        USER_PUBLIC.split(' ').nth(1).unwrap(),
    );
    assert_eq!(
        cause(go(&server, "/x", USER_ED25519, None, &other)),
        Failure::HostKey("key mismatch".into())
    );
    let revoked = format!("{known}@revoked {}", known.lines().nth(1).unwrap());
    assert_eq!(
        cause(go(&server, "/x", USER_ED25519, None, &revoked)),
        Failure::HostKey("key is revoked".into())
    );
    let stranger = go(&server, "/x", HOST_ED25519, None, &known).err().unwrap();
    assert!(
        matches!(
            &stranger,
            Error::Clone {
                cause: Failure::AuthenticationRequired(_),
                ..
            }
        ),
        "{stranger}"
    );
    let locked = cause(go(&server, "/x", USER_ENCRYPTED, None, &known));
    assert_eq!(
        locked.to_string(),
        "ssh: the private key can't be used: it is encrypted and needs a passphrase"
    );
    let wrong = cause(go(&server, "/x", USER_ENCRYPTED, Some("wrong"), &known));
    assert!(matches!(wrong, Failure::Ssh(_)), "{wrong}");
    let missing = cause(go(
        &server,
        "/no/such/repository",
        USER_ED25519,
        None,
        &known,
    ));
    assert!(
        matches!(missing, Failure::RepositoryNotFound(_)),
        "{missing}"
    );
}

/// What comes of looking for a repository that is not there: that much if the algorithms are agreed on.
fn agreed(algorithms: SshAlgorithms, server: &SshServer, known: &str) -> Result<(), Failure> {
    let outcome = go_with(algorithms, server, "/nowhere", USER_ED25519, None, known);
    match cause(outcome) {
        Failure::RepositoryNotFound(_) => Ok(()),
        other => Err(other),
    }
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn key_exchanges_are_those_that_were_configured() {
    let server = SshServer::start_with(Preferred {
        kex: [russh::kex::ECDH_SHA2_NISTP256].to_vec().into(),
        ..Preferred::default()
    });
    let known = server.known(HOST_ED25519_PUBLIC);
    let only = |names: &[&str]| SshAlgorithms::default().with_key_exchanges(&texts(names));
    let both = only(&["curve25519-sha256", "ecdh-sha2-nistp256"]).unwrap();
    assert_eq!(agreed(both, &server, &known), Ok(()));
    let refused = agreed(only(&["curve25519-sha256"]).unwrap(), &server, &known).unwrap_err();
    assert!(matches!(refused, Failure::Ssh(_)), "{refused}");
    for wrong in ["rot13", "none", "ext-info-c", ""] {
        let error = only(&["curve25519-sha256", wrong]).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("`{wrong}` is none of ")) && error.contains("ecdh-sha2"),
            "{error}"
        );
    }
}

#[test]
fn host_keys_are_those_that_were_configured() {
    let server = SshServer::start();
    let known = server.known(HOST_RSA_PUBLIC);
    let only = |names: &[&str]| SshAlgorithms::default().with_host_keys(&texts(names));
    for name in ["rsa-sha2-256", "rsa-sha2-512"] {
        assert_eq!(agreed(only(&[name]).unwrap(), &server, &known), Ok(()));
    }
    // The list goes before what is known about the host, so the server shows another key.
    assert_eq!(
        agreed(only(&["ssh-ed25519", "ssh-rsa"]).unwrap(), &server, &known),
        Err(Failure::HostKey("key mismatch".into()))
    );
    let error = only(&["ssh-dss"]).unwrap_err().to_string();
    assert!(
        error.starts_with("`ssh-dss` is none of ") && error.contains("rsa-sha2-512"),
        "{error}"
    );
}

const USER_PUBLIC: &str = include_str!("../data/ssh/user_ed25519.pub");
