//! Expressions and what they come to. The cases are blocks of lines in `cases/*.txt`:
//! `set: name=value` (any number), `in:`, then `out:` or `error:`. `strict` lets an unset variable
//! be an error; without it, it is empty. `\n` in a line stands for a line break.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tidegate_substitute::{Meter, Template};

#[derive(Default)]
struct Case {
    variables: BTreeMap<String, String>,
    strict: bool,
    input: String,
    expected: Option<Result<String, String>>,
}

impl Case {
    fn parse(block: &str) -> Self {
        let mut case = Self::default();
        for line in block.lines().filter(|line| !line.starts_with("//")) {
            let (key, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value
                .strip_prefix(' ')
                .unwrap_or(value)
                .replace("\\n", "\n");
            match key {
                "set" => {
                    let (name, value) = value.split_once('=').expect("set: name=value");
                    case.variables.insert(name.to_owned(), value.to_owned());
                }
                "strict" => case.strict = true,
                "in" => case.input = value,
                "out" => case.expected = Some(Ok(value)),
                "error" => case.expected = Some(Err(value)),
                other => panic!("unknown key {other} in\n{block}"),
            }
        }
        case
    }

    fn run(&self) -> Result<String, String> {
        let unset = if self.strict { None } else { Some("") };
        let lookup = |name: &str| self.variables.get(name).map(String::as_str).or(unset);
        Template::parse(&self.input)
            .and_then(|template| template.expand(&lookup, &mut Meter::default()))
            .map_err(|error| error.to_string())
    }
}

#[track_caller]
fn check(cases: &str) {
    let mut failures = String::new();
    let mut count = 0;
    for block in cases.split("\n\n").filter(|block| block.contains("in:")) {
        let case = Case::parse(block);
        count += 1;
        let actual = case.run();
        if Some(&actual) != case.expected.as_ref() {
            write!(failures, "{block}\n=> {actual:?}\n\n").expect("a string takes all");
        }
    }
    assert!(failures.is_empty(), "{failures}");
    assert!(count > 5, "the file was not read");
}

#[test]
fn operators() {
    check(include_str!("cases/operators.txt"));
}

#[test]
fn escapes_and_nesting() {
    check(include_str!("cases/escapes_and_nesting.txt"));
}

#[test]
fn unset_variables() {
    check(include_str!("cases/unset_variables.txt"));
}

#[test]
fn malformed() {
    check(include_str!("cases/malformed.txt"));
}

#[test]
fn output_is_bounded() {
    let big = "a".repeat(1 << 20);
    let lookup = |name: &str| Some(if name == "big" { big.as_str() } else { "" });
    let expand = |text: &str| {
        let template = Template::parse(text).map_err(|error| error.to_string())?;
        template
            .expand(&lookup, &mut Meter::default())
            .map_err(|error| error.to_string())
    };
    assert_eq!(
        expand("${big//a/${big}}"),
        Err("the expanded text is too large".into())
    );
    assert_eq!(
        expand(&"${big}".repeat(1000)),
        Err("the expanded text is too large".into())
    );
    assert_eq!(expand("${big}${big}").map(|text| text.len()), Ok(2 << 20));
}
