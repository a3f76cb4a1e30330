//! `tidegate:plugin/outputs`: the sink. Everything is counted before it is kept.

use super::inputs::ManifestHandle;
use crate::bindings::tidegate::plugin::outputs::{self, Role, SinkError};
use crate::bindings::tidegate::plugin::types::{Diagnostic, Location, ManifestFormat};
use crate::call::{Attachment, Emission};
use crate::error::Stop;
use crate::limits::Limit;
use crate::state::CallState;
use crate::world::World;
use bytes::Bytes;
use wasmtime::Result;
use wasmtime::component::Resource;

/// The one sink of the call.
pub struct SinkHandle;

impl CallState {
    fn is_closed(&self) -> bool {
        matches!(self.world, World::Validate | World::Compare)
    }
}

impl outputs::Host for CallState {}

impl outputs::HostSink for CallState {
    fn emit(
        &mut self,
        _: Resource<SinkHandle>,
        role: Role,
        format: ManifestFormat,
        bytes: Vec<u8>,
        source: Option<Location>,
    ) -> Result<Result<(), SinkError>> {
        self.enter()?;
        if self.is_closed() {
            return Ok(Err(SinkError::Closed));
        }
        if bytes.len() as u64 > self.limits.object_size {
            return Err(Stop::Limit(Limit::ObjectSize).into());
        }
        let path = source.as_ref().map_or(0, |source| source.path.len());
        self.count_object(bytes.len(), EMISSION + path)?;
        self.produced.emissions.push(Emission {
            role,
            format,
            bytes: Bytes::from(bytes),
            source,
            kept: None,
        });
        Ok(Ok(()))
    }

    fn keep(
        &mut self,
        _: Resource<SinkHandle>,
        manifest: Resource<ManifestHandle>,
    ) -> Result<Result<(), SinkError>> {
        self.enter()?;
        if self.is_closed() {
            return Ok(Err(SinkError::Closed));
        }
        let index = self.table.get(&manifest)?.0;
        let Some(kept) = self.call.manifests.get(index) else {
            return Err(Stop::Contract("no such manifest".to_owned()).into());
        };
        let emission = Emission {
            role: Role::Manifest,
            format: kept.format,
            bytes: kept.bytes.clone(),
            source: kept.origin.clone(),
            kept: Some(index),
        };
        let path = emission
            .source
            .as_ref()
            .map_or(0, |source| source.path.len());
        self.count_object(emission.bytes.len(), EMISSION + path)?;
        self.produced.emissions.push(emission);
        Ok(Ok(()))
    }

    fn report(
        &mut self,
        _: Resource<SinkHandle>,
        diagnostic: Diagnostic,
    ) -> Result<Result<(), SinkError>> {
        self.enter()?;
        if self.produced.diagnostics.len() >= self.limits.diagnostics as usize {
            return Err(Stop::Limit(Limit::Diagnostics).into());
        }
        self.count_output(weight(&diagnostic), 0)?;
        self.produced.diagnostics.push(diagnostic);
        Ok(Ok(()))
    }

    fn attach(
        &mut self,
        _: Resource<SinkHandle>,
        path: String,
        media_type: String,
        bytes: Vec<u8>,
    ) -> Result<Result<(), SinkError>> {
        self.enter()?;
        if self.is_closed() {
            return Ok(Err(SinkError::Closed));
        }
        self.count_object(bytes.len() + path.len() + media_type.len(), ATTACHMENT)?;
        self.produced.attachments.push(Attachment {
            path,
            media_type,
            bytes: Bytes::from(bytes),
        });
        Ok(Ok(()))
    }

    fn drop(&mut self, this: Resource<SinkHandle>) -> Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

/// What is kept of an emission besides its bytes and its path: a list grows to twice its length.
const EMISSION: usize = 2 * size_of::<Emission>();
/// The same of an attachment.
const ATTACHMENT: usize = 2 * size_of::<Attachment>();

/// What a diagnostic keeps in memory, in bytes.
pub(crate) fn weight(diagnostic: &Diagnostic) -> usize {
    let object = diagnostic.object.as_ref();
    let names = object.map(|object| [&object.api_version, &object.kind, &object.name]);
    let texts = [
        &diagnostic.field,
        &diagnostic.current_value,
        &diagnostic.proposed_value,
    ];
    let texts = [&diagnostic.code, &diagnostic.message]
        .into_iter()
        .chain(names.into_iter().flatten())
        .chain(object.and_then(|object| object.namespace.as_ref()))
        .chain(texts.into_iter().flatten())
        .chain(diagnostic.location.as_ref().map(|location| &location.path))
        .map(String::len)
        .sum::<usize>();
    let tags = diagnostic
        .tags
        .iter()
        .map(|(key, value)| key.len() + value.len() + size_of::<(String, String)>())
        .sum::<usize>();
    2 * size_of::<Diagnostic>() + texts + tags
}
