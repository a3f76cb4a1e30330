//! What we link may be given away under Apache-2.0, and brings in nothing that we chose to do without, as deny.toml says.

use super::deny::Deny;
use serde_json::Value;

/// `metadata` is that of cargo with all dependencies.
pub(super) fn check(metadata: &Value, deny: &Deny) -> Vec<String> {
    let mut problems = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let (name, version) = (
            package["name"].as_str().unwrap_or_default(),
            package["version"].as_str().unwrap_or_default(),
        );
        let licence = package["license"].as_str().unwrap_or_default();
        if !accepted(licence, &deny.licences) {
            problems.push(format!(
                "{name} {version}: licence `{licence}` is not in deny.toml"
            ));
        }
        let banned = deny.banned.iter().find(|banned| banned.name == name);
        if let Some(banned) = banned.filter(|banned| banned.wrappers.is_empty()) {
            let instead = &banned.instead;
            problems.push(format!(
                "{name} {version}: not wanted, {instead} does it (`cargo tree --invert {name}`)"
            ));
        }
    }
    problems
}

/// Whether an SPDX expression can be met with accepted licences. `/` is crates.io's old form of `OR`.
fn accepted(expression: &str, licences: &[String]) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any(&mut rest, licences) && rest.is_empty()
}

fn any(words: &mut &[&str], licences: &[String]) -> bool {
    let mut met = all(words, licences);
    while let ["OR", rest @ ..] = *words {
        *words = rest;
        met |= all(words, licences);
    }
    met
}

fn all(words: &mut &[&str], licences: &[String]) -> bool {
    let mut met = one(words, licences);
    while let ["AND", rest @ ..] = *words {
        *words = rest;
        met &= one(words, licences);
    }
    met
}

fn one(words: &mut &[&str], licences: &[String]) -> bool {
    let is_in = |name: &str| licences.iter().any(|licence| licence == name);
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let met = any(words, licences);
            if let [")", rest @ ..] = *words {
                *words = rest;
                return met;
            }
            false
        }
        [name, "WITH", exception, rest @ ..] => {
            *words = rest;
            is_in(&format!("{name} WITH {exception}")) || is_in(name)
        }
        [name, rest @ ..] => {
            *words = rest;
            is_in(name)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::deny::tests::some;
    use super::*;
    use serde_json::json;

    #[test]
    fn expressions() {
        let licences = some().licences;
        for yes in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR GPL-3.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR X",
        ] {
            assert!(accepted(yes, &licences), "{yes}");
        }
        for no in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT",
            "MIT GPL-3.0",
            "GPL-2.0 WITH Classpath-exception-2.0",
        ] {
            assert!(!accepted(no, &licences), "{no}");
        }
    }

    #[test]
    fn packages() {
        let metadata = json!({"packages": [
            {"name": "a", "version": "1.0.0", "license": "MIT"},
            {"name": "b", "version": "2.0.0", "license": "GPL-3.0"},
            {"name": "git2", "version": "0.1.0", "license": "MIT"},
            {"name": "wasmtime", "version": "1.0.0", "license": "MIT"},
        ]});
        let problems = check(&metadata, &some());
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(
            problems[0].starts_with("b 2.0.0: licence `GPL-3.0`")
                && problems[1].starts_with("git2 0.1.0: not wanted, gix")
        );
    }
}
