//! What makes objects: config maps and secrets from files, literals and environment files.

mod data_object;
mod iam_policy;
mod sources;

pub(crate) use data_object::DataObjectGenerator;
pub(crate) use iam_policy::IamPolicyGenerator;

use crate::error::Result;
use crate::loader::Loader;
use crate::resource::Resource;

/// A configured generator.
pub(crate) trait Generator {
    fn generate(&self, loader: &Loader<'_>) -> Result<Vec<Resource>>;
}
