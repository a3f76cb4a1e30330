//! From a Kustomization and a folder to the objects that would be applied.

use super::definition;
use super::definition::Definitions;
use super::definition::is_kustomization;
use super::ignored::BuildTree;
use super::masking;
use super::real_folder;
use crate::engines::Document;
use crate::engines::Engines;
use crate::engines::Folder;
use crate::engines::Refusal;
use crate::kustomize::absolute;
use anyhow::Context as _;
use anyhow::anyhow;
use anyhow::bail;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use tidegate_api::Kustomization;
use tidegate_api::SubstituteStrategy;
use tidegate_kustomization::Substitution;
use tidegate_kustomization::build_config;
use tidegate_kustomization::refusal;
use tidegate_sandbox::Format;
use tidegate_sandbox::Manifest;
use tidegate_values::ObjectRef;
use tidegate_yaml::Map;
use tidegate_yaml::Value;

const OWNER_NAME: &str = "kustomize.toolkit.fluxcd.io/name";
const OWNER_NAMESPACE: &str = "kustomize.toolkit.fluxcd.io/namespace";

/// What is the same for all Kustomizations of one command.
pub(super) struct Build<'c> {
    pub(super) engines: &'c Engines,
    pub(super) definitions: &'c Definitions,
    /// Patterns of files to leave out, one a line.
    pub(super) ignore: String,
    pub(super) strict: bool,
    /// Folders by `Kind/namespace/name` of a source. `None`: Kustomizations among the manifests are not built.
    pub(super) local_sources: Option<BTreeMap<String, String>>,
}

/// Name and namespace.
type Key = (String, String);

fn key(object: &Kustomization) -> Key {
    let metadata = &object.metadata;
    (
        metadata.name.clone().unwrap_or_default(),
        metadata.namespace.clone().unwrap_or_default(),
    )
}

impl Build<'_> {
    /// The objects of `object` in their order, then those of the Kustomizations among them.
    pub(super) fn run(&self, object: &Kustomization, folder: &Path) -> anyhow::Result<Vec<Value>> {
        self.run_within(object, folder, &mut Vec::new())
    }

    fn run_within(
        &self,
        object: &Kustomization,
        folder: &Path,
        within: &mut Vec<Key>,
    ) -> anyhow::Result<Vec<Value>> {
        let own = key(object);
        let mut documents = self.kustomize(object, folder)?;
        if let Some(substitution) = substitution(object) {
            documents = self.substitute(&own, &substitution, documents)?;
        }
        let mut objects = Vec::with_capacity(documents.len());
        for document in documents {
            let mut value = read(&document)?;
            identified(&value, &document)?;
            add(
                &mut value,
                "labels",
                [
                    (OWNER_NAME, own.0.as_str()),
                    (OWNER_NAMESPACE, own.1.as_str()),
                ],
            );
            masking::mask(&mut value)?;
            coerce_numbers(&mut value);
            collect(value, &mut objects)?;
        }
        if let Some(common) = &object.spec.common_metadata {
            for value in &mut objects {
                add_common(value, "labels", texts(&common.labels));
                add_common(value, "annotations", texts(&common.annotations));
            }
        }
        let Some(sources) = &self.local_sources else {
            return Ok(objects);
        };
        let contained: Vec<Kustomization> = objects
            .iter()
            .filter(|object| is_kustomization(object))
            .map(|object| {
                definition::kustomization(object).context("failed to convert to kustomization")
            })
            .collect::<anyhow::Result<_>>()?;
        within.push(own.clone());
        for found in contained.into_iter().filter(|found| key(found) != own) {
            if within.contains(&key(&found)) {
                bail!("kustomization '{}' contains itself", key(&found).0);
            }
            let folder = source_folder(sources, &found)?;
            let found = self.definitions.find_contained(found)?;
            objects.extend(self.run_within(&found, &folder, within)?);
        }
        within.pop();
        Ok(objects)
    }

    fn kustomize(&self, object: &Kustomization, folder: &Path) -> anyhow::Result<Vec<Document>> {
        const GENERATOR: &str = "failed to generate kustomization.yaml";
        let tree = BuildTree::open(folder, &self.ignore).context(GENERATOR)?;
        let folder = Folder {
            path: tree.folder().to_owned(),
            tree: Arc::new(tree),
            shown: String::new(),
        };
        self.engines
            .kustomize(folder, &build_config(object))
            .map_err(|error| match error.downcast_ref::<Refusal>() {
                Some(refused) if refused.code == refusal::GENERATOR => error.context(GENERATOR),
                _ => error.context("kustomize build failed"),
            })
    }

    fn substitute(
        &self,
        own: &Key,
        substitution: &Substitution,
        documents: Vec<Document>,
    ) -> anyhow::Result<Vec<Document>> {
        let first = documents.first().map(read).transpose()?;
        let Some(first) = first else {
            return Ok(documents);
        };
        let variables = self
            .definitions
            .variables(&own.1, substitution)
            .with_context(|| format!("var substitution failed for '{}'", reference(&first).name))?;
        if variables.is_empty() && !substitution.always {
            return Ok(documents);
        }
        let manifests = documents
            .into_iter()
            .map(|document| {
                Ok(Manifest {
                    id: reference(&read(&document)?),
                    format: Format::Yaml,
                    bytes: document.text,
                    origin: None,
                })
            })
            .collect::<anyhow::Result<_>>()?;
        let config = json!({
            "vars": variables,
            "strict": self.strict,
            "strategy": if substitution.always { "Always" } else { "WithVariables" },
        });
        self.engines
            .substitute(manifests, &config)
            .map_err(|error| retold(&error))
    }
}

