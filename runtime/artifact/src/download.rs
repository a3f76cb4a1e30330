use crate::digest::ArchiveDigest;
use crate::limits::Limits;
use crate::store::{Store, StoreError, digest_of};
use crate::tree::ArtifactTree;
use crate::unpack::{self, UnpackError};
use std::fs::File;
use std::io::{self, Read, Seek as _, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tidegate_values::SafeUrl;

/// Waits between attempts (fluxcd/pkg `http/fetch`, `New`: 5 s, doubling up to 30 s).
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How an archive is fetched.
#[derive(Debug, Clone, Copy)]
pub struct Download {
    /// Attempts after the first, for servers that fail or can't be reached: `--http-retry`.
    pub retries: u32,
    /// For one attempt.
    pub timeout: Duration,
    pub limits: Limits,
}

impl Default for Download {
    /// Nine retries, a minute for each.
    fn default() -> Self {
        Self {
            retries: 9,
            timeout: Duration::from_mins(1),
            limits: Limits::default(),
        }
    }
}

/// Why somebody else's artifact could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// 404: the source is about to publish another. The text is fluxcd/pkg's `ErrFileNotFound`.
    #[error("file not found")]
    NotFound,
    #[error("failed to download archive from {url} (status: {status})")]
    Status {
        url: SafeUrl,
        status: reqwest::StatusCode,
    },
    #[error("failed to download archive: {0}")]
    Connection(String),
    #[error("artifact is greater than the max download size of {0} bytes")]
    TooLarge(u64),
    #[error("failed to verify archive: computed digest doesn't match provided '{0}'")]
    Mismatch(ArchiveDigest),
    #[error("failed to extract archive: {0}")]
    Unpack(#[from] UnpackError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("download was stopped")]
    Stopped,
}

impl Store {
    /// The artifact behind `url`: ours is opened in place, another's fetched, verified and unpacked once per digest.
    pub fn download(
        &self,
        url: &str,
        digest: &ArchiveDigest,
        how: &Download,
        stop: &AtomicBool,
    ) -> Result<Arc<ArtifactTree>, DownloadError> {
        if let Some(path) = self.own_path(url).filter(|path| self.exists(path)) {
            return Ok(self.open(path, digest)?);
        }
        if let Some(tree) = self.downloaded(digest) {
            return Ok(tree);
        }
        let url = self.inner.options.hosts.reachable(url);
        let mut wait = FIRST_WAIT;
        let mut attempt = 0;
        let mut archive = loop {
            match self.fetch(&url, how, stop) {
                Ok(archive) => break archive,
                Err(error) if attempt == how.retries || !error.is_passing() => return Err(error),
                Err(error) => tracing::debug!(%error, "archive will be fetched again"),
            }
            attempt += 1;
            rest(wait, stop)?;
            wait = (wait * 2).min(LONGEST_WAIT);
        };
        let found = digest_of(&mut archive, digest.algorithm()).map_err(StoreError::Write)?;
        if found != *digest {
            return Err(DownloadError::Mismatch(*digest));
        }
        archive.rewind().map_err(StoreError::Write)?;
        // Not before: a sweep waits for who adds, and everybody else for the sweep. A server may take its time.
        let _adding = self.inner.adding.read();
        let index = unpack::unpack(
            io::BufReader::new(archive),
            &self.inner.blobs,
            &how.limits,
            stop,
        )?;
        Ok(self.keep_download(digest, index)?)
    }

    /// The archive, at its beginning.
    fn fetch(&self, url: &str, how: &Download, stop: &AtomicBool) -> Result<File, DownloadError> {
        let deadline = Instant::now() + how.timeout;
        let client = reqwest::blocking::Client::builder()
            .timeout(how.timeout)
            .build();
        let mut answer = client
            .and_then(|client| client.get(url).send())
            .map_err(connection)?;
        match answer.status() {
            reqwest::StatusCode::OK => {}
            reqwest::StatusCode::NOT_FOUND => return Err(DownloadError::NotFound),
            status => {
                return Err(DownloadError::Status {
                    url: SafeUrl::new(url),
                    status,
                });
            }
        }
        let mut file = self.nameless()?;
        let mut size = 0;
        let mut buffer = vec![0; 64 << 10];
        loop {
            if stop.load(Ordering::Relaxed) {
                return Err(DownloadError::Stopped);
            }
            if Instant::now() > deadline {
                return Err(DownloadError::Connection("timed out".to_owned()));
            }
            let count = answer
                .read(&mut buffer)
                .map_err(|error| DownloadError::Connection(error.to_string()))?;
            if count == 0 {
                file.rewind().map_err(StoreError::Write)?;
                return Ok(file);
            }
            size += count as u64;
            if size > how.limits.archive_bytes {
                return Err(DownloadError::TooLarge(how.limits.archive_bytes));
            }
            file.write_all(&buffer[..count])
                .map_err(StoreError::Write)?;
        }
    }
}

impl DownloadError {
    /// Whether another attempt may go better.
    fn is_passing(&self) -> bool {
        match self {
            Self::Connection(_) => true,
            Self::Status { status, .. } => {
                status.is_server_error() || *status == reqwest::StatusCode::TOO_MANY_REQUESTS
            }
            _ => false,
        }
    }
}

/// The innermost cause, which tells most, and never the URL.
fn connection(error: reqwest::Error) -> DownloadError {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    DownloadError::Connection(cause.to_string())
}

/// Sleeps, but no longer than until `stop`.
fn rest(wait: Duration, stop: &AtomicBool) -> Result<(), DownloadError> {
    let end = Instant::now() + wait;
    while Instant::now() < end {
        if stop.load(Ordering::Relaxed) {
            return Err(DownloadError::Stopped);
        }
        std::thread::sleep(Duration::from_millis(50).min(wait));
    }
    Ok(())
}
