//! Git's protocol over an SSH connection of our own: no `ssh` program, no agent, no configuration of a user.

mod algorithms;
mod dial;
mod known_hosts;

pub use algorithms::{SshAlgorithms, UnknownAlgorithm};

use crate::budget::Budget;
use crate::error::Failure;
use crate::remote::{Credentials, Remote};
use crate::wire::Wire;
use bytes::Bytes;
use gix_transport::client::git::ConnectMode;
use gix_transport::client::git::blocking_io::Connection;
use known_hosts::{KnownHosts, Verdict};
use russh::client::{self, AuthResult, Handle};
use russh::keys::{Algorithm, PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use tidegate_values::Secret;

/// The account when the URL names none.
const DEFAULT_USER: &str = "git";

/// Characters of a server's complaint that end up in a message.
const COMPLAINT: usize = 300;

/// What servers say about repositories that are not there, or not to be seen.
const NOT_FOUND: [&str; 5] = [
    "repository not found",
    "does not appear to be a git repository",
    "no such project",
    "could not be found",
    "access denied",
];

/// The transport that gix speaks through.
pub(crate) type Transport = Connection<Output, Input>;

/// Connects, checks the host's key, logs in, and starts `git-upload-pack`.
pub(crate) fn connect(remote: &Remote, budget: &Budget, wire: &Wire) -> Result<Transport, Failure> {
    let (output, input) = budget.run(open(remote, budget, wire))??;
    let path = path_of(&remote.parsed);
    let url = remote.url().to_string();
    let connection = Connection::new(
        output,
        input,
        gix_transport::Protocol::V2,
        path,
        None::<(String, _)>,
        ConnectMode::Process,
        false,
    );
    Ok(connection.custom_url(Some(url.into())))
}

async fn open(remote: &Remote, budget: &Budget, wire: &Wire) -> Result<(Output, Input), Failure> {
    let Credentials::Ssh {
        identity,
        passphrase,
        known_hosts,
    } = &remote.credentials
    else {
        return Err(Failure::Ssh("an SSH identity is wanted".to_owned()));
    };
    let host = remote
        .parsed
        .host_str()
        .unwrap_or_default()
        .trim_matches(['[', ']'])
        .to_owned();
    let port = remote.parsed.port().unwrap_or(22);
    let known = KnownHosts::parse(known_hosts, &host, port)?;
    let key = read_key(
        identity.expose_str(),
        passphrase.as_ref().and_then(|phrase| phrase.expose_str()),
    )?;
    let config = client::Config {
        nodelay: true,
        preferred: remote.ssh_algorithms.preferred(known.algorithms()),
        ..client::Config::default()
    };

    let verdict = Arc::new(Mutex::new(None));
    let handler = HostKeyCheck {
        known,
        verdict: verdict.clone(),
    };
    let stream = dial::dial(&host, port, remote.proxy.as_ref()).await?;
    let connected = client::connect_stream(Arc::new(config), stream, handler).await;
    let mut session = connected.map_err(|error| {
        let refused = verdict
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        refused.unwrap_or_else(|| Failure::Ssh(error.to_string()))
    })?;

    let user = Some(remote.parsed.username())
        .filter(|user| !user.is_empty())
        .unwrap_or(DEFAULT_USER);
    let hash = match key.algorithm() {
        Algorithm::Rsa { .. } => session
            .best_supported_rsa_hash()
            .await
            .map_err(|error| failed(&error))?
            .flatten(),
        _ => None,
    };
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
    let accepted = session
        .authenticate_publickey(user, key)
        .await
        .map_err(|error| failed(&error))?;
    if !matches!(accepted, AuthResult::Success) {
        return Err(Failure::AuthenticationRequired(format!(
            "the server does not accept the key for user {user:?}"
        )));
    }
    let channel = session
        .channel_open_session()
        .await
        .map_err(|error| failed(&error))?;
    // Servers that do not know the variable speak an older protocol.
    channel
        .set_env(false, "GIT_PROTOCOL", "version=2")
        .await
        .map_err(|error| failed(&error))?;
    let command = format!("git-upload-pack {}", quoted(&path_of(&remote.parsed)));
    channel
        .exec(true, command)
        .await
        .map_err(|error| failed(&error))?;
    let (read, write) = channel.split();
    let output = Output {
        channel: read,
        _session: session,
        chunk: Bytes::new(),
        complaint: Vec::new(),
        received: false,
        budget: budget.clone(),
        wire: wire.clone(),
    };
    Ok((
        output,
        Input {
            channel: write,
            budget: budget.clone(),
            wire: wire.clone(),
        },
    ))
}

fn failed(error: &russh::Error) -> Failure {
    Failure::Ssh(error.to_string())
}

/// Whether a private key is encrypted, and so is of no use without a passphrase.
pub fn wants_passphrase(identity: &Secret) -> bool {
    let read = identity
        .expose_str()
        .map(|text| russh::keys::decode_secret_key(text, None));
    matches!(read, Some(Err(russh::keys::Error::KeyIsEncrypted)))
}

fn read_key(
    identity: Option<&str>,
    passphrase: Option<&str>,
) -> Result<russh::keys::PrivateKey, Failure> {
    let wrong = |reason: &str| Failure::Ssh(format!("the private key can't be used: {reason}"));
    let text = identity.ok_or_else(|| wrong("it is not text"))?;
    match russh::keys::decode_secret_key(text, passphrase.filter(|phrase| !phrase.is_empty())) {
        Ok(key) => Ok(key),
        Err(russh::keys::Error::KeyIsEncrypted) => {
            Err(wrong("it is encrypted and needs a passphrase"))
        }
        Err(_) if passphrase.is_some() => Err(wrong("it is malformed, or the passphrase is wrong")),
        Err(_) => Err(wrong("it is malformed")),
    }
}

/// `/~user/x` names a path in a home folder; everything else is absolute.
fn path_of(url: &url::Url) -> String {
    let encoded = url.path().replace('+', "%2B");
    let pairs = format!("x={}", encoded.replace('&', "%26"));
    let path = url::form_urlencoded::parse(pairs.as_bytes())
        .next()
        .map(|(_, path)| path.into_owned());
    let path = path.unwrap_or_default();
    if path.starts_with("/~") {
        path[1..].to_owned()
    } else {
        path
    }
}

fn quoted(path: &str) -> String {
    format!("'{}'", path.replace('\'', "'\\''"))
}

/// Judges the host's key, and remembers why it was refused.
struct HostKeyCheck {
    known: KnownHosts,
    verdict: Arc<Mutex<Option<Failure>>>,
}

impl client::Handler for HostKeyCheck {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        key: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        // The texts are those of golang.org/x/crypto/ssh/knownhosts.
        let refusal = match self.known.judge(&key.public_key()) {
            Verdict::Known => return Ok(true),
            Verdict::Unknown => "key is unknown",
            Verdict::Mismatch => "key mismatch",
            Verdict::Revoked => "key is revoked",
        };
        let mut verdict = self.verdict.lock().unwrap_or_else(PoisonError::into_inner);
        *verdict = Some(Failure::HostKey(refusal.to_owned()));
        Ok(false)
    }
}

