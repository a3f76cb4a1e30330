//! Walks kustomizations from the entry down, and collects objects, configuration and variables on the way up.

mod configured;
mod place;
mod steps;

use std::collections::BTreeMap;

use crate::Error;
use crate::config::TransformerConfig;
use crate::error::{Place, Result};
use crate::kustomization::{COMPONENT, FILE_NAMES, Kustomization, Variable};
use crate::loader::Loader;
use crate::origin::Origin;
use crate::resource::read_resources;
use crate::resource_set::ResourceSet;
use crate::secrecy;
use crate::session::Session;
use crate::transformers::{not_a_file, patch_in_file};

/// What a kustomization and everything below it amounts to so far. kustomize: api/internal/accumulator.
#[derive(Default)]
pub(crate) struct Accumulator {
    pub(crate) set: ResourceSet,
    pub(crate) config: TransformerConfig,
    pub(crate) variables: BTreeMap<String, Variable>,
}

/// One kustomization that is being built. kustomize: api/internal/target, `KustTarget`.
pub(crate) struct Target<'b> {
    pub(crate) loader: Loader<'b>,
    /// Boxed: bases nest, and each level stands on the stack.
    pub(crate) kustomization: Box<Kustomization>,
    pub(crate) file_name: String,
    /// Present if origins are tracked.
    origin: Option<Origin>,
    session: &'b Session<'b>,
}

/// `helmCharts` needs helm, which this engine is not.
pub(crate) fn helm_unsupported() -> Error {
    Error::unsupported("must specify --enable-helm")
}

impl<'b> Target<'b> {
    /// Reads the kustomization of a folder.
    pub(crate) fn load(loader: Loader<'b>, session: &'b Session<'b>) -> Result<Self> {
        session.count_kustomization(loader.root())?;
        let (content, file_name) = load_file(&loader)?;
        let mut warnings = Vec::new();
        let parsed = Kustomization::parse(&content, loader.root(), &mut warnings);
        for warning in warnings {
            session.warn(warning);
        }
        let parsed = parsed.map_err(|error| {
            error.at(|| Place {
                folder: loader.root().to_owned(),
                file: crate::paths::join(loader.root(), file_name),
                line: 0,
                what: String::new(),
            })
        });
        Ok(Self {
            kustomization: Box::new(parsed?),
            loader,
            file_name: file_name.to_owned(),
            origin: None,
            session,
        })
    }

    /// Reads the kustomization of the entry as Flux does, from the file of this name.
    pub(crate) fn load_loosely(
        loader: Loader<'b>,
        file_name: &str,
        session: &'b Session<'b>,
    ) -> Result<Self> {
        let path = crate::paths::join(loader.root(), file_name);
        let content = loader
            .files()
            .read(&path)
            .map_err(|error| Error::from(error).in_generator())?;
        // Two files of those names are an error to kustomize, which comes after Flux's reading.
        let several = FILE_NAMES
            .iter()
            .filter(|name| loader.load(name).is_ok())
            .count()
            > 1;
        let mut warnings = Vec::new();
        let parsed = Kustomization::parse_loosely(&content, loader.root(), &mut warnings);
        match parsed {
            // Flux does not say which file it is.
            Err(error) if error.kind() == crate::ErrorKind::Generator => {
                return Err(error.wrap(format_args!("failed to decode kustomization from {path}")));
            }
            _ if several => return Err(several_files(loader.root())),
            _ => {}
        }
        for warning in warnings {
            session.warn(warning);
        }
        Ok(Self::with_kustomization(
            loader, parsed?, file_name, session,
        ))
    }

    /// A target with a kustomization that stands in no file.
    pub(crate) fn with_kustomization(
        loader: Loader<'b>,
        kustomization: Kustomization,
        file_name: &str,
        session: &'b Session<'b>,
    ) -> Self {
        Self {
            loader,
            kustomization: Box::new(kustomization),
            file_name: file_name.to_owned(),
            origin: None,
            session,
        }
    }

