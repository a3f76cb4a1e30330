//! Whole manifests. The cases are files in `cases/manifests`: lines of settings, then sections
//! `-- in --` and `-- out --`, both streams of YAML documents, or `-- error --`.

use tidegate_substitute::{Manifest, Options, Outcome, Variables, substitute};

fn run(case: &str) -> (String, String) {
    let mut parts = case.split("-- ");
    let settings = parts.next().unwrap_or_default();
    let mut sections = parts.map(|part| part.split_once(" --\n").expect("a section"));
    let (_, input) = sections.next().expect("-- in --");
    let (_, expected) = sections.next().expect("-- out -- or -- error --");
    let mut options = Options {
        strict: true,
        always: false,
    };
    let mut variables = Variables::default();
    for line in settings.lines().filter(|line| !line.starts_with("//")) {
        match line.split_once(": ") {
            Some(("set", pair)) => {
                let (name, value) = pair.split_once('=').expect("set: name=value");
                variables.set(name, &value.replace("\\n", "\n"));
            }
            None if line == "loose" => options.strict = false,
            None if line == "always" => options.always = true,
            _ => panic!("unknown setting {line}"),
        }
    }
    let documents: Vec<&str> = input.split("---\n").collect();
    let manifests: Vec<Manifest<'_>> = documents.iter().map(|text| Manifest { text }).collect();
    let actual = match substitute(&manifests, &variables, options) {
        Ok(outcomes) => {
            let texts = outcomes
                .into_iter()
                .zip(&documents)
                .map(|(outcome, text)| match outcome {
                    Outcome::Unchanged => (*text).to_owned(),
                    Outcome::Changed(text) => text,
                });
            texts.collect::<Vec<_>>().join("---\n")
        }
        Err(error) => format!("{error}\n"),
    };
    (expected.to_owned(), actual)
}

macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                let (expected, actual) = run(include_str!(concat!("cases/manifests/", stringify!($name), ".txt")));
                assert_eq!(actual, expected);
            }
        )*
    };
}

cases!(
    types,
    precedence,
    disabled,
    same_name,
    swapped_names,
    unset,
    missing_brace,
    invalid_name,
    no_variables,
    always,
    broken_yaml,
);
