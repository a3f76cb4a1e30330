//! The capabilities: `sources`, `clock`, `random`.

use super::inputs::TreeHandle;
use super::questions;
use crate::bindings::tidegate::plugin::sources::FetchError;
use crate::bindings::tidegate::plugin::{clock, random, sources, types};
use crate::error::Stop;
use crate::limits::Limit;
use crate::remotes;
use crate::state::CallState;
use crate::trace::{Answer, Question, TreeName};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::sync::Arc;
use tidegate_values::RemoteSource as _;
use wasmtime::Result;
use wasmtime::component::Resource;

impl types::Host for CallState {}

fn fetch_error(missing: Option<String>) -> FetchError {
    missing.map_or(FetchError::Denied, FetchError::NotFound)
}

impl sources::Host for CallState {
    fn open_remote(
        &mut self,
        locator: String,
    ) -> Result<Result<(Resource<TreeHandle>, String), FetchError>> {
        self.enter()?;
        self.check_key(&locator)?;
        let locator: Arc<str> = locator.into();
        let Some(remotes) = self.remotes.clone() else {
            self.record(Question::Remote(locator), Answer::Refused)?;
            return Ok(Err(FetchError::Denied));
        };
        let opened = self.waiting(&remotes, |remotes| remotes.open_once(&locator))?;
        let weight = remotes::weight(&opened);
        let (answer, opened) =
            questions::remote(opened).map_err(|error| Stop::Host(error.to_string()))?;
        self.record_with(Question::Remote(Arc::clone(&locator)), answer, weight)?;
        match opened {
            Ok((tree, path)) => Ok(Ok((self.push_tree(TreeName::Remote(locator), tree)?, path))),
            Err(missing) => Ok(Err(fetch_error(missing))),
        }
    }

    fn read_remote(&mut self, url: String) -> Result<Result<Vec<u8>, FetchError>> {
        self.enter()?;
        self.check_key(&url)?;
        let Some(remotes) = self.remotes.clone() else {
            self.record(Question::RemoteFile(url), Answer::Refused)?;
            return Ok(Err(FetchError::Denied));
        };
        let read = self.waiting(&remotes, |remotes| remotes.read(&url))?;
        let (answer, read) =
            questions::remote_file(read).map_err(|error| Stop::Host(error.to_string()))?;
        self.record(Question::RemoteFile(url), answer)?;
        self.hand_over(read.as_ref().map_or(0, Bytes::len))?;
        Ok(read.map(|bytes| bytes.to_vec()).map_err(fetch_error))
    }
}

impl clock::Host for CallState {
    fn now(&mut self) -> Result<u64> {
        self.enter()?;
        let now = self
            .call
            .now
            .ok_or_else(|| Stop::Host("the call carries no time".to_owned()))?;
        self.record(Question::Now, questions::text(&now.to_string()))?;
        Ok(now)
    }
}

impl random::Host for CallState {
    fn bytes(&mut self, name: String, len: u32) -> Result<Vec<u8>> {
        self.enter()?;
        self.check_key(&name)?;
        self.random_used = self.random_used.saturating_add(u64::from(len));
        if self.random_used > self.limits.random {
            return Err(Stop::Limit(Limit::Random).into());
        }
        let Some(secret) = &self.call.random else {
            return Err(
                Stop::Host("the call carries no secret for random bytes".to_owned()).into(),
            );
        };
        let len = len as usize;
        let mut bytes = Vec::with_capacity(len + 32);
        let mut block = 0u64;
        while bytes.len() < len {
            let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.expose())
                .map_err(|_| Stop::Host("HMAC refused its key".to_owned()))?;
            mac.update(self.run_key.as_bytes());
            mac.update(&block.to_be_bytes());
            mac.update(name.as_bytes());
            bytes.extend_from_slice(&mac.finalize().into_bytes());
            block += 1;
        }
        bytes.truncate(len);
        Ok(bytes)
    }
}
