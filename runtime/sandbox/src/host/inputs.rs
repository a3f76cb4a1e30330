//! `tidegate:plugin/inputs`: the tree, the request and the manifests of a call.

use super::questions;
use crate::bindings::tidegate::plugin::inputs::{self, Entry, EntryKind, ReadError, ValueLayer};
use crate::bindings::tidegate::plugin::types;
use crate::call::object_id;
use crate::error::Stop;
use crate::state::CallState;
use crate::trace::{Answer, Question, TreeName};
use bytes::Bytes;
use std::sync::Arc;
use tidegate_values::{ReadError as TreeError, Tree};
use wasmtime::Result;
use wasmtime::component::Resource;

/// Longer paths are denied.
const PATH_MAX: usize = 4096;

/// A tree, seen from a directory inside it.
#[derive(Clone)]
pub struct TreeHandle {
    pub(crate) name: TreeName,
    pub(crate) tree: Arc<dyn Tree>,
    /// Empty, or ends with a slash.
    pub(crate) prefix: Arc<str>,
}

/// An index into the call's manifests.
pub struct ManifestHandle(pub(crate) usize);

/// The one request of the call.
pub struct RequestHandle;

impl TreeHandle {
    fn root(name: TreeName, tree: Arc<dyn Tree>) -> Self {
        Self {
            name,
            tree,
            prefix: Arc::default(),
        }
    }

    /// What it takes in memory, in bytes.
    fn weight(&self) -> usize {
        2 * size_of::<Self>() + self.name.len() + self.prefix.len()
    }

    /// The path from the tree's root, when it is in normal form. The check is made here, once, so that no
    /// implementation of [`Tree`] ever sees anything else.
    fn resolve(&self, path: &str) -> Result<String, ReadError> {
        if path.is_empty() || path == "." {
            return Ok(self
                .prefix
                .strip_suffix('/')
                .unwrap_or(&self.prefix)
                .to_owned());
        }
        let normal = path.len() <= PATH_MAX
            && !path.contains('\0')
            && path
                .split('/')
                .all(|part| !part.is_empty() && part != "." && part != "..");
        if normal {
            Ok(format!("{}{path}", self.prefix))
        } else {
            Err(ReadError::Denied)
        }
    }
}

/// What the guest may know of an error; the rest ends the call.
pub(crate) fn told(error: &TreeError) -> Result<ReadError> {
    match error {
        TreeError::NotFound => Ok(ReadError::NotFound),
        TreeError::NotAFile => Ok(ReadError::NotAFile),
        TreeError::NotADirectory => Ok(ReadError::NotADirectory),
        TreeError::TooLarge => Ok(ReadError::TooLarge),
        TreeError::Denied => Ok(ReadError::Denied),
        other => Err(Stop::Host(other.to_string()).into()),
    }
}

fn lost(error: &TreeError) -> wasmtime::Error {
    Stop::Host(error.to_string()).into()
}

fn entry(entry: &tidegate_values::Entry) -> Entry {
    let kind = match entry.kind {
        tidegate_values::EntryKind::File => EntryKind::File,
        tidegate_values::EntryKind::Directory => EntryKind::Directory,
    };
    Entry {
        name: entry.name.clone(),
        kind,
        size: entry.size,
    }
}

impl CallState {
    fn tree(&mut self, handle: &Resource<TreeHandle>) -> Result<TreeHandle> {
        self.enter()?;
        Ok(self.table.get(handle)?.clone())
    }

    pub(crate) fn push_tree(
        &mut self,
        name: TreeName,
        tree: Arc<dyn Tree>,
    ) -> Result<Resource<TreeHandle>> {
        self.push_handle(TreeHandle::root(name, tree))
    }

    fn push_handle(&mut self, handle: TreeHandle) -> Result<Resource<TreeHandle>> {
        self.keep(handle.weight())?;
        Ok(self.table.push(handle)?)
    }

