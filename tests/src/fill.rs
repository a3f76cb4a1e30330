//! What stands for something else in a scenario: `%NS%`, `%URL:repository%`, `%HEAD:repository%`,
//! `%HEAD:repository@revision%`, and ranges, whose entry is repeated for each number.

use std::path::Path;
use std::sync::LazyLock;

use anyhow::Context;
use regex::Regex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::play::Case;

static WORDS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"%(NS|URL:[\w-]+|HEAD:[\w-]+(@[\w./~^-]+)?)%")
        .expect("the expression is well-formed")
});
static RANGES: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"%(\d+)\.\.(\d+)%").expect("the expression is well-formed"));

impl Case<'_> {
    /// Fills in `%NS%`, `%URL:repository%`, `%HEAD:repository%` and `%HEAD:repository@revision%`.
    pub(crate) fn fill(&self, text: &str) -> anyhow::Result<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(word) = WORDS.find(rest) {
            out.push_str(&rest[..word.start()]);
            match word.as_str().trim_matches('%').split_once(':') {
                None => out.push_str(self.namespace()),
                Some(("URL", name)) => out.push_str(self.repository(name)?.url()),
                Some((_, name)) => out.push_str(&self.head(name)?),
            }
            rest = &rest[word.end()..];
        }
        out.push_str(rest);
        Ok(out)
    }

    /// The commit of `repository` or `repository@revision`.
    fn head(&self, of: &str) -> anyhow::Result<String> {
        if let Some(known) = self.heads.borrow().get(of) {
            return Ok(known.clone());
        }
        let (repository, revision) = of.split_once('@').unwrap_or((of, "HEAD"));
        let head = self.repository(repository)?.hash(revision)?;
        self.heads.borrow_mut().insert(of.to_owned(), head.clone());
        Ok(head)
    }

    /// The same everywhere in a value; the entries of a list that hold a range are repeated.
    pub(crate) fn fill_value(&self, value: &Value) -> anyhow::Result<Value> {
        Ok(match value {
            Value::String(text) => Value::String(self.fill(text)?),
            Value::Array(entries) => {
                let mut filled = Vec::new();
                for entry in entries {
                    for entry in repeated_value(entry)? {
                        filled.push(self.fill_value(&entry)?);
                    }
                }
                Value::Array(filled)
            }
            Value::Object(fields) => {
                let filled: anyhow::Result<Vec<(String, Value)>> = fields
                    .iter()
                    .map(|(key, value)| Ok((self.fill(key)?, self.fill_value(value)?)))
                    .collect();
                Value::Object(filled?.into_iter().collect())
            }
            other => other.clone(),
        })
    }

    /// The names that are meant, each filled in.
    pub(crate) fn names(&self, names: &[String]) -> anyhow::Result<Vec<String>> {
        let mut all = Vec::new();
        for name in names {
            for name in repeated(name)? {
                all.push(self.fill(&name)?);
            }
        }
        Ok(all)
    }

    /// Copies a folder with everything in it filled in.
    pub(crate) fn copy(&self, from: &Path, to: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(to)?;
        for entry in std::fs::read_dir(from).with_context(|| from.display().to_string())? {
            let entry = entry?;
            let target = to.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                self.copy(&entry.path(), &target)?;
            } else {
                let content = std::fs::read(entry.path())?;
                match std::str::from_utf8(&content) {
                    Ok(text) => std::fs::write(&target, self.fill(text)?)?,
                    Err(_) => std::fs::write(&target, content)?,
                }
            }
        }
        Ok(())
    }
}

/// The text once for each number of its first range: `a-%01..12%` is `a-01` to `a-12`. Without a range, the text itself.
pub(crate) fn repeated(text: &str) -> anyhow::Result<Vec<String>> {
    repeated_with(text, text)
}

/// The text once for each number of the first range in `key`: the range means the same number everywhere.
fn repeated_with(key: &str, text: &str) -> anyhow::Result<Vec<String>> {
    let Some(range) = RANGES.captures(key) else {
        return Ok(vec![text.to_owned()]);
    };
    let width = range[1].len();
    let (first, last): (u32, u32) = (range[1].parse()?, range[2].parse()?);
    Ok((first..=last)
        .map(|number| text.replace(&range[0], &format!("{number:0width$}")))
        .collect())
}

/// [`repeated`] for an entry of a list.
fn repeated_value(value: &Value) -> anyhow::Result<Vec<Value>> {
    repeated(&value.to_string())?
        .iter()
        .map(|text| Ok(serde_json::from_str(text)?))
        .collect()
}

/// An entry of a mapping once for each number of the range in its key.
pub(crate) fn repeated_entry<T: Serialize + DeserializeOwned>(
    key: &str,
    value: &T,
) -> anyhow::Result<Vec<(String, T)>> {
    repeated_with(key, &serde_json::to_string(&(key, value))?)?
        .iter()
        .map(|text| Ok(serde_json::from_str(text)?))
        .collect()
}

/// [`repeated`] for each document of a YAML text.
pub(crate) fn repeated_documents(text: &str) -> anyhow::Result<String> {
    let mut documents = vec![String::new()];
    for line in text.lines() {
        if line == "---" {
            documents.push(String::new());
        } else if let Some(document) = documents.last_mut() {
            document.push_str(line);
            document.push('\n');
        }
    }
    let mut all = Vec::new();
    for document in &documents {
        all.extend(repeated(document)?);
    }
    Ok(all.join("---\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_range_repeats_its_text() {
        assert_eq!(repeated("a").expect("no range"), ["a"]);
        assert_eq!(
            repeated("a-%08..10%: %08..10%").expect("a range"),
            ["a-08: 08", "a-09: 09", "a-10: 10"]
        );
    }

    #[test]
    fn a_range_repeats_values_and_documents() {
        assert_eq!(
            repeated_value(&json!({"id": "%1..2%"})).expect("a range"),
            [json!({"id": "1"}), json!({"id": "2"})]
        );
        assert_eq!(
            repeated_documents("a: 1\n---\nb: %1..2%\n").expect("a range"),
            "a: 1\n---\nb: 1\n---\nb: 2\n"
        );
        let list = json!([{"id": "%1..2%"}]);
        assert_eq!(
            repeated_entry("a", &list).expect("no range in the key"),
            [("a".to_owned(), list)]
        );
        assert_eq!(
            repeated_entry("a-%1..2%", &json!("%1..2%")).expect("a range"),
            [
                ("a-1".to_owned(), json!("1")),
                ("a-2".to_owned(), json!("2"))
            ]
        );
    }
}
