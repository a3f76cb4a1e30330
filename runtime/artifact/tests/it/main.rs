//! The crate as its users see it, on a temporary storage folder.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod bombs;
mod digests;
mod download;
mod files;
mod ignore;
mod include;
mod limits;
mod server;
mod store;
