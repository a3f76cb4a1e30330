//! Where in a kustomization something went wrong.

use super::Target;
use super::configured::Step;
use crate::Error;
use crate::error::Place;
use crate::resource::Resource;

impl Target<'_> {
    /// The file of this kustomization.
    pub(super) fn file_path(&self) -> String {
        crate::paths::join(self.loader.root(), &self.file_name)
    }

    /// An error in a field of this kustomization.
    pub(crate) fn in_field(&self, error: Error, field: &str) -> Error {
        self.in_file(error, &self.file_path(), field)
    }

    pub(super) fn in_step<T: ?Sized>(&self, error: Error, step: &Step<T>) -> Error {
        self.in_file(error, &step.file, &step.field)
    }

    /// An error in, or of, what an object of `generators`, `transformers` or `validators` configures.
    pub(super) fn in_plugin(&self, error: Error, config: &Resource, field: &str) -> Error {
        let file = config.path.clone().unwrap_or_else(|| self.file_path());
        self.in_file(error, &file, field)
    }

    fn in_file(&self, error: Error, file: &str, what: &str) -> Error {
        error.at(|| Place {
            folder: self.loader.root().to_owned(),
            file: file.to_owned(),
            line: 0,
            what: what.to_owned(),
        })
    }
}
