//! The built-in renderer `kustomize`: the engine of `tidegate-kustomize` with the host's trees below it.
//!
//! Its configuration is described in `config.rs`. The fact `root.display` is the path of the source's root as errors
//! are to show it: empty for the root of a file system.

mod config;
mod files;

use config::Config;
use files::Trees;
use tidegate_guest::{
    Description, Diagnostic, Failure, Format, Location, Renderer, Request, Role, Severity, Sink,
    failure,
};
use tidegate_kustomize::{ErrorKind, Files, SecureFiles};

struct Kustomize;

impl Renderer for Kustomize {
    fn describe() -> Description {
        tidegate_guest::describe!("Builds a directory as `kustomize build` does.")
    }

    fn render(request: &Request, sink: &Sink) -> Result<(), Failure> {
        let options = Config::parse(&request.config())
            .map_err(|error| failure::invalid("config", error.to_string()))?;
        let source = request
            .source()
            .ok_or_else(|| failure::internal("kustomize needs a source"))?;
        let trees = Trees::new(source, &request.fact("root.display").unwrap_or_default());
        let entry = trees.shown(&request.path());
        // As Flux builds: nothing outside of the artifact is there.
        let secure = SecureFiles::new(&trees, &trees.shown(""));
        let files: &dyn Files = if options.generate { &secure } else { &trees };
        let warn = |warnings: &[String]| {
            warnings.iter().try_for_each(|warning| {
                let warning = Diagnostic {
                    severity: Severity::Warning,
                    ..failure::error("kustomize", warning.as_str(), None)
                };
                sink.report(&warning).map_err(failure::closed)
            })
        };
        let built = tidegate_kustomize::build(files, &entry, &options).or_else(|error| {
            warn(error.warnings())?;
            let code = match error.kind() {
                ErrorKind::Unsupported => "unsupported",
                ErrorKind::Http => "http",
                ErrorKind::Generator => "generator",
                ErrorKind::Input => "kustomize",
            };
            Err(failure::invalid(code, error.to_string()))
        })?;
        warn(&built.warnings)?;
        for resource in built.resources {
            // Below the source's root, as the contract has it; what was fetched lies elsewhere.
            let location = resource.file.map(|file| Location {
                path: trees.inside(&file).unwrap_or(&file).to_owned(),
                index: 0,
                line: 0,
                column: 0,
            });
            sink.emit(
                Role::Manifest,
                Format::Yaml,
                resource.yaml.as_bytes(),
                location.as_ref(),
            )
            .map_err(failure::closed)?;
        }
        Ok(())
    }
}

tidegate_guest::export_renderer!(Kustomize);
