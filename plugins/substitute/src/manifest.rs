use tidegate_object::{Gvk, ObjectId};
use tidegate_yaml::{Value, emit_v2, node_to_canonical_value, parse_document, parse_v2};

use crate::error::{Error, Problem};
use crate::expression::{Meter, Template};
use crate::variables::Variables;

/// The label or annotation that keeps an object as it is.
const DISABLING_KEY: &str = "kustomize.toolkit.fluxcd.io/substitute";
/// Its value, in this case only.
const DISABLED: &str = "disabled";

/// One built object.
#[derive(Debug, Clone, Copy)]
pub struct Manifest<'a> {
    pub text: &'a str,
}

/// How to substitute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// A variable that is neither set nor has a default is an error; else it is empty.
    pub strict: bool,
    /// Substitute without any variables too, for the sake of defaults and `$$`
    /// (`substituteStrategy: Always`).
    pub always: bool,
}

/// What became of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The text stands as it was handed in.
    Unchanged,
    /// The new text: YAML with sorted keys, as kustomize writes objects.
    Changed(String),
}

/// Puts the values of variables into manifests, one by one and in their order (fluxcd/pkg,
/// `kustomize/kustomize_varsub.go`, `SubstituteVariables`).
///
/// Expressions are replaced in the text that kustomize would write for the object, which is then
/// read again. Quotes that a text needed only for what stood there before are gone by then: with
/// `n: "${number}"` and the value `1`, `n` becomes an integer.
pub fn substitute(
    manifests: &[Manifest<'_>],
    variables: &Variables,
    options: Options,
) -> Result<Vec<Outcome>, Error> {
    if variables.is_empty() && !options.always {
        return Ok(vec![Outcome::Unchanged; manifests.len()]);
    }
    let mut outcomes = Vec::with_capacity(manifests.len());
    let mut ids = Ids {
        manifests,
        known: vec![None; manifests.len()],
    };
    for (index, manifest) in manifests.iter().enumerate() {
        // Nothing to expand, but a wrong name of a variable is an error still.
        if !manifest.text.contains('$') && variables.invalid_name().is_none() {
            outcomes.push(Outcome::Unchanged);
            continue;
        }
        let object = read(manifest).map_err(|error| Error::Manifest {
            object: shown(&Value::Null),
            problem: Problem::Input(error),
        })?;
        if is_disabled(&object) {
            outcomes.push(Outcome::Unchanged);
            continue;
        }
        let failed = |problem| Error::Manifest {
            object: shown(&object),
            problem,
        };
        let changed = expand(&object, variables, options).map_err(failed)?;
        let id = id(&changed);
        let is_renamed = id != self::id(&object);
        ids.known[index] = Some(id);
        if is_renamed {
            ids.check(index)?;
        }
        outcomes.push(Outcome::Changed(emit_v2(&changed)));
    }
    Ok(outcomes)
}

/// Reads a manifest as kustomize does.
fn read(manifest: &Manifest<'_>) -> Result<Value, tidegate_yaml::Error> {
    match parse_document(manifest.text.as_bytes())? {
        Some(node) => node_to_canonical_value(&node),
        None => Ok(Value::Null),
    }
}

fn expand(object: &Value, variables: &Variables, options: Options) -> Result<Value, Problem> {
    if let Some(name) = variables.invalid_name() {
        return Err(Problem::VariableName(name.to_owned()));
    }
    let unset = if options.strict { None } else { Some("") };
    let lookup = |name: &str| variables.get(name).or(unset);
    let text = Template::parse(&emit_v2(object))?.expand(&lookup, &mut Meter::default())?;
    let changed = parse_v2(text.as_bytes()).map_err(Problem::Yaml)?;
    match changed.as_map() {
        Some(_) => Ok(changed),
        None => Err(Problem::NoObject("the manifest is no map any more")),
    }
}

fn is_disabled(object: &Value) -> bool {
    ["labels", "annotations"].iter().any(|kind| {
        let value = object
            .get("metadata")
            .and_then(|metadata| metadata.get(kind)?.get(DISABLING_KEY));
        value.and_then(Value::as_str) == Some(DISABLED)
    })
}

fn id(object: &Value) -> ObjectId {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let metadata = |key: &str| {
        text(
            object
                .get("metadata")
                .and_then(|metadata| metadata.get(key)),
        )
    };
    let gvk = Gvk::from_api_version(&text(object.get("apiVersion")), &text(object.get("kind")));
    ObjectId::new(gvk, metadata("name"), metadata("namespace"))
}

/// `ConfigMap.v1.[noGrp]/name`
fn shown(object: &Value) -> String {
    let id = id(object);
    format!("{}/{}", id.gvk, id.name)
}

/// The ids of all objects as far as they have been looked at: most runs rename nothing.
struct Ids<'a> {
    manifests: &'a [Manifest<'a>],
    known: Vec<Option<ObjectId>>,
}

impl Ids<'_> {
    /// Is the object at `index` the only one of its id? Those after it still have their old ids
    /// (kustomize, `resWrangler.Replace`).
    fn check(&mut self, index: usize) -> Result<(), Error> {
        for (known, manifest) in self.known.iter_mut().zip(self.manifests) {
            if known.is_none() {
                // What cannot be read is reported when its turn comes.
                *known =
                    Some(read(manifest).map_or_else(|_| ObjectId::default(), |object| id(&object)));
            }
        }
        let of = |index: usize| self.known.get(index).and_then(Option::as_ref);
        let Some(renamed) = of(index) else {
            return Ok(());
        };
        let count = self
            .known
            .iter()
            .flatten()
            .filter(|other| other.matches(renamed))
            .count();
        if count > 1 {
            Err(Error::SameId { count })
        } else {
            Ok(())
        }
    }
}