    /// Builds the entry: all objects, before the steps that come once at the end.
    pub(crate) fn accumulate_entry(&mut self) -> Result<Accumulator> {
        self.choose_schema(true)?;
        self.origin = (!self.kustomization.build_metadata.is_empty()).then(Origin::default);
        self.accumulate(Accumulator::default())
    }

    fn choose_schema(&self, at_entry: bool) -> Result<()> {
        let openapi = &self.kustomization.openapi;
        let document = openapi
            .get("path")
            .map(|path| self.loader.load(path))
            .transpose()?;
        self.session
            .choose_schema(
                openapi.get("version").map(String::as_str),
                document.as_deref(),
                at_entry,
            )
            .map_err(|error| self.in_field(error, "openapi"))
    }

    fn accumulate(&mut self, mut accumulator: Accumulator) -> Result<Accumulator> {
        let resources = self.kustomization.resources.clone();
        accumulator = self
            .accumulate_resources(accumulator, &resources)
            .map_err(|error| error.wrap("accumulating resources"))?;
        let kustomization = &self.kustomization;
        let config = TransformerConfig::load(
            &self.loader,
            &kustomization.configurations,
            &kustomization.crds,
        )
        .map_err(|error| self.in_field(error, "configurations, crds"))?;
        accumulator
            .config
            .merge(&config)
            .map_err(|error| error.wrap("merging config"))
            .map_err(|error| self.in_field(error, "configurations, crds"))?;
        self.run_generators(&mut accumulator)?;
        let components = self.kustomization.components.clone();
        accumulator = self
            .accumulate_components(accumulator, &components)
            .map_err(|error| error.wrap("accumulating components"))?;
        self.run_transformers(&mut accumulator)?;
        self.run_validators(&mut accumulator)?;
        accumulator
            .merge_variables(&self.kustomization.vars)
            .map_err(|error| {
                let error = error.wrap(format_args!(
                    "merging vars {}",
                    describe(&self.kustomization.vars)
                ));
                self.in_field(error, "vars")
            })?;
        Ok(accumulator)
    }

    fn accumulate_resources(
        &mut self,
        mut accumulator: Accumulator,
        paths: &[String],
    ) -> Result<Accumulator> {
        for path in paths {
            let Err(as_file) = self.accumulate_file(&mut accumulator, path) else {
                continue;
            };
            if secrecy::is_of_secret(path) {
                return Err(not_a_file(path).wrap("accumulating resources"));
            }
            if as_file.kind() == crate::ErrorKind::Http {
                return Err(as_file);
            }
            let as_folder = |error: Error| error.wrap(format_args!("accumulation err='{as_file}'"));
            let loader = match self.loader.open(path) {
                Ok(loader) => loader,
                Err(_) if as_file.is_malformed_yaml() => return Err(as_file),
                Err(error) => return Err(as_folder(error)),
            };
            accumulator = self
                .within(path, |target| {
                    target.accumulate_folder(accumulator, loader, false)
                })
                .map_err(as_folder)?;
        }
        Ok(accumulator)
    }

    /// Runs a step with the origin of a resource entry.
    fn within<T>(&mut self, path: &str, step: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.origin.clone();
        self.origin = outer.as_ref().map(|origin| origin.append(path));
        let result = step(self);
        self.origin = outer;
        result
    }

    fn accumulate_components(
        &mut self,
        mut accumulator: Accumulator,
        paths: &[String],
    ) -> Result<Accumulator> {
        for path in paths {
            let loader = self
                .loader
                .open(path)
                .map_err(|error| error.quoted("loader.New"))?;
            accumulator = self
                .within(path, |target| {
                    target.accumulate_folder(accumulator, loader, true)
                })
                .map_err(|error| error.quoted("accumulateDirectory:"))?;
        }
        Ok(accumulator)
    }