    /// Puts a question to a tree, with the guest's clock stopped, and records it.
    fn ask<T>(
        &mut self,
        handle: &Resource<TreeHandle>,
        path: &str,
        question: fn(TreeName, String) -> Question,
        ask: impl FnOnce(&dyn Tree, &str) -> Result<(Answer, Result<T, TreeError>), TreeError>,
    ) -> Result<Result<T, ReadError>> {
        let handle = self.tree(handle)?;
        let path = match handle.resolve(path) {
            Ok(path) => path,
            Err(denied) => return Ok(Err(denied)),
        };
        let asked = self.host_time(|_| ask(&*handle.tree, &path))?;
        let (answer, told_value) = asked.map_err(|error| lost(&error))?;
        self.record(question(handle.name, path), answer)?;
        match told_value {
            Ok(value) => Ok(Ok(value)),
            Err(error) => told(&error).map(Err),
        }
    }

    /// What `read` gives of a file.
    fn read_file(
        &mut self,
        handle: &Resource<TreeHandle>,
        path: &str,
        read: impl FnOnce(&dyn Tree, &str) -> Result<Bytes, TreeError>,
    ) -> Result<Result<Vec<u8>, ReadError>> {
        let read = self.ask(handle, path, Question::File, |tree, path| {
            let bytes = read(tree, path);
            let answer = questions::file(tree, path)?;
            Ok((answer, bytes))
        })?;
        let Ok(bytes) = &read else {
            return Ok(read.map(Vec::from));
        };
        self.hand_over(bytes.len())?;
        Ok(read.map(Vec::from))
    }
}

impl inputs::Host for CallState {}

impl inputs::HostTree for CallState {
    fn read(
        &mut self,
        this: Resource<TreeHandle>,
        path: String,
    ) -> Result<Result<Vec<u8>, ReadError>> {
        let limit = self.limits.file_size;
        self.read_file(&this, &path, |tree, path| {
            // The size is looked at first: a file that is too large is never loaded.
            match tree.stat(path)? {
                Some(entry) if entry.size > limit => Err(TreeError::TooLarge),
                _ => tree.read(path),
            }
        })
    }

    fn read_range(
        &mut self,
        this: Resource<TreeHandle>,
        path: String,
        offset: u64,
        len: u64,
    ) -> Result<Result<Vec<u8>, ReadError>> {
        if len > self.limits.file_size {
            self.enter()?;
            return Ok(Err(ReadError::TooLarge));
        }
        self.read_file(&this, &path, |tree, path| {
            tree.read_range(path, offset, len)
        })
    }

    fn entries(
        &mut self,
        this: Resource<TreeHandle>,
        path: String,
    ) -> Result<Result<Vec<Entry>, ReadError>> {
        let found = self.ask(&this, &path, Question::Entries, |tree, path| {
            let found = tree.entries(path);
            let (answer, entries) = questions::entries(&found)?;
            Ok((
                answer,
                entries.map(|entries| entries.iter().map(entry).collect::<Vec<Entry>>()),
            ))
        })?;
        let entries = found.iter().flatten();
        self.hand_over(
            entries
                .map(|entry| size_of_val(entry) + entry.name.len())
                .sum(),
        )?;
        Ok(found)
    }

    fn stat(
        &mut self,
        this: Resource<TreeHandle>,
        path: String,
    ) -> Result<Result<Option<Entry>, ReadError>> {
        self.ask(&this, &path, Question::Stat, |tree, path| {
            let found = tree.stat(path);
            let (answer, found) = questions::stat(&found)?;
            Ok((answer, found.map(|found| found.as_ref().map(entry))))
        })
    }

    fn digest(
        &mut self,
        this: Resource<TreeHandle>,
        path: String,
    ) -> Result<Result<String, ReadError>> {
        self.ask(&this, &path, Question::File, |tree, path| {
            let answer = questions::file(tree, path)?;
            Ok((answer, tree.digest(path).map(|digest| digest.to_string())))
        })
    }

