//! Runs generators, transformers and validators, those of fields first.

use tidegate_object::{Node, Tree as _};

use super::configured::Step;
use super::{Accumulator, Target};
use crate::error::Result;
use crate::generators::Generator;
use crate::resource::{Resource, read_resources};
use crate::resource_set::ResourceSet;
use crate::{Error, plugins};

impl Target<'_> {
    pub(super) fn run_generators(&mut self, accumulator: &mut Accumulator) -> Result<()> {
        let mut generators = self.builtin_generators()?;
        let entries = self.kustomization.generators.clone();
        let in_plugins = |error: Error| error.wrap("loading generator plugins");
        for resource in self.plugin_configs(&entries).map_err(in_plugins)? {
            let action = plugins::load_generator(&resource).map_err(|error| {
                let error = in_plugins(error.wrap("failed to load generator"));
                self.in_plugin(error, &resource, "generators")
            })?;
            generators.push(self.plugin_step(action, &resource, "generators"));
        }
        for generator in generators {
            self.generate(accumulator, &generator)
                .map_err(|error| self.in_step(error, &generator))?;
        }
        Ok(())
    }

    fn generate(
        &self,
        accumulator: &mut Accumulator,
        generator: &Step<dyn Generator>,
    ) -> Result<()> {
        let generated = generator.action.generate(&self.loader)?;
        let mut resources = ResourceSet::from_resources(generated)?.into_resources();
        for resource in &mut resources {
            resource.path = Some(generator.file.clone());
            if generator.origin.is_some() {
                resource.origin.clone_from(&generator.origin);
            }
        }
        accumulator
            .set
            .absorb_all(resources)
            .map_err(|error| error.wrap("merging from generator"))
    }

    pub(super) fn run_transformers(&mut self, accumulator: &mut Accumulator) -> Result<()> {
        let mut transformers = self.builtin_transformers(&accumulator.config)?;
        let entries = self.kustomization.transformers.clone();
        for resource in self.plugin_configs(&entries)? {
            let action = plugins::load_transformer(&resource, &self.loader)
                .map_err(|error| self.in_plugin(error, &resource, "transformers"))?;
            transformers.push(self.plugin_step(action, &resource, "transformers"));
        }
        for transformer in transformers {
            transformer
                .action
                .transform(&mut accumulator.set, self.session)
                .map_err(|error| self.in_step(error, &transformer))?;
            let origin = transformer.origin;
            for resource in accumulator.set.iter_mut() {
                resource.shared.settle(&mut resource.node);
            }
            if let Some(origin) = origin {
                for resource in accumulator.set.iter_mut() {
                    match &resource.origin {
                        None => resource.origin = Some(origin.clone()),
                        Some(_) => resource.transformations.push(origin.clone()),
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn run_validators(&mut self, accumulator: &mut Accumulator) -> Result<()> {
        let entries = self.kustomization.validators.clone();
        for resource in self.plugin_configs(&entries)? {
            let validator = plugins::load_transformer(&resource, &self.loader)
                .map_err(|error| self.in_plugin(error, &resource, "validators"))?;
            let before: Vec<Resource> = accumulator.set.iter().cloned().collect();
            validator
                .transform(&mut accumulator.set, self.session)
                .map_err(|error| self.in_plugin(error, &resource, "validators"))?;
            find_change(&before, &accumulator.set).map_err(|change| {
                let error = format!("validator shouldn't modify the resource map: {change}");
                self.in_plugin(Error::text(error), &resource, "validators")
            })?;
        }
        Ok(())
    }

    /// The objects that configure plugins: inline, in files or in folders.
    fn plugin_configs(&mut self, entries: &[String]) -> Result<Vec<Resource>> {
        let mut configs = Accumulator::default();
        let mut paths = Vec::new();
        for entry in entries {
            let Ok(inline) = read_resources(entry.as_bytes()).and_then(ResourceSet::from_resources)
            else {
                paths.push(entry.clone());
                continue;
            };
            let origin = self
                .origin
                .as_ref()
                .map(|origin| origin.append(&self.file_name));
            configs
                .set
                .append_all(inline.into_resources().into_iter().map(|mut resource| {
                    resource.path = Some(self.file_path());
                    resource.origin.clone_from(&origin);
                    resource
                }))?;
        }
        configs = self.accumulate_resources(configs, &paths)?;
        Ok(configs.set.into_resources())
    }

    fn plugin_step<T: ?Sized>(&self, action: Box<T>, config: &Resource, field: &str) -> Step<T> {
        Step {
            action,
            origin: plugins::plugin_origin(config),
            file: config.path.clone().unwrap_or_else(|| self.file_path()),
            field: field.to_owned(),
        }
    }
}

/// What a validator changed, if it did. It may add one label. kustomize: api/resmap, `ErrorIfNotEqualSets`.
fn find_change(before: &[Resource], after: &ResourceSet) -> Result<(), String> {
    if before.len() != after.len() {
        return Err(format!(
            "lists have different number of entries: {} and {}",
            before.len(),
            after.len()
        ));
    }
    for resource in before {
        let id = resource.current_id();
        let mut same = after.iter().filter(|other| other.current_id() == id);
        match (same.next(), same.count()) {
            (None, _) => return Err(format!("id in self missing from other; id: {id}")),
            (Some(_), more @ 1..) => {
                return Err(format!(
                    "id in self matches {} in other; id: {id}",
                    more + 1
                ));
            }
            (Some(other), 0) if without_mark(other) != resource.node => {
                return Err(format!("nodes unequal: {id}"));
            }
            (Some(_), 0) => {}
        }
    }
    Ok(())
}

/// The object without the label that tells who validated it.
fn without_mark(resource: &Resource) -> Node {
    let mut node = resource.node.clone();
    let metadata = node.field_mut("metadata");
    let is_only_label =
        |labels: &Node| labels.entries().len() == 1 && labels.field("validated-by").is_some();
    if let Some(metadata) = metadata
        && metadata.field("labels").is_some_and(is_only_label)
    {
        metadata.remove_field("labels");
    }
    node
}
