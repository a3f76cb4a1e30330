//! Patches of all three sorts of entries: `patches`, `patchesStrategicMerge` and `patchesJson6902`.

use tidegate_object::{JsonPatch, Kind, Node, Selector, Tree as _};
use tidegate_yaml::Value;

use super::Transformer;
use crate::Error;
use crate::decode::check_json;
use crate::error::{Result, quote};
use crate::kustomization::{Patch, PatchOptions};
use crate::loader::Loader;
use crate::resource::{Resource, read_resources};
use crate::resource_set::ResourceSet;
use crate::secrecy;
use crate::session::Session;

/// An entry of `patches`: text that says by its form whether it is a strategic merge or a JSON patch.
pub(crate) struct PatchTransformer {
    content: Content,
    source: Source,
    target: Option<Selector>,
}

/// Where a patch stands.
enum Source {
    Inline(String),
    File(String),
}

impl Source {
    /// As errors show it: of what may be for a Secret, no text.
    fn show(&self, target: Option<&Selector>) -> String {
        match self {
            Self::Inline(text) if secrecy::is_patch_of_secret(text, target) => {
                format!("[patch: {}]", quote(secrecy::HIDDEN))
            }
            Self::Inline(text) => format!("[patch: {}]", quote(text)),
            Self::File(path) => format!("[path: {}]", quote(path)),
        }
    }
}

enum Content {
    StrategicMerge(Vec<Resource>),
    Json(JsonPatch),
    Nothing,
}

impl PatchTransformer {
    /// Reads the patch. `written` gives the entry as errors show it. kustomize: PatchTransformer, `Config`.
    pub(crate) fn new(
        entry: &Patch,
        loader: &Loader<'_>,
        written: impl Fn() -> String,
    ) -> Result<Self> {
        let target = entry
            .target
            .as_ref()
            .map(crate::kustomization::SelectorEntry::to_selector);
        let inline = entry.patch.trim();
        let (text, source) = match (inline.is_empty(), entry.path.is_empty()) {
            (true, true) => {
                return Err(Error::text(format!(
                    "must specify one of patch and path in\n{}",
                    written()
                )));
            }
            (false, false) => {
                return Err(Error::text(format!(
                    "patch and path can't be set at the same time\n{}",
                    written()
                )));
            }
            (false, true) => (
                inline.as_bytes().to_vec(),
                Source::Inline(inline.to_owned()),
            ),
            (true, false) => {
                let content = loader.load(&entry.path).map_err(|error| {
                    error.wrap(format_args!(
                        "failed to get the patch file from path({})",
                        entry.path
                    ))
                })?;
                (content, Source::File(entry.path.clone()))
            }
        };
        let merges = read_resources(&text);
        let json = read_json_patch(&text);
        let content = match (merges, json) {
            (Ok(merges), Ok(json)) if !merges.is_empty() && !json.is_empty() => {
                return Err(Error::text(format!(
                    "illegally qualifies as both an SM and JSON patch: {}",
                    source.show(target.as_ref())
                )));
            }
            (Err(_), Err(_)) => {
                return Err(Error::text(format!(
                    "unable to parse SM or JSON patch from {}",
                    source.show(target.as_ref())
                )));
            }
            (Ok(merges), _) if merges.is_empty() => Content::Nothing,
            (Ok(mut merges), _) => {
                let options = entry.options.unwrap_or_default();
                allow_changes(&mut merges, options);
                Content::StrategicMerge(merges)
            }
            (Err(_), Ok(json)) => Content::Json(json),
        };
        Ok(Self {
            content,
            source,
            target,
        })
    }
}

fn allow_changes(patches: &mut [Resource], options: PatchOptions) {
    for patch in patches {
        patch.allow_name_change |= options.allow_name_change;
        patch.allow_kind_change |= options.allow_kind_change;
    }
}

