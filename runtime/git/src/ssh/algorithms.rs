use russh::Preferred;
use russh::kex;
use russh::keys::{Algorithm, HashAlg};
use std::borrow::Cow;

/// What a client asks of SSH servers, most preferred first: `--ssh-kex-algos` and `--ssh-hostkey-algos` of Flux's
/// source-controller. Lists that are empty leave the defaults.
#[derive(Debug, Clone, Default)]
pub struct SshAlgorithms {
    key_exchanges: Vec<kex::Name>,
    host_keys: Vec<Algorithm>,
}

/// No algorithm of that name can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is none of {}", .known.join(", "))]
pub struct UnknownAlgorithm {
    name: String,
    known: Vec<String>,
}

impl SshAlgorithms {
    /// Exchanges keys by these algorithms only.
    pub fn with_key_exchanges(mut self, names: &[String]) -> Result<Self, UnknownAlgorithm> {
        // `none` is no exchange, but leaves a connection open to all.
        let known: Vec<kex::Name> = kex::ALL_KEX_ALGORITHMS
            .iter()
            .map(|name| **name)
            .filter(|name| *name != kex::NONE)
            .collect();
        self.key_exchanges = pick(names, &known, |name| name.as_ref().to_owned())?;
        Ok(self)
    }

    /// Takes host keys and signatures of these algorithms only.
    pub fn with_host_keys(mut self, names: &[String]) -> Result<Self, UnknownAlgorithm> {
        self.host_keys = pick(names, &Preferred::DEFAULT.key, ToString::to_string)?;
        Ok(self)
    }

    /// What is offered to a host with keys of these algorithms.
    pub(super) fn preferred(&self, known: Vec<Algorithm>) -> Preferred {
        let mut preferred = Preferred::default();
        if !self.key_exchanges.is_empty() {
            // Not algorithms, though they stand in the same list; as golang.org/x/crypto/ssh, `sendKexInit`.
            let extensions = [
                kex::EXTENSION_SUPPORT_AS_CLIENT,
                kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
            ];
            preferred.kex = Cow::Owned([&*self.key_exchanges, &extensions].concat());
        }
        // What was configured goes as it stands (fluxcd/pkg `git/gogit`, `CustomPublicKeys.ClientConfig`).
        let host_keys = if self.host_keys.is_empty() {
            with_better_hashes(known)
        } else {
            self.host_keys.clone()
        };
        if !host_keys.is_empty() {
            preferred.key = Cow::Owned(host_keys);
        }
        preferred
    }
}

fn pick<T: Clone>(
    names: &[String],
    known: &[T],
    name_of: impl Fn(&T) -> String,
) -> Result<Vec<T>, UnknownAlgorithm> {
    let find = |name: &String| {
        let found = known.iter().find(|known| name_of(known) == *name);
        found.cloned().ok_or_else(|| UnknownAlgorithm {
            name: name.clone(),
            known: known.iter().map(&name_of).collect(),
        })
    };
    names.iter().map(find).collect()
}

/// An RSA key can sign with better hashes than its name says: those are tried first.
fn with_better_hashes(algorithms: Vec<Algorithm>) -> Vec<Algorithm> {
    let rsa = |hash| Algorithm::Rsa { hash };
    let mut all: Vec<Algorithm> = Vec::new();
    for algorithm in algorithms {
        let variants = match algorithm {
            Algorithm::Rsa { hash: None } => vec![
                rsa(Some(HashAlg::Sha512)),
                rsa(Some(HashAlg::Sha256)),
                rsa(None),
            ],
            other => vec![other],
        };
        for variant in variants {
            if !all.contains(&variant) {
                all.push(variant);
            }
        }
    }
    all
}