    fn accumulate_folder(
        &mut self,
        mut accumulator: Accumulator,
        loader: Loader<'b>,
        as_component: bool,
    ) -> Result<Accumulator> {
        let root = loader.root().to_owned();
        let mut inner = Target::load(loader, self.session)
            .map_err(|error| error.wrap(format_args!("couldn't make target for path '{root}'")))?;
        inner
            .kustomization
            .build_metadata
            .clone_from(&self.kustomization.build_metadata);
        inner.origin.clone_from(&self.origin);
        inner.choose_schema(false)?;
        let kind = &inner.kustomization.kind;
        match (as_component, inner.kustomization.is_component()) {
            (true, false) => {
                return Err(Error::text(format!(
                    "expected kind '{COMPONENT}' for path '{root}' but got '{kind}'"
                )));
            }
            (false, true) => {
                return Err(Error::text(format!(
                    "expected kind != '{COMPONENT}' for path '{root}'"
                )));
            }
            _ => {}
        }
        let start = if as_component {
            std::mem::take(&mut accumulator)
        } else {
            Accumulator::default()
        };
        let result = inner
            .accumulate(start)
            .map_err(|error| error.wrap(format_args!("recursed accumulation of path '{root}'")))?;
        accumulator
            .merge(result)
            .map_err(|error| error.wrap(format_args!("recursed merging from path '{root}'")))?;
        Ok(accumulator)
    }

    fn accumulate_file(&self, accumulator: &mut Accumulator, path: &str) -> Result<()> {
        let in_path =
            |error: Error| error.wrap(format_args!("accumulating resources from '{path}'"));
        let content = self.loader.load(path).map_err(in_path)?;
        let resources = read_resources(&content)
            .and_then(ResourceSet::from_resources)
            .map_err(|error| in_path(patch_in_file(error, path)))?;
        let origin = self.origin.as_ref().map(|origin| origin.append(path));
        let resources = resources.into_resources().into_iter().map(|mut resource| {
            resource.path = Some(crate::paths::join(self.loader.root(), path));
            if origin.is_some() {
                resource.origin.clone_from(&origin);
            }
            resource
        });
        accumulator
            .set
            .append_all(resources)
            .map_err(|error| error.wrap(format_args!("merging resources from '{path}'")))
    }
}

/// The kustomization file of a folder: exactly one of the names it can have.
fn load_file(loader: &Loader<'_>) -> Result<(Vec<u8>, &'static str)> {
    let mut found = FILE_NAMES
        .iter()
        .filter_map(|name| loader.load(name).ok().map(|content| (content, *name)));
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => Err(several_files(loader.root())),
        (None, _) => Err(Error::text(format!(
            "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{}'",
            loader.root()
        ))),
    }
}

fn several_files(folder: &str) -> Error {
    Error::text(format!(
        "Found multiple kustomization files under: {folder}\n"
    ))
}

fn describe(variables: &[Variable]) -> String {
    let texts: Vec<String> = variables.iter().map(ToString::to_string).collect();
    format!("[{}]", texts.join(" "))
}

impl Accumulator {
    fn merge(&mut self, other: Accumulator) -> Result<()> {
        self.set.append_all(other.set.into_resources())?;
        self.config.merge(&other.config)?;
        for (_, variable) in other.variables {
            self.add_variable(variable)?;
        }
        Ok(())
    }

    fn add_variable(&mut self, variable: Variable) -> Result<()> {
        if self.variables.contains_key(&variable.name) {
            return Err(Error::text(format!(
                "var '{}' already encountered",
                variable.name
            )));
        }
        self.variables.insert(variable.name.clone(), variable);
        Ok(())
    }

    /// Notes variables on the objects that they read from. kustomize: `MergeVars`.
    fn merge_variables(&mut self, incoming: &[Variable]) -> Result<()> {
        for variable in incoming {
            let wanted = variable.id();
            let any_namespace = wanted.namespace.is_empty() && !wanted.cluster_scoped;
            let matched = self.set.indices_by_any_id(&wanted.name, |id| {
                if any_namespace {
                    wanted.same_type_and_name(id)
                } else {
                    wanted.matches(id)
                }
            });
            match matched.as_slice() {
                [] => {}
                [index] => self
                    .set
                    .get_mut(*index)
                    .variables
                    .push(variable.name.clone()),
                many => {
                    return Err(Error::text(format!(
                        "found {} resId matches for var {variable} (unable to disambiguate)",
                        many.len()
                    )));
                }
            }
        }
        incoming
            .iter()
            .try_for_each(|variable| self.add_variable(variable.clone()))
    }
}
