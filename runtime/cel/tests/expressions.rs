//! Expressions, what is said of them when they are read, and what they answer. The cases are blocks
//! of lines in `cases/*.txt`.

use serde_json::Value;
use tidegate_cel::{Error, Expression, HealthExpressions, HealthRules};

/// The lines of a block as keys and values; `\n` stands for a line break.
fn lines(block: &str) -> impl Iterator<Item = (&str, String)> {
    let lines = block.lines().filter(|line| !line.starts_with("//"));
    lines
        .map(|line| line.split_once(": ").unwrap_or((line, "")))
        .map(|(key, value)| (key, value.replace("\\n", "\n")))
}

#[track_caller]
fn check(cases: &str, run: impl Fn(&str) -> (String, String)) {
    let mut failures = Vec::new();
    let mut count = 0;
    for block in cases
        .split("\n\n")
        .filter(|block| block.lines().any(|line| !line.starts_with("//")))
    {
        count += 1;
        let (expected, actual) = run(block.trim());
        if expected != actual {
            failures.push(format!("{block}\n=> {actual}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(count > 5, "the file was not read");
}

/// `ready: <expression>`, `self:` and `dep:` as JSON, and `is:` the answer or the error.
#[test]
fn ready_expressions() {
    check(include_str!("cases/ready.txt"), |block| {
        let (mut text, mut expected) = (String::new(), String::new());
        let mut objects = [serde_json::json!({}), serde_json::json!({})];
        for (key, value) in lines(block) {
            match key {
                "ready" => text = value,
                "self" => objects[0] = serde_json::from_str(&value).expect("JSON"),
                "dep" => objects[1] = serde_json::from_str(&value).expect("JSON"),
                "is" => expected = value,
                other => panic!("unknown key {other}"),
            }
        }
        let [waiting, dependency] = &objects;
        let answer = Expression::ready(&text)
            .and_then(|expression| expression.is_ready(waiting, dependency));
        (
            expected,
            answer.map_or_else(|error| error.to_string(), |answer| answer.to_string()),
        )
    });
}

/// `current:`, `inProgress:`, `failed:` expressions, an `object:` as JSON, and `is:` the verdict.
#[test]
fn health_expressions() {
    check(include_str!("cases/health.txt"), |block| {
        let lines: Vec<(&str, String)> = lines(block).collect();
        let find = |wanted: &str| {
            lines
                .iter()
                .find(|(key, _)| *key == wanted)
                .map(|(_, value)| value.as_str())
        };
        let rules = HealthRules {
            api_version: "example.test/v1",
            kind: "Widget",
            current: find("current").unwrap_or_default(),
            in_progress: find("inProgress"),
            failed: find("failed"),
        };
        let mut object: Value = serde_json::from_str(find("object").unwrap_or("{}")).expect("JSON");
        object["apiVersion"] = "example.test/v1".into();
        object["kind"] = "Widget".into();
        let verdict = HealthExpressions::compile([rules])
            .and_then(|rules| rules.judge(&object).expect("a rule"));
        let verdict =
            verdict.map_or_else(|error| error.to_string(), |verdict| format!("{verdict:?}"));
        (find("is").expect("is").to_owned(), verdict)
    });
}

fn rules(
    api_version: &'static str,
    kind: &'static str,
    current: &'static str,
) -> HealthRules<'static> {
    HealthRules {
        api_version,
        kind,
        current,
        ..HealthRules::default()
    }
}

#[test]
fn a_rule_without_kind_is_for_the_rest_of_its_group() {
    let rules = [
        rules("example.test/v1", "", "false"),
        rules("example.test/v1", "Gadget", "true"),
    ];
    let compiled = HealthExpressions::compile(rules).expect("compiles");
    assert!(compiled.covers("example.test", "Gadget"));
    assert!(compiled.covers("example.test", "Widget"));
    assert!(!compiled.covers("other.test", "Widget"));
    let judge = |kind: &str| {
        let object = serde_json::json!({"apiVersion": "example.test/v2", "kind": kind});
        format!("{:?}", compiled.judge(&object))
    };
    assert_eq!(judge("Gadget"), "Some(Ok(Current))");
    assert_eq!(judge("Widget"), "Some(Ok(InProgress))");
}

/// The text is that of the behaviour corpus.
#[test]
fn two_rules_of_one_kind_are_refused() {
    let rules = [
        rules("a.example.test/v1", "A", "true"),
        rules("a.example.test/v2", "A", "true"),
    ];
    assert_eq!(
        HealthExpressions::compile(rules).map(|_| ()),
        Err(Error::HealthCheck(
            "duplicate custom health check for GroupKind A.a.example.test at healthchecks[1]"
                .into()
        ))
    );
}

#[test]
fn evaluation_is_bounded() {
    let list: Vec<u32> = (0..3000).collect();
    let text = "a".repeat(100_000);
    let object = serde_json::json!({"list": list, "text": text});
    let too_long = |expression: &str| {
        let fields = object
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.as_str(), value));
        match Expression::parse(expression)
            .expect("parses")
            .evaluate(fields)
        {
            Err(Error::Evaluation { reason, .. }) => reason,
            other => format!("{other:?}"),
        }
    };
    let refused = "the expression takes too long on this object";
    assert_eq!(
        too_long("list.all(a, list.all(b, a >= 0 && b >= 0))"),
        refused
    );
    assert_eq!(too_long("list.map(a, text).size() > 0"), refused);
    assert_eq!(too_long("text.replace('a', text) == ''"), refused);
    assert_eq!(too_long("list.map(a, 'x').join(text) == ''"), refused);
    assert_eq!(
        too_long("list.all(a, text.contains('b') || a >= 0)"),
        refused
    );
    assert_eq!(
        too_long("list.all(a, a >= 0) && text.size() == 100000"),
        "Ok(true)"
    );
    assert_eq!(
        too_long("list.filter(a, a > 10).map(a, a * 2).exists(a, a == 40)"),
        "Ok(true)"
    );
}

#[test]
fn deep_and_long_expressions_are_refused() {
    let refused = |text: &str| match Expression::parse(text) {
        Err(Error::Parse { reason, .. }) => reason,
        other => format!("{other:?}"),
    };
    let nested = |depth: usize| format!("{}true{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Expression::parse(&nested(40)).is_ok());
    assert_eq!(
        refused(&nested(100)),
        "expression nesting exceeds limit: 48"
    );
    assert_eq!(
        refused(&nested(100_000)),
        "expression size exceeds limit: 8192"
    );
    assert_eq!(
        refused(&"true ? true : ".repeat(60)),
        "expression nesting exceeds limit: 48"
    );
    let deep = "expression depth exceeds limit: 100";
    assert_eq!(refused(&format!("a{}", ".a".repeat(4000))), deep);
    assert_eq!(refused(&format!("1{}", "+1".repeat(4000))), deep);
    assert_eq!(refused(&format!("a{}", "[0]".repeat(2000))), deep);
    assert_eq!(refused(&format!("a{}", ".?a".repeat(2000))), deep);
    // Negations come in pairs, and conjunctions are balanced.
    assert!(Expression::parse(&format!("{}true", "!".repeat(8000))).is_ok());
    assert!(Expression::parse(&format!("true{}", "&&true".repeat(1000))).is_ok());
}