/// What the server's `git-upload-pack` writes.
pub(crate) struct Output {
    channel: ChannelReadHalf,
    /// Closes the connection when it goes.
    _session: Handle<HostKeyCheck>,
    chunk: Bytes,
    /// What it says on its standard error.
    complaint: Vec<u8>,
    received: bool,
    budget: Budget,
    wire: Wire,
}

impl Read for Output {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self
                .budget
                .run(self.channel.wait())
                .map_err(|failure| self.wire.fail(failure))?
            {
                Some(ChannelMsg::Data { data }) => {
                    self.wire.count(data.len())?;
                    self.received = true;
                    self.chunk = data;
                }
                Some(ChannelMsg::ExtendedData { data, .. }) => {
                    let room = COMPLAINT
                        .saturating_sub(self.complaint.len())
                        .min(data.len());
                    self.complaint.extend_from_slice(&data[..room]);
                }
                Some(_) => {}
                // Servers complain before or after they close their output.
                None if self.received => return Ok(0),
                None => return Err(self.wire.fail(refusal(&self.complaint))),
            }
        }
        let count = self.chunk.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.chunk[..count]);
        self.chunk = self.chunk.slice(count..);
        Ok(count)
    }
}

fn refusal(complaint: &[u8]) -> Failure {
    let text = String::from_utf8_lossy(complaint).trim().to_owned();
    let lower = text.to_lowercase();
    if NOT_FOUND.iter().any(|phrase| lower.contains(phrase)) {
        Failure::RepositoryNotFound(text)
    } else if text.is_empty() {
        Failure::Ssh("the server closed the connection".to_owned())
    } else {
        Failure::Protocol(text)
    }
}

/// What the server's `git-upload-pack` reads.
pub(crate) struct Input {
    channel: ChannelWriteHalf<client::Msg>,
    budget: Budget,
    wire: Wire,
}

impl Write for Input {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self
            .budget
            .run(self.channel.data_bytes(Bytes::copy_from_slice(bytes)));
        let sent = sent.and_then(|sent| sent.map_err(|error| failed(&error)));
        match sent {
            Ok(()) => Ok(bytes.len()),
            Err(Failure::Ssh(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(failure) => Err(self.wire.fail(failure)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