/// The controller says `post build failed for 'Kind.version.group/name'` where the command names the object alone.
fn retold(error: &anyhow::Error) -> anyhow::Error {
    let text = error.to_string();
    let parts = text
        .strip_prefix("post build failed for '")
        .and_then(|rest| rest.split_once("': "));
    match parts {
        Some((id, problem)) => {
            let name = id.rsplit('/').next().unwrap_or(id);
            anyhow!("var substitution failed for '{name}': {problem}")
        }
        None => anyhow!("var substitution failed: {text}"),
    }
}

fn substitution(object: &Kustomization) -> Option<Substitution> {
    object
        .spec
        .post_build
        .as_ref()
        .map(|post_build| Substitution {
            inline: post_build.substitute.clone(),
            from: post_build.substitute_from.clone(),
            always: post_build.substitute_strategy() == Some(SubstituteStrategy::Always),
        })
}

fn source_folder(
    sources: &BTreeMap<String, String>,
    found: &Kustomization,
) -> anyhow::Result<PathBuf> {
    let source = &found.spec.source_ref;
    let (name, own_namespace) = key(found);
    let namespace = source
        .namespace
        .clone()
        .filter(|namespace| !namespace.is_empty())
        .unwrap_or(own_namespace);
    let wanted = if namespace.is_empty() {
        format!("{}/{}", source.kind, source.name)
    } else {
        format!("{}/{namespace}/{}", source.kind, source.name)
    };
    let Some(local) = sources.get(&wanted) else {
        bail!("cannot get local path for {wanted} of kustomization {name}");
    };
    let path = found.spec.path.as_deref().unwrap_or_default();
    real_folder(&absolute(&format!("{local}/{path}"))?)
}

/// The place in an error is of the document that was built: it may be deeper than what it was built from.
fn read(document: &Document) -> anyhow::Result<Value> {
    tidegate_yaml::parse_v2(&document.text).with_context(|| {
        let file = document.file.as_deref().unwrap_or_default();
        format!("kustomize build failed: failed to read what was built of '{file}'")
    })
}

/// The controller refuses what does not say what it is; Flux's command leaves it out of its output in silence.
fn identified(object: &Value, document: &Document) -> anyhow::Result<()> {
    let is_list = matches!(object.get("items"), Some(Value::Sequence(_)));
    let id = reference(object);
    if is_list || object.is_null() || is_complete(&id) || is_kustomization_file(&id) {
        return Ok(());
    }
    let shown = json!({
        "apiVersion": id.api_version, "kind": id.kind,
        "metadata": {"name": id.name, "namespace": id.namespace},
    });
    let error = anyhow!("failed to decode Kubernetes apiVersion, kind and name from: {shown}");
    Err(match &document.file {
        Some(file) => error.context(file.clone()),
        None => error,
    })
}

fn is_complete(id: &ObjectRef) -> bool {
    !id.api_version.is_empty() && !id.kind.is_empty() && !id.name.is_empty()
}

fn is_kustomization_file(id: &ObjectRef) -> bool {
    id.kind == "Kustomization" && id.api_version.starts_with("kustomize.config.k8s.io/")
}

fn reference(object: &Value) -> ObjectRef {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let metadata = object.get("metadata");
    ObjectRef {
        api_version: text(object.get("apiVersion")),
        kind: text(object.get("kind")),
        namespace: text(metadata.and_then(|metadata| metadata.get("namespace"))),
        name: text(metadata.and_then(|metadata| metadata.get("name"))),
    }
}

