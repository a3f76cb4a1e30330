//! `tidegate:plugin/pairs`: what the drift check looks at.

use crate::bindings::tidegate::plugin::pairs::{self, Verdict};
use crate::bindings::tidegate::plugin::types::ObjectId;
use crate::call::{Judgement, Pair, object_id};
use crate::error::Stop;
use crate::limits::Limit;
use crate::state::CallState;
use wasmtime::Result;
use wasmtime::component::Resource;

/// An index into the call's pairs.
pub struct PairHandle(pub(crate) usize);

impl CallState {
    fn pair(&mut self, handle: &Resource<PairHandle>) -> Result<&Pair> {
        self.enter()?;
        let index = self.table.get(handle)?.0;
        self.pairs
            .get(index)
            .ok_or_else(|| Stop::Contract("no such pair".to_owned()).into())
    }
}

impl pairs::Host for CallState {}

impl pairs::HostPair for CallState {
    fn id(&mut self, this: Resource<PairHandle>) -> Result<ObjectId> {
        Ok(object_id(&self.pair(&this)?.id))
    }

    fn desired(&mut self, this: Resource<PairHandle>) -> Result<Vec<u8>> {
        Ok(self.pair(&this)?.desired.to_vec())
    }

    fn live(&mut self, this: Resource<PairHandle>) -> Result<Option<Vec<u8>>> {
        Ok(self.pair(&this)?.live.as_ref().map(|bytes| bytes.to_vec()))
    }

    fn dry_run(&mut self, this: Resource<PairHandle>) -> Result<Option<Vec<u8>>> {
        Ok(self
            .pair(&this)?
            .dry_run
            .as_ref()
            .map(|bytes| bytes.to_vec()))
    }

    fn last_manager(&mut self, this: Resource<PairHandle>) -> Result<Option<String>> {
        Ok(self.pair(&this)?.last_manager.clone())
    }

    fn judge(
        &mut self,
        this: Resource<PairHandle>,
        verdict: Verdict,
        pointers: Vec<String>,
    ) -> Result<()> {
        self.enter()?;
        let index = self.table.get(&this)?.0;
        let weight: usize = pointers.iter().map(|pointer| pointer.len() + 24).sum();
        self.produced.bytes = self.produced.bytes.saturating_add(weight as u64);
        if self.produced.bytes > self.limits.output {
            return Err(Stop::Limit(Limit::Output).into());
        }
        if let Some(place) = self.produced.judgements.get_mut(index) {
            *place = Some(Judgement { verdict, pointers });
        }
        Ok(())
    }

    fn drop(&mut self, this: Resource<PairHandle>) -> Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
