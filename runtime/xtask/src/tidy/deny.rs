//! deny.toml, which cargo-deny reads too: one place says what we link.

use anyhow::Context;
use toml_edit::{DocumentMut, Item, Value};

/// What of it is checked without cargo-deny.
pub(super) struct Deny {
    /// Licences, and licences with their exceptions, that ask for no more than being named.
    pub(super) licences: Vec<String>,
    /// Crates that must not come in, and those that only some may name.
    pub(super) banned: Vec<Banned>,
}

/// A row of `bans.deny`.
pub(super) struct Banned {
    pub(super) name: String,
    /// What is taken in its place.
    pub(super) instead: String,
    /// Packages that may name it; empty where nobody may.
    pub(super) wrappers: Vec<String>,
}

impl Deny {
    pub(super) fn read(text: &str) -> anyhow::Result<Deny> {
        let document: DocumentMut = text.parse().context("deny.toml")?;
        let list = |item: Option<&Item>, what: &str| -> anyhow::Result<Vec<Value>> {
            let list = item.and_then(Item::as_array);
            let list = list.with_context(|| format!("deny.toml has no list {what}"))?;
            Ok(list.iter().cloned().collect())
        };
        let of = |section: &str, key: &str| {
            let section = document.get(section);
            section.and_then(|section| section.get(key))
        };
        let licences = list(of("licenses", "allow"), "licenses.allow")?;
        let banned = list(of("bans", "deny"), "bans.deny")?;
        Ok(Deny {
            licences: texts(&licences),
            banned: banned.iter().map(row).collect::<anyhow::Result<_>>()?,
        })
    }
}

fn row(value: &Value) -> anyhow::Result<Banned> {
    let row = value
        .as_inline_table()
        .context("deny.toml: a row of bans.deny is no table")?;
    let text = |key: &str| row.get(key).and_then(Value::as_str);
    let wrappers = row.get("wrappers").and_then(Value::as_array);
    let wrappers: Vec<Value> = wrappers.into_iter().flatten().cloned().collect();
    Ok(Banned {
        name: text("crate")
            .context("deny.toml: a row of bans.deny has no crate")?
            .to_owned(),
        instead: text("use-instead").unwrap_or("something else").to_owned(),
        wrappers: texts(&wrappers),
    })
}

fn texts(values: &[Value]) -> Vec<String> {
    let texts = values.iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::Deny;

    /// Some of each.
    pub(in crate::tidy) fn some() -> Deny {
        let text = r#"
            licenses.allow = ["Apache-2.0", "Apache-2.0 WITH LLVM-exception", "MIT", "Unicode-3.0"]
            bans.deny = [
                { crate = "git2", use-instead = "gix" },
                { crate = "wasmtime", wrappers = ["tidegate-sandbox"] },
            ]
        "#;
        Deny::read(text).unwrap()
    }

    #[test]
    fn what_is_missing_is_told() {
        let deny = some();
        assert_eq!(deny.licences.len(), 4);
        assert_eq!(deny.banned[0].instead, "gix");
        assert_eq!(deny.banned[1].wrappers, ["tidegate-sandbox"]);
        for (text, told) in [
            ("bans.deny = []", "deny.toml has no list licenses.allow"),
            ("licenses.allow = []", "deny.toml has no list bans.deny"),
            (
                "licenses.allow = []\nbans.deny = [{}]",
                "deny.toml: a row of bans.deny has no crate",
            ),
            (
                "licenses.allow = []\nbans.deny = ['a']",
                "deny.toml: a row of bans.deny is no table",
            ),
            ("a", "deny.toml"),
        ] {
            let error = Deny::read(text).err().expect("an error");
            assert_eq!(error.to_string(), told);
        }
    }
}
