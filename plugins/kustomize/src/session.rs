//! What all parts of one build share.

use std::cell::{Cell, Ref, RefCell};

use tidegate_object::{CustomSchema, Schema};

use crate::decode::check_json;
use crate::error::Result;
use crate::{Error, Options};

/// State of one build. Nothing of it outlives the build.
pub(crate) struct Session<'o> {
    pub(crate) options: &'o Options,
    warnings: RefCell<Vec<String>>,
    schema: RefCell<SchemaChoice>,
    kustomizations: Cell<usize>,
}

/// How many kustomizations a build may read, each as often as it is referred to: a few that name each other twice on
/// every level are built more often than anybody can wait for.
const MAX_KUSTOMIZATIONS: usize = 10_000;

#[derive(Default)]
struct SchemaChoice {
    schema: Schema,
    /// A kustomization chose a schema: those further in do not change it any more.
    chosen: bool,
}

impl<'o> Session<'o> {
    pub(crate) fn new(options: &'o Options) -> Self {
        Self {
            options,
            warnings: RefCell::new(Vec::new()),
            schema: RefCell::new(SchemaChoice::default()),
            kustomizations: Cell::new(0),
        }
    }

    /// Counts a kustomization that is about to be built.
    pub(crate) fn count_kustomization(&self, folder: &str) -> Result<()> {
        let count = self.kustomizations.get() + 1;
        self.kustomizations.set(count);
        if count > MAX_KUSTOMIZATIONS {
            return Err(Error::text(format!(
                "more than {MAX_KUSTOMIZATIONS} kustomizations in one build, the last one in '{folder}'"
            )));
        }
        Ok(())
    }

    pub(crate) fn warn(&self, warning: impl Into<String>) {
        self.warnings.borrow_mut().push(warning.into());
    }

    pub(crate) fn take_warnings(&self) -> Vec<String> {
        self.warnings.take()
    }

    pub(crate) fn schema(&self) -> Ref<'_, Schema> {
        Ref::map(self.schema.borrow(), |choice| &choice.schema)
    }

    /// Obeys the `openapi` field of a kustomization. kustomize: kyaml/openapi, `SetSchema`.
    pub(crate) fn choose_schema(
        &self,
        version: Option<&str>,
        document: Option<&[u8]>,
        at_entry: bool,
    ) -> Result<()> {
        let mut choice = self.schema.borrow_mut();
        if choice.chosen {
            return Ok(());
        }
        match (version, document) {
            (Some(_), Some(_)) => {
                return Err(Error::text(
                    "builtin version and custom schema provided, cannot use both",
                ));
            }
            (None, Some(document)) => {
                if document.starts_with(b"{") {
                    check_json(document).map_err(|error| error.wrap("invalid schema file"))?;
                }
                let value = tidegate_yaml::parse_v2(document)
                    .map_err(|error| Error::from(error).wrap("invalid schema file"))?;
                let custom = CustomSchema::from_value(&value)?;
                // Upstream keeps the built-in types if it has looked one up before, which any object does whose
                // type is not among those that it knows by heart.
                choice.schema = Schema::custom(if at_entry {
                    custom
                } else {
                    custom.with_builtin()
                });
                choice.chosen = true;
            }
            (None | Some(""), None) => {}
            (Some(BUILTIN_VERSION), None) => choice.chosen = true,
            (Some(_), None) => {
                return Err(Error::text("the specified OpenAPI version is not built in"));
            }
        }
        Ok(())
    }
}

const BUILTIN_VERSION: &str = "v1.21.2";