    fn real_path(
        &mut self,
        this: Resource<TreeHandle>,
        path: String,
    ) -> Result<Result<String, ReadError>> {
        let prefix = Arc::clone(&self.table.get(&this)?.prefix);
        let found = self.ask(&this, &path, Question::RealPath, |tree, path| {
            let found = tree.real_path(path);
            let (answer, real) = questions::real_path(&found)?;
            Ok((answer, real.cloned()))
        })?;
        // Seen from a subtree, what lies outside of it is not to be named.
        Ok(
            found.and_then(|real| match format!("{real}/").strip_prefix(&*prefix) {
                Some(inside) => Ok(inside.strip_suffix('/').unwrap_or(inside).to_owned()),
                None => Err(ReadError::Denied),
            }),
        )
    }

    fn subtree(
        &mut self,
        this: Resource<TreeHandle>,
        path: String,
    ) -> Result<Result<Resource<TreeHandle>, ReadError>> {
        let handle = self.table.get(&this)?.clone();
        let found = self.ask(&this, &path, Question::Directory, |tree, path| {
            let answer = questions::directory(tree, path)?;
            let found = match tree.stat(path)? {
                None => Err(TreeError::NotFound),
                Some(entry) if entry.kind == tidegate_values::EntryKind::File => {
                    Err(TreeError::NotADirectory)
                }
                Some(_) if path.is_empty() => Ok(Arc::default()),
                Some(_) => Ok(Arc::from(format!("{path}/"))),
            };
            Ok((answer, found))
        })?;
        match found {
            Ok(prefix) => Ok(Ok(self.push_handle(TreeHandle { prefix, ..handle })?)),
            Err(error) => Ok(Err(error)),
        }
    }

    fn drop(&mut self, this: Resource<TreeHandle>) -> Result<()> {
        let handle = self.table.delete(this)?;
        self.free(handle.weight());
        Ok(())
    }
}

impl CallState {
    fn manifest(&mut self, handle: &Resource<ManifestHandle>) -> Result<&crate::Manifest> {
        self.enter()?;
        let index = self.table.get(handle)?.0;
        self.call
            .manifests
            .get(index)
            .ok_or_else(|| Stop::Contract("no such manifest".to_owned()).into())
    }
}

impl inputs::HostManifest for CallState {
    fn id(&mut self, this: Resource<ManifestHandle>) -> Result<types::ObjectId> {
        Ok(object_id(&self.manifest(&this)?.id))
    }

    fn format(&mut self, this: Resource<ManifestHandle>) -> Result<types::ManifestFormat> {
        Ok(self.manifest(&this)?.format)
    }

    fn bytes(&mut self, this: Resource<ManifestHandle>) -> Result<Vec<u8>> {
        let bytes = self.manifest(&this)?.bytes.clone();
        self.hand_over(bytes.len())?;
        Ok(bytes.to_vec())
    }

    fn origin(&mut self, this: Resource<ManifestHandle>) -> Result<Option<types::Location>> {
        Ok(self.manifest(&this)?.origin.clone())
    }

    fn drop(&mut self, this: Resource<ManifestHandle>) -> Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

fn or_empty_object(text: &str) -> String {
    if text.is_empty() {
        "{}".to_owned()
    } else {
        text.to_owned()
    }
}

impl CallState {
    /// Is there a tree of that name? Recorded.
    fn find_tree(
        &mut self,
        name: TreeName,
        tree: Option<Arc<dyn Tree>>,
    ) -> Result<Option<Resource<TreeHandle>>> {
        let answer = if tree.is_some() {
            questions::text("")
        } else {
            Answer::Absent
        };
        self.record(Question::HasTree(name.clone()), answer)?;
        tree.map(|tree| self.push_tree(name, tree)).transpose()
    }
}

impl inputs::HostRequest for CallState {
    fn source(&mut self, _: Resource<RequestHandle>) -> Result<Option<Resource<TreeHandle>>> {
        self.enter()?;
        let source = self.call.source.clone();
        self.find_tree(TreeName::Source, source)
    }