impl Transformer for PatchTransformer {
    fn transform(&self, set: &mut ResourceSet, session: &Session<'_>) -> Result<()> {
        match (&self.content, &self.target) {
            (Content::Nothing, _) => Ok(()),
            (Content::StrategicMerge(patches), Some(target)) => {
                let [patch] = patches.as_slice() else {
                    return Err(Error::text(format!(
                        "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set \
                         `patches.target` field: {}",
                        self.source.show(Some(target))
                    )));
                };
                let selected = set.select(target).map_err(|error| {
                    error.wrap(format_args!(
                        "unable to find patch target {} in `resources`",
                        quote(&target.to_string())
                    ))
                })?;
                set.apply_patch(&selected, patch, &session.schema())
            }
            (Content::StrategicMerge(patches), None) => patches.iter().try_for_each(|patch| {
                let id = patch.original_id();
                let index = set.index_by_id(&id).map_err(|error| {
                    error.wrap(format_args!(
                        "no resource matches strategic merge patch {}",
                        quote(&id.to_string())
                    ))
                })?;
                if !set.get_mut(index).apply_patch(patch, &session.schema())? {
                    set.remove(index);
                }
                Ok(())
            }),
            (Content::Json(_), None) => Err(Error::text(format!(
                "must specify a target for JSON patch {}",
                self.source.show(None)
            ))),
            (Content::Json(patch), Some(target)) => {
                for index in set.select(target)? {
                    let resource = set.get_mut(index);
                    resource.store_previous_id();
                    apply_json_patch(resource, patch)?;
                }
                Ok(())
            }
        }
    }
}

/// `patchesStrategicMerge`: files or inline patches, found by the id they carry.
pub(crate) struct StrategicMergeTransformer {
    patches: Vec<Resource>,
}

impl StrategicMergeTransformer {
    pub(crate) fn new(paths: &[String], inline: &str, loader: &Loader<'_>) -> Result<Self> {
        if paths.is_empty() && inline.is_empty() {
            return Err(Error::text("empty file path and empty patch content"));
        }
        let mut patches = Vec::new();
        for path in paths {
            // An entry may be the patch itself.
            if let Ok(inline) = read_resources(path.as_bytes()) {
                patches.extend(inline);
            } else {
                if secrecy::is_of_secret(path) {
                    return Err(not_a_file(path));
                }
                let content = loader.load(path)?;
                patches.extend(read_resources(&content).map_err(|error| in_file(error, path))?);
            }
        }
        if !inline.is_empty() {
            patches.extend(read_resources(inline.as_bytes())?);
        }
        if patches.is_empty() {
            return Err(Error::text(format!(
                "patch appears to be empty; files=[{}], Patch={}",
                paths.join(" "),
                secrecy::shown(inline)
            )));
        }
        Ok(Self { patches })
    }
}

/// An entry that is neither a file nor objects, and looks like a Secret: upstream takes it for a path, and shows it.
pub(crate) fn not_a_file(entry: &str) -> Error {
    let hidden = secrecy::HIDDEN;
    match read_resources(entry.as_bytes()) {
        Ok(_) => Error::text(format!("'{hidden}' must resolve to a file")),
        Err(error) => error.wrap(format_args!("'{hidden}' is neither a file nor objects")),
    }
}

/// Names the file of malformed YAML. kustomize: api/internal/kusterr, `Handler`.
pub(crate) fn in_file(error: Error, path: &str) -> Error {
    if !error.is_malformed_yaml() {
        return error;
    }
    let text = format!("{error} in File: {path}");
    error.retold(text)
}

impl Transformer for StrategicMergeTransformer {
    fn transform(&self, set: &mut ResourceSet, session: &Session<'_>) -> Result<()> {
        self.patches.iter().try_for_each(|patch| {
            let index = set.index_by_id(&patch.original_id())?;
            set.apply_patch(&[index], patch, &session.schema())
        })
    }
}

/// `patchesJson6902`: a JSON patch for one named target.
pub(crate) struct JsonPatchTransformer {
    patch: JsonPatch,
    target: Selector,
}

