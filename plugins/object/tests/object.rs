//! Paths, selectors and the order of objects, on the examples that kustomize documents.

use std::cmp::Ordering;

use tidegate_object::{
    Gvk, LabelSelector, LegacyKey, ORDER_FIRST, ORDER_LAST, ObjectId, Pattern, Schema,
    is_cluster_scoped, split_dotted_path, split_path,
};

#[test]
fn paths_split_at_plain_delimiters_only() {
    assert_eq!(split_path("/spec/template", '/'), ["spec", "template"]);
    assert_eq!(
        split_path(r"metadata/annotations/a.example.com\/b", '/'),
        ["metadata", "annotations", "a.example.com/b"]
    );
    assert_eq!(
        split_dotted_path("metadata.labels.[app.kubernetes.io/name]"),
        ["metadata", "labels", "app.kubernetes.io/name"]
    );
    assert_eq!(
        split_dotted_path("spec.containers.[name=a.b].image"),
        ["spec", "containers", "[name=a.b]", "image"]
    );
}

#[test]
fn label_selectors_match_as_in_kubernetes() {
    let labels = [("app", "web"), ("tier", "2"), ("empty", "")];
    let value = |key: &str| {
        labels
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| *value)
    };
    for (selector, expected) in [
        ("", true),
        ("app", true),
        ("!app", false),
        ("app=web,tier==2", true),
        ("app!=web", false),
        ("other!=web", true),
        ("app in (db, web)", true),
        ("app notin (db, web)", false),
        ("tier>1", true),
        ("tier<1", false),
        ("empty=", true),
    ] {
        let parsed = LabelSelector::parse(selector).expect(selector);
        assert_eq!(parsed.matches(value), expected, "{selector}");
    }
    // The last ones are of Kubernetes: apimachinery/pkg/labels, `TestSelectorParse`, and what an API server refuses.
    for selector in [
        "app=web,",
        "=",
        "app in web",
        "app in (web",
        "!",
        "x=a||y=b",
        "x==a==b",
        "!x=a",
        "x<a",
        "a||b",
        "a/b/c=d",
        "A.b/c=d",
        "/c=d",
        "-a=b",
        "a=b_",
    ] {
        assert!(LabelSelector::parse(selector).is_err(), "{selector}");
    }
}

#[test]
fn patterns_match_whole_names() {
    let matches =
        |pattern: &str, text: &str| Pattern::anchored(pattern).expect(pattern).matches(text);
    assert!(matches("", "anything"));
    assert!(matches("a|b", "b"));
    assert!(!matches("a|b", "ab"));
    assert!(matches("web.*", "web-1"));
    assert!(Pattern::anchored("(").is_err());
}

#[test]
fn namespaces_come_first_and_webhooks_last() {
    let id = |api_version: &str, kind: &str, name: &str| {
        ObjectId::new(Gvk::from_api_version(api_version, kind), name, "")
    };
    let mut ids = [
        id(
            "admissionregistration.k8s.io/v1",
            "ValidatingWebhookConfiguration",
            "v",
        ),
        id("example.com/v1", "Foo", "f"),
        id("v1", "ConfigMap", "b"),
        id("v1", "ConfigMap", "a"),
        id("v1", "Namespace", "n"),
    ];
    let key = |id: &ObjectId| LegacyKey::new(id, ORDER_FIRST, ORDER_LAST);
    ids.sort_by(|a, b| key(a).compare(&key(b)));
    assert_eq!(
        ids.each_ref().map(|id| id.name.as_str()),
        ["n", "a", "b", "f", "v"]
    );
    assert_eq!(key(&ids[0]).compare(&key(&ids[0])), Ordering::Equal);
}

#[test]
fn built_in_types_have_their_merge_keys() {
    let schema = Schema::builtin();
    let ports = schema
        .of_type("apps/v1", "Deployment")
        .and_then(|at| {
            at.field("spec")?
                .field("template")?
                .field("spec")?
                .field("containers")?
                .elements()?
                .field("ports")
        })
        .and_then(|at| at.merge_keys())
        .map(|merge| merge.keys);
    assert_eq!(
        ports,
        Some(vec!["containerPort".to_owned(), "protocol".to_owned()])
    );
    assert!(schema.of_type("example.com/v1", "Foo").is_none());
    assert!(is_cluster_scoped("", "v1", "Namespace"));
    assert!(!is_cluster_scoped("example.com", "v1", "Foo"));
}
