//! The crate against a real Git over HTTP and SSH, and against what other tools said.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod bounds;
mod capabilities;
mod checkout;
mod failures;
mod relay;
mod remote_bases;
mod semver;
mod sha256;
mod socks;
mod ssh;
mod submodules;
mod tls;
