use crate::error::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use russh::keys::{Algorithm, PublicKey};

/// The lines of a `known_hosts` text that are about one host.
#[derive(Debug)]
pub(super) struct KnownHosts {
    keys: Vec<PublicKey>,
    revoked: Vec<PublicKey>,
}

/// What the lines say about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Known,
    /// Nothing is known about the host.
    Unknown,
    /// The host has other keys.
    Mismatch,
    Revoked,
}

impl KnownHosts {
    /// Reads the format of OpenSSH (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). Certificate authorities are passed over.
    pub(super) fn parse(text: &str, host: &str, port: u16) -> Result<Self, Failure> {
        let mut known = Self {
            keys: Vec::new(),
            revoked: Vec::new(),
        };
        for (number, line) in text.lines().enumerate() {
            let mut words = line.split_whitespace().peekable();
            let marker = words.next_if(|word| word.starts_with('@'));
            let Some(hosts) = words.next().filter(|word| !word.starts_with('#')) else {
                continue;
            };
            let wrong = || Failure::HostKey(format!("line {} can't be read", number + 1));
            let (Some(_), Some(key)) = (words.next(), words.next()) else {
                return Err(wrong());
            };
            if marker == Some("@cert-authority") || !names(hosts, host, port) {
                continue;
            }
            let key = russh::keys::parse_public_key_base64(key).map_err(|_| wrong())?;
            if marker == Some("@revoked") {
                known.revoked.push(key);
            } else {
                known.keys.push(key);
            }
        }
        Ok(known)
    }

    pub(super) fn judge(&self, key: &PublicKey) -> Verdict {
        let is = |known: &PublicKey| known.key_data() == key.key_data();
        if self.revoked.iter().any(is) {
            Verdict::Revoked
        } else if self.keys.iter().any(is) {
            Verdict::Known
        } else if self.keys.is_empty() {
            Verdict::Unknown
        } else {
            Verdict::Mismatch
        }
    }

    /// Of the known keys, so that the server shows one of those.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        self.keys.iter().map(PublicKey::algorithm).collect()
    }
}

/// Whether the first field of a line means this host.
fn names(patterns: &str, host: &str, port: u16) -> bool {
    let address = if port == 22 {
        host.to_owned()
    } else {
        format!("[{host}]:{port}")
    };
    let mut named = false;
    for pattern in patterns.split(',') {
        if let Some(hashed) = pattern.strip_prefix("|1|") {
            named |= is_hash_of(hashed, &address);
        } else if let Some(pattern) = pattern.strip_prefix('!') {
            if fits(pattern, host, port) {
                return false;
            }
        } else {
            named |= fits(pattern, host, port);
        }
    }
    named
}

/// `salt|HMAC-SHA1 of the address with that salt`, both in base64.
fn is_hash_of(hashed: &str, address: &str) -> bool {
    let Some((salt, hash)) = hashed.split_once('|') else {
        return false;
    };
    let (Ok(salt), Ok(hash)) = (STANDARD.decode(salt), STANDARD.decode(hash)) else {
        return false;
    };
    let Ok(hmac) = Hmac::<sha1::Sha1>::new_from_slice(&salt) else {
        return false;
    };
    hmac.chain_update(address).verify_slice(&hash).is_ok()
}

/// A name with `*` and `?`, or `[name]:port`.
fn fits(pattern: &str, host: &str, port: u16) -> bool {
    let (name, wanted) = match pattern
        .strip_prefix('[')
        .and_then(|rest| rest.rsplit_once("]:"))
    {
        Some((name, number)) => (name, number.parse().ok()),
        None => (pattern, Some(22)),
    };
    wanted == Some(port) && is_like(name.as_bytes(), host.as_bytes())
}

fn is_like(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|taken| is_like(rest, &name[taken..])),
        Some((wanted, rest)) => match name.split_first() {
            Some((found, name)) => {
                (*wanted == b'?' || wanted.eq_ignore_ascii_case(found)) && is_like(rest, name)
            }
            None => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn hosts_are_named_in_every_form() {
        for (patterns, host, port, named) in [
            ("git.example.test", "git.example.test", 22, true),
            ("git.example.test", "git.example.test", 2222, false),
            ("[git.example.test]:2222", "git.example.test", 2222, true),
            ("a.test,b.test", "b.test", 22, true),
            ("*.example.test", "git.example.test", 22, true),
            (
                "*.example.test,!git.example.test",
                "git.example.test",
                22,
                false,
            ),
            ("gi?.test", "git.test", 22, true),
            ("gi?.test", "gi.test", 22, false),
            // Made by `ssh-keygen -H` from `git.example.test` and `[git.example.test]:2222`.
            (
                "|1|i2Rs7XC2BVUKdtxbvDTpm+h6+hY=|//tY7LqxUvGJfsiMG5735Toc4Rs=",
                "git.example.test",
                22,
                true,
            ),
            (
                "|1|i2Rs7XC2BVUKdtxbvDTpm+h6+hY=|//tY7LqxUvGJfsiMG5735Toc4Rs=",
                "git.example.test",
                2222,
                false,
            ),
            (
                "|1|MiAqdQECpQ2G60/xaE54IrJhPLs=|md6IYaB6DDyuDqiPtHB3xKcZO0g=",
                "git.example.test",
                2222,
                true,
            ),
        ] {
            assert_eq!(
                names(patterns, host, port),
                named,
                "{patterns} {host} {port}"
            );
        }
    }
}