    fn extra_source(
        &mut self,
        _: Resource<RequestHandle>,
        alias: String,
    ) -> Result<Option<Resource<TreeHandle>>> {
        self.enter()?;
        self.check_key(&alias)?;
        let source = self.call.extra_sources.get(&alias).cloned();
        self.find_tree(TreeName::Extra(alias.into()), source)
    }

    fn path(&mut self, _: Resource<RequestHandle>) -> Result<String> {
        self.enter()?;
        Ok(if self.call.path.is_empty() {
            ".".to_owned()
        } else {
            self.call.path.clone()
        })
    }

    fn config(&mut self, _: Resource<RequestHandle>) -> Result<String> {
        self.enter()?;
        self.hand_over(self.call.config.len())?;
        Ok(or_empty_object(&self.call.config))
    }

    fn values(&mut self, _: Resource<RequestHandle>) -> Result<String> {
        self.enter()?;
        self.hand_over(self.call.values.len())?;
        Ok(or_empty_object(&self.call.values))
    }

    fn value_layers(&mut self, _: Resource<RequestHandle>) -> Result<Vec<ValueLayer>> {
        self.enter()?;
        let layers = self.call.value_layers.iter();
        let bytes = layers.map(|layer| layer.kind.len() + layer.source.len() + layer.bytes.len());
        self.hand_over(bytes.sum())?;
        Ok(self.call.value_layers.clone())
    }

    fn function_config(&mut self, _: Resource<RequestHandle>) -> Result<Option<String>> {
        self.enter()?;
        self.hand_over(self.call.function_config.as_ref().map_or(0, String::len))?;
        Ok(self.call.function_config.clone())
    }

    fn fact(&mut self, _: Resource<RequestHandle>, key: String) -> Result<Option<String>> {
        self.enter()?;
        self.check_key(&key)?;
        let value = self.call.facts.get(&key).cloned();
        // First what it depends on: running into the limit is kept too.
        self.record(Question::Fact(key), questions::optional(value.as_deref()))?;
        self.hand_over(value.as_ref().map_or(0, String::len))?;
        Ok(value)
    }

    fn facts(&mut self, _: Resource<RequestHandle>) -> Result<Vec<(String, String)>> {
        self.enter()?;
        self.record(Question::Facts, questions::facts(&self.call.facts))?;
        let facts = self.call.facts.iter();
        self.hand_over(facts.map(|(key, value)| key.len() + value.len()).sum())?;
        Ok(self
            .call
            .facts
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }

    fn has_api(
        &mut self,
        _: Resource<RequestHandle>,
        version: String,
        kind: Option<String>,
    ) -> Result<bool> {
        self.enter()?;
        self.check_key(&version)?;
        self.check_key(kind.as_deref().unwrap_or_default())?;
        let answer = questions::has_api(&self.call.apis, &version, kind.as_deref());
        self.record(Question::HasApi(version, kind), questions::flag(answer))?;
        Ok(answer)
    }

    fn api_versions(&mut self, _: Resource<RequestHandle>) -> Result<Vec<String>> {
        self.enter()?;
        self.record(
            Question::ApiVersions,
            questions::api_versions(&self.call.apis),
        )?;
        self.hand_over(self.call.apis.iter().map(String::len).sum())?;
        Ok(self.call.apis.iter().cloned().collect())
    }

    fn manifests(&mut self, _: Resource<RequestHandle>) -> Result<Vec<Resource<ManifestHandle>>> {
        self.enter()?;
        (0..self.call.manifests.len())
            .map(|index| Ok(self.table.push(ManifestHandle(index))?))
            .collect()
    }

    fn drop(&mut self, this: Resource<RequestHandle>) -> Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
