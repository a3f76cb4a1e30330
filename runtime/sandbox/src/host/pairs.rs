//! `tidegate:plugin/pairs`: what the drift check looks at.

use crate::bindings::tidegate::plugin::pairs::{self, Upkeep, Verdict};
use crate::bindings::tidegate::plugin::types::ObjectId;
use crate::call::object_id;
use crate::error::Stop;
use crate::state::{CallState, Judging};
use serde_json::Value;
use std::sync::Arc;
use tidegate_values::Pair;
use wasmtime::Result;
use wasmtime::component::Resource;

/// An index into the call's pairs.
pub struct PairHandle(pub(crate) usize);

/// What a pointer counts besides its own bytes: the host keeps a string of its own for each.
const POINTER: usize = 24;

impl CallState {
    fn pair(&mut self, handle: &Resource<PairHandle>) -> Result<&Pair> {
        self.enter()?;
        let index = self.table.get(handle)?.0;
        self.pairs
            .get(index)
            .ok_or_else(|| Stop::Contract("no such pair".to_owned()).into())
    }

    /// Where `weight` more bytes are to be noted of a pair.
    fn judging(&mut self, handle: &Resource<PairHandle>, weight: usize) -> Result<&mut Judging> {
        self.enter()?;
        let index = self.table.get(handle)?.0;
        self.count_output(weight, 0)?;
        let judging = self.produced.judgements.get_mut(index);
        judging.ok_or_else(|| Stop::Contract("no such pair".to_owned()).into())
    }

    /// Writes an object out. The guest is not to answer for the time.
    fn write(&mut self, object: Option<Arc<Value>>) -> Result<Option<Vec<u8>>> {
        let Some(object) = object else {
            return Ok(None);
        };
        let bytes = self.host_time(|_| serde_json::to_vec(&*object))?;
        let bytes = bytes.map_err(|error| Stop::Host(error.to_string()))?;
        self.hand_over(bytes.len())?;
        Ok(Some(bytes))
    }
}

impl pairs::Host for CallState {}

impl pairs::HostPair for CallState {
    fn id(&mut self, this: Resource<PairHandle>) -> Result<ObjectId> {
        Ok(object_id(&self.pair(&this)?.id))
    }

    fn desired(&mut self, this: Resource<PairHandle>) -> Result<Vec<u8>> {
        let desired = Arc::clone(&self.pair(&this)?.desired);
        Ok(self.write(Some(desired))?.unwrap_or_default())
    }

    fn live(&mut self, this: Resource<PairHandle>) -> Result<Option<Vec<u8>>> {
        let live = self.pair(&this)?.live.clone();
        self.write(live)
    }

    fn dry_run(&mut self, this: Resource<PairHandle>) -> Result<Option<Vec<u8>>> {
        let dry_run = self.pair(&this)?.dry_run.clone();
        self.write(dry_run)
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
        let weight = pointers.iter().map(|pointer| pointer.len() + POINTER).sum();
        let verdict = match verdict {
            Verdict::Same => tidegate_values::Verdict::Same,
            Verdict::Drifted => tidegate_values::Verdict::Drifted,
            Verdict::Ignored => tidegate_values::Verdict::Ignored,
        };
        self.judging(&this, weight)?.verdict = Some((verdict, pointers));
        Ok(())
    }

    fn leave(&mut self, this: Resource<PairHandle>, pointer: String, upkeep: Upkeep) -> Result<()> {
        let weight = pointer.len() + POINTER;
        let upkeep = match upkeep {
            Upkeep::Adopt => tidegate_values::Upkeep::Adopt,
            Upkeep::Release => tidegate_values::Upkeep::Release,
        };
        self.judging(&this, weight)?
            .left_alone
            .push((pointer, upkeep));
        Ok(())
    }

    fn drop(&mut self, this: Resource<PairHandle>) -> Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
