use sha2::Digest as _;
use std::fmt;
use std::str::FromStr;

/// What the digest of an archive is made with (fluxcd/pkg `artifact/digest/digest.go`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Flux registers it too. Who makes two archives can give them one SHA-1, so it proves less than the others.
    Sha1,
    #[default]
    Sha256,
    Sha384,
    Sha512,
    Blake3,
}

/// A text that should have been the digest of an archive and is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no digest: sha1, sha256, sha384, sha512 or blake3, a colon and its hexadecimal digits are wanted"
)]
pub struct DigestError(String);

impl Algorithm {
    pub const ALL: [Self; 5] = [
        Self::Sha1,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
        Self::Blake3,
    ];

    /// As digests begin.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Blake3 => "blake3",
        }
    }

    /// The algorithm of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }

    /// Bytes of a digest.
    fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 | Self::Blake3 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => LONGEST,
        }
    }
}

/// Bytes of the longest digest.
const LONGEST: usize = 64;

/// The digest of an archive's bytes, written `<algorithm>:<hexadecimal digits>` as Flux and OCI write it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ArchiveDigest {
    algorithm: Algorithm,
    /// Zeros after the digest's own length.
    bytes: [u8; LONGEST],
}

impl ArchiveDigest {
    /// Digest of `content`.
    pub fn of(algorithm: Algorithm, content: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(content);
        hasher.finish()
    }

    /// What it is made with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl fmt::Display for ArchiveDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = &self.bytes[..self.algorithm.len()];
        write!(f, "{}:{}", self.algorithm.name(), hex::encode(digest))
    }
}

impl fmt::Debug for ArchiveDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ArchiveDigest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let wrong = || DigestError(text.to_owned());
        let (name, digits) = text.split_once(':').ok_or_else(wrong)?;
        let algorithm = Algorithm::parse(name).ok_or_else(wrong)?;
        let mut bytes = [0; LONGEST];
        hex::decode_to_slice(digits, &mut bytes[..algorithm.len()]).map_err(|_| wrong())?;
        Ok(Self { algorithm, bytes })
    }
}

/// Makes a digest of what comes in pieces.
pub(crate) enum Hasher {
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
    Blake3(Box<blake3::Hasher>),
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha1 => Self::Sha1(sha1::Sha1::new()),
            Algorithm::Sha256 => Self::Sha256(sha2::Sha256::new()),
            Algorithm::Sha384 => Self::Sha384(sha2::Sha384::new()),
            Algorithm::Sha512 => Self::Sha512(sha2::Sha512::new()),
            Algorithm::Blake3 => Self::Blake3(Box::new(blake3::Hasher::new())),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha384(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
            Self::Blake3(hasher) => {
                hasher.update(bytes);
            }
        }
    }

    pub(crate) fn finish(self) -> ArchiveDigest {
        let mut bytes = [0; LONGEST];
        let mut put = |digest: &[u8]| bytes[..digest.len()].copy_from_slice(digest);
        let algorithm = match self {
            Self::Sha1(hasher) => {
                put(&hasher.finalize());
                Algorithm::Sha1
            }
            Self::Sha256(hasher) => {
                put(&hasher.finalize());
                Algorithm::Sha256
            }
            Self::Sha384(hasher) => {
                put(&hasher.finalize());
                Algorithm::Sha384
            }
            Self::Sha512(hasher) => {
                put(&hasher.finalize());
                Algorithm::Sha512
            }
            Self::Blake3(hasher) => {
                put(hasher.finalize().as_bytes());
                Algorithm::Blake3
            }
        };
        ArchiveDigest { algorithm, bytes }
    }
}
