//! The built-in renderer `kustomize`.

use tidegate_guest::{
    Description, Failure, Format, Location, Renderer, Request, Role, Sink, Tree, failure,
};

struct Kustomize;

impl Renderer for Kustomize {
    fn describe() -> Description {
        tidegate_guest::describe!("Builds a directory as `kustomize build` does.")
    }

    fn render(request: &Request, sink: &Sink) -> Result<(), Failure> {
        let source = request
            .source()
            .ok_or_else(|| failure::internal("kustomize needs a source"))?;
        let directory = request.path();
        let file = join(&directory, "kustomization.yaml");
        let text = source
            .read(&file)
            .map_err(|error| failure::read(&file, error))?;
        let text =
            String::from_utf8(text).map_err(|error| failure::invalid("utf8", error.to_string()))?;
        let mut inside = false;
        for line in text.lines() {
            match line.strip_prefix("- ") {
                Some(resource) if inside => {
                    emit(&source, &join(&directory, resource.trim()), sink)?
                }
                _ => inside = line.trim_end() == "resources:",
            }
        }
        Ok(())
    }
}

fn emit(source: &Tree, path: &str, sink: &Sink) -> Result<(), Failure> {
    let bytes = source
        .read(path)
        .map_err(|error| failure::read(path, error))?;
    let location = Location {
        path: path.to_owned(),
        index: 0,
        line: 1,
        column: 1,
    };
    sink.emit(Role::Manifest, Format::Yaml, &bytes, Some(&location))
        .map_err(failure::closed)
}

fn join(directory: &str, name: &str) -> String {
    if directory == "." {
        name.to_owned()
    } else {
        format!("{directory}/{name}")
    }
}

tidegate_guest::export_renderer!(Kustomize);
