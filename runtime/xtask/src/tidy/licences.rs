//! What we link may be given away under Apache-2.0, and brings in nothing that we chose to do without. deny.toml says
//! the same for cargo-deny, which knows advisories too.

use serde_json::Value;

/// Licences, and licences with their exceptions, that ask for no more than being named.
const ACCEPTED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];

/// Crates that must not come in, and what is taken instead.
const BANNED: &[(&str, &str)] = &[
    ("native-tls", "rustls"),
    ("openssl-sys", "rustls"),
    ("serde_yaml", "tidegate-yaml"),
    ("git2", "gix"),
];

/// `metadata` is that of cargo with all dependencies.
pub(super) fn check(metadata: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let (name, version) = (
            package["name"].as_str().unwrap_or_default(),
            package["version"].as_str().unwrap_or_default(),
        );
        let licence = package["license"].as_str().unwrap_or_default();
        if !accepted(licence) {
            problems.push(format!(
                "{name} {version}: licence `{licence}` is not in runtime/xtask/src/tidy/licences.rs"
            ));
        }
        if let Some((_, instead)) = BANNED.iter().find(|(banned, _)| *banned == name) {
            problems.push(format!(
                "{name} {version}: not wanted, {instead} does it (`cargo tree --invert {name}`)"
            ));
        }
    }
    problems
}

/// Whether an SPDX expression can be met with accepted licences. `/` is crates.io's old form of `OR`.
fn accepted(expression: &str) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any(&mut rest) && rest.is_empty()
}

fn any(words: &mut &[&str]) -> bool {
    let mut met = all(words);
    while let ["OR", rest @ ..] = *words {
        *words = rest;
        met |= all(words);
    }
    met
}

fn all(words: &mut &[&str]) -> bool {
    let mut met = one(words);
    while let ["AND", rest @ ..] = *words {
        *words = rest;
        met &= one(words);
    }
    met
}

fn one(words: &mut &[&str]) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let met = any(words);
            if let [")", rest @ ..] = *words {
                *words = rest;
                return met;
            }
            false
        }
        [name, "WITH", exception, rest @ ..] => {
            *words = rest;
            ACCEPTED.contains(&format!("{name} WITH {exception}").as_str())
                || ACCEPTED.contains(name)
        }
        [name, rest @ ..] => {
            *words = rest;
            ACCEPTED.contains(name)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn expressions() {
        for yes in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR GPL-3.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR X",
        ] {
            assert!(accepted(yes), "{yes}");
        }
        for no in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT",
            "MIT GPL-3.0",
            "GPL-2.0 WITH Classpath-exception-2.0",
        ] {
            assert!(!accepted(no), "{no}");
        }
    }

    #[test]
    fn packages() {
        let metadata = json!({"packages": [
            {"name": "a", "version": "1.0.0", "license": "MIT"},
            {"name": "b", "version": "2.0.0", "license": "GPL-3.0"},
            {"name": "git2", "version": "0.1.0", "license": "MIT"},
        ]});
        let problems = check(&metadata);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(
            problems[0].starts_with("b 2.0.0: licence `GPL-3.0`")
                && problems[1].starts_with("git2 0.1.0: not wanted, gix")
        );
    }
}