/// Takes lists apart, and drops kustomization files and what is no object (fluxcd/pkg, `ssa/utils`, `ReadObjects`).
fn collect(value: Value, objects: &mut Vec<Value>) -> anyhow::Result<()> {
    if let Some(Value::Sequence(items)) = value.get("items") {
        if items.iter().any(|item| item.as_map().is_none()) {
            bail!(
                "kustomize build failed: items member is not an object in '{}'",
                reference(&value).name
            );
        }
        objects.extend(items.iter().cloned());
        return Ok(());
    }
    let id = reference(&value);
    if is_complete(&id) && !is_kustomization_file(&id) {
        objects.push(value);
    }
    Ok(())
}

/// Kubernetes' decoder of untyped JSON knows integers of 64 bits with a sign; beyond, numbers are inexact.
#[expect(clippy::cast_precision_loss, reason = "that is what is shown")]
fn coerce_numbers(value: &mut Value) {
    match value {
        Value::Uint(number) => *value = Value::Float(*number as f64),
        Value::Sequence(items) => items.iter_mut().for_each(coerce_numbers),
        Value::Map(map) => map.values_mut().for_each(coerce_numbers),
        _ => {}
    }
}

/// Puts common labels or annotations on an object (fluxcd/pkg, `ssa/utils`, `SetCommonMetadata`): a null there counts
/// as an empty text, and a map with anything but texts as none at all.
fn add_common<'a>(
    object: &mut Value,
    field: &str,
    entries: impl IntoIterator<Item = (&'a str, &'a str)>,
) {
    if let Value::Map(object) = &mut *object
        && let Some(Value::Map(metadata)) = object.get_mut("metadata")
        && let Some(Value::Map(present)) = metadata.get_mut(field)
    {
        for value in present.values_mut().filter(|value| value.is_null()) {
            *value = Value::String(String::new());
        }
        if present.values().any(|value| value.as_str().is_none()) {
            metadata.remove(field);
        }
    }
    add(object, field, entries);
}

fn texts(map: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    map.iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

/// Puts labels or annotations on an object.
fn add<'a>(object: &mut Value, field: &str, entries: impl IntoIterator<Item = (&'a str, &'a str)>) {
    let mut entries = entries.into_iter().peekable();
    if entries.peek().is_none() {
        return;
    }
    let Value::Map(object) = object else { return };
    let Some(map) = map_in(object, "metadata").and_then(|metadata| map_in(metadata, field)) else {
        return;
    };
    map.extend(entries.map(|(name, value)| (name.to_owned(), Value::String(value.to_owned()))));
}

/// The mapping in a field, which is made one if it is none.
fn map_in<'m>(map: &'m mut Map, field: &str) -> Option<&'m mut Map> {
    let value = map.entry(field.to_owned()).or_default();
    if value.as_map().is_none() {
        *value = Value::Map(Map::new());
    }
    match value {
        Value::Map(map) => Some(map),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        tidegate_yaml::parse_v2(text.as_bytes()).unwrap()
    }

    /// As apimachinery reads such maps, `NestedNullCoercingStringMap`.
    #[test]
    fn common_metadata_counts_nulls_as_empty() {
        let mut object = value("metadata: {annotations: {a: null, b: x}, labels: {c: 1}}");
        add_common(&mut object, "annotations", [("d", "w")]);
        add_common(&mut object, "labels", [("e", "z")]);
        assert_eq!(
            object,
            value("metadata: {annotations: {a: '', b: x, d: w}, labels: {e: z}}")
        );
    }

    #[test]
    fn lists_hold_objects_only() {
        let mut objects = Vec::new();
        collect(
            value("{kind: List, apiVersion: v1, items: [{kind: A}, {kind: B}]}"),
            &mut objects,
        )
        .unwrap();
        assert_eq!(objects.len(), 2);
        assert!(collect(value("{kind: List, items: [1]}"), &mut objects).is_err());
        collect(
            value("{kind: A, apiVersion: v1, metadata: {}}"),
            &mut objects,
        )
        .unwrap();
        assert_eq!(objects.len(), 2);
    }

    #[test]
    fn large_numbers_are_inexact() {
        let mut object = value("{a: [9223372036854775808], b: 9223372036854775807}");
        coerce_numbers(&mut object);
        assert_eq!(
            tidegate_yaml::marshal(&object).unwrap(),
            "a:\n- 9223372036854776000\nb: 9223372036854775807\n"
        );
    }

    #[test]
    fn errors_name_the_object_as_the_command_does() {
        let told = retold(&anyhow!(
            "post build failed for 'ConfigMap.v1.[noGrp]/a': envsubst error: x"
        ));
        assert_eq!(
            told.to_string(),
            "var substitution failed for 'a': envsubst error: x"
        );
    }
}