impl JsonPatchTransformer {
    pub(crate) fn new(entry: &Patch, loader: &Loader<'_>) -> Result<Self> {
        let target = entry
            .target
            .as_ref()
            .map(crate::kustomization::SelectorEntry::to_selector)
            .unwrap_or_default();
        if target.id.name.is_empty() {
            return Err(Error::text("must specify the target name"));
        }
        let text = match (entry.path.is_empty(), entry.patch.is_empty()) {
            (true, true) => return Err(Error::text("empty file path and empty jsonOp")),
            (false, false) => {
                return Err(Error::text("must specify a file path or jsonOp, not both"));
            }
            (true, false) => entry.patch.clone().into_bytes(),
            (false, true) => {
                let content = loader.load(&entry.path)?;
                if content.is_empty() {
                    return Err(Error::text(format!(
                        "patch file '{}' empty seems to be empty",
                        entry.path
                    )));
                }
                content
            }
        };
        let is_of_secret =
            secrecy::is_patch_of_secret(&String::from_utf8_lossy(&text), Some(&target));
        let show = |text: String| {
            if is_of_secret {
                secrecy::HIDDEN.to_owned()
            } else {
                text
            }
        };
        let hide = |error: Error| {
            if is_of_secret {
                secrecy::without_quotations(error).of_object(true)
            } else {
                error
            }
        };
        let (value, shown) = if is_json(&text) {
            let shown = show(String::from_utf8_lossy(&text).into_owned());
            let value = read_json(&text)
                .map_err(|error| hide(error).wrap(format_args!("decoding {shown}")))?;
            (value, shown)
        } else {
            let value = read_yaml(&text).map_err(hide)?;
            let shown = show(tidegate_yaml::to_json(&value).map_err(|error| hide(error.into()))?);
            (value, shown)
        };
        let patch = JsonPatch::from_value(&as_floats(value))
            .map_err(|error| hide(error.into()).wrap(format_args!("decoding {shown}")))?;
        if patch.is_empty() {
            return Err(Error::text(format!(
                "patch appears to be empty; file={}, JsonOp={shown}",
                entry.path,
            )));
        }
        Ok(Self { patch, target })
    }
}

impl Transformer for JsonPatchTransformer {
    fn transform(&self, set: &mut ResourceSet, _: &Session<'_>) -> Result<()> {
        set.select(&self.target)?
            .into_iter()
            .try_for_each(|index| apply_json_patch(set.get_mut(index), &self.patch))
    }
}

fn read_json_patch(text: &[u8]) -> Result<JsonPatch> {
    if text.is_empty() {
        return Err(Error::text("empty json patch operations"));
    }
    let value = if is_json(text) {
        read_json(text)?
    } else {
        read_yaml(text)?
    };
    Ok(JsonPatch::from_value(&as_floats(value))?)
}

fn is_json(text: &[u8]) -> bool {
    text.starts_with(b"[")
}

fn read_json(text: &[u8]) -> Result<Value> {
    check_json(text)?;
    Ok(tidegate_yaml::parse_v2(text)?)
}

fn read_yaml(text: &[u8]) -> Result<Value> {
    let value = tidegate_yaml::parse_v2(text)
        .map_err(|error| Error::from(error).wrap("error converting YAML to JSON"))?;
    refuse_infinite(&value)?;
    Ok(value)
}

/// JSON has no infinite numbers.
fn refuse_infinite(value: &Value) -> Result<()> {
    match value {
        Value::Float(number) if !number.is_finite() => {
            Err(Error::text(format!("json: unsupported value: {number}")))
        }
        Value::Sequence(items) => items.iter().try_for_each(refuse_infinite),
        Value::Map(map) => map.values().try_for_each(refuse_infinite),
        _ => Ok(()),
    }
}

/// Applies a JSON patch to the object as JSON: afterwards, styles are gone and numbers are floats.
fn apply_json_patch(resource: &mut Resource, patch: &JsonPatch) -> Result<()> {
    if resource.has_build_annotations() {
        // Patches may count on the annotations that upstream keeps its notes in.
        let metadata = resource.node.field_or_insert("metadata", Kind::Mapping)?;
        let annotations = metadata.field_or_insert("annotations", Kind::Mapping)?;
        if annotations.is_tagged_null() {
            annotations.turn_into(Kind::Mapping, tidegate_yaml::Tag::MAP);
        }
    }
    let mut value = as_floats(resource.value()?);
    patch.apply(&mut value)?;
    resource.node = Node::from(&as_floats(value));
    let annotations = resource.metadata_map("annotations");
    resource.set_metadata_map("annotations", &annotations)
}

/// Numbers as Go's JSON decoder gives them: those that a float cannot hold lose digits.
#[expect(clippy::cast_precision_loss, reason = "that is the point")]
fn as_floats(value: Value) -> Value {
    const EXACT: u64 = 1 << 53;
    match value {
        Value::Int(number) if number.unsigned_abs() > EXACT => Value::Float(number as f64),
        Value::Uint(number) => Value::Float(number as f64),
        Value::Sequence(items) => Value::Sequence(items.into_iter().map(as_floats).collect()),
        Value::Map(map) => Value::Map(
            map.into_iter()
                .map(|(key, value)| (key, as_floats(value)))
                .collect(),
        ),
        other => other,
    }
}
