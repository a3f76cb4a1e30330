//! Single files: their size, their name, and what must not stand in them.

use std::path::Path;

/// Lines of code a Rust file may have: without blank lines, comments and its tests module.
const LIMIT: usize = 600;

pub(super) fn check(path: &str, text: &str) -> Vec<String> {
    let mut problems = machine_paths(path, text);
    let name = path.rsplit('/').next().unwrap_or(path);
    if Path::new(name).extension().is_none_or(|end| end != "rs") {
        return problems;
    }
    if name == "mod.rs" {
        problems.push(format!("{path}: modules are `foo.rs` beside `foo/`"));
    }
    let generated = text.lines().take(5).any(|line| line.contains("@generated"));
    let table = text
        .lines()
        .any(|line| line.trim_start().starts_with("// tidy: table"));
    let lines = code_lines(text);
    if lines > LIMIT && !generated && !table && !is_test(path) {
        problems.push(format!("{path}: {lines} lines of code, at most {LIMIT}; look for a second noun, or say why it is a table (`// tidy: table …`)"));
    }
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.starts_with("#[ignore") || line.starts_with("#[should_panic") {
            problems.push(format!(
                "{path}:{}: no `#[ignore]` and no `#[should_panic]`: assert what is so today",
                index + 1
            ));
        }
    }
    problems
}

fn is_test(path: &str) -> bool {
    path.starts_with("tests/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.contains("/benches/")
}

fn code_lines(text: &str) -> usize {
    let code = text
        .split("\n#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    code.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .count()
}

/// Paths of the machine that somebody worked on.
fn machine_paths(path: &str, text: &str) -> Vec<String> {
    // Put together here, so that this file holds none of them.
    let roots = ["root/.", "work/", "Users/", "home/"].map(|folder| format!("/{folder}"));
    let mut problems = Vec::new();
    // In test data such a path is somebody's input, not this machine's.
    let roots = if is_test(path) {
        &roots[..2]
    } else {
        &roots[..]
    };
    for (index, line) in text.lines().enumerate() {
        for root in roots {
            let starts_there = |at: usize| {
                line[..at]
                    .chars()
                    .next_back()
                    .is_none_or(|before| " \"'`=(:".contains(before))
            };
            if line
                .match_indices(root.as_str())
                .any(|(at, _)| starts_there(at))
            {
                problems.push(format!(
                    "{path}:{}: a path of one machine (`{root}…`)",
                    index + 1
                ));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_are_found() {
        let long = "let a = 1;\n".repeat(LIMIT + 1);
        assert!(check("runtime/a/src/b.rs", &long)[0].contains("601 lines of code"));
        assert!(check("runtime/a/tests/b.rs", &long).is_empty());
        assert!(
            check(
                "runtime/a/src/b.rs",
                &format!("// tidy: table of flags\n{long}")
            )
            .is_empty()
        );
        assert!(check("runtime/a/src/b.rs", &format!("// @generated\n{long}")).is_empty());
        let tests = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
        assert!(check("runtime/a/src/b.rs", &tests).is_empty());
        assert!(check("runtime/a/src/b.rs", &"// why\n\n".repeat(LIMIT + 1)).is_empty());
    }

    #[test]
    fn names_and_attributes() {
        assert!(check("runtime/a/src/b/mod.rs", "")[0].contains("foo.rs"));
        assert!(
            check("a.rs", "#[test]\n#[ignore]\nfn a() {}\n")[0]
                .starts_with("a.rs:2: no `#[ignore]`")
        );
    }

    #[test]
    fn machine_paths_are_found() {
        let home = format!("see `/{}/somebody/x`", "home");
        assert_eq!(check("README.md", &home).len(), 1);
        assert!(
            check(
                "README.md",
                "see `$HOME/.cache`, a/work/b, https://example.test/home/x"
            )
            .is_empty()
        );
    }
}
