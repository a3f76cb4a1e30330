use std::collections::BTreeMap;

/// Variables and their values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    values: BTreeMap<String, String>,
}

impl Variables {
    /// Sets a variable, over an earlier value: sources are added in the order of `substituteFrom`,
    /// then `substitute` itself. Line feeds are left out of values, which keeps them in one line of
    /// the text (fluxcd/pkg, `kustomize/kustomize_varsub.go`, `LoadVariables`).
    pub fn set(&mut self, name: impl Into<String>, value: &str) {
        self.values.insert(name.into(), value.replace('\n', ""));
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// A name that no expression could use.
    pub(crate) fn invalid_name(&self) -> Option<&str> {
        self.values
            .keys()
            .map(String::as_str)
            .find(|name| !is_valid(name))
    }
}

impl<N: Into<String>, V: AsRef<str>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut variables = Self::default();
        for (name, value) in pairs {
            variables.set(name, value.as_ref());
        }
        variables
    }
}

/// The text of the rule, as messages show it.
pub(crate) const NAME_RULE: &str = "^[_[:alpha:]][_[:alpha:][:digit:]]*$";

fn is_valid(name: &str) -> bool {
    let mut characters = name.bytes();
    characters
        .next()
        .is_some_and(|first| first == b'_' || first.is_ascii_alphabetic())
        && characters.all(|each| each == b'_' || each.is_ascii_alphanumeric())
}
