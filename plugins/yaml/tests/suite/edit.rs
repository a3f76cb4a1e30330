//! Reading, changing and expanding trees.

use tidegate_yaml::{Indent, Node, Tag, emit_v3, node_to_canonical_yaml, parse_document};

fn parse(text: &str) -> Node {
    parse_document(text.as_bytes()).unwrap().unwrap()
}

#[test]
fn fields_are_read_by_type() {
    let node = parse("a: text\nb: 12\nc: true\nd: ~\ne: '12'\nf: [x]\n");
    assert_eq!(node.get("a").unwrap().as_str(), Some("text"));
    assert_eq!(node.get("b").unwrap().as_str(), None);
    assert_eq!(node.get("b").unwrap().scalar(), Some("12"));
    assert_eq!(node.get("b").unwrap().as_integer(), Some(12));
    assert_eq!(node.get("c").unwrap().as_bool(), Some(true));
    assert!(node.get("d").unwrap().is_null());
    assert_eq!(node.get("e").unwrap().as_str(), Some("12"));
    assert_eq!(node.get("f").unwrap().items().len(), 1);
    assert_eq!(
        (node.get("e").unwrap().line, node.get("e").unwrap().column),
        (5, 4)
    );
    assert!(node.get("g").is_none());
}

#[test]
fn changes_keep_comments_and_order() {
    let mut node = parse(
        "# head\nmetadata: # line\n  name: a # the name\n  labels: {x: y}\n# foot\n\nspec: 1\n",
    );
    node.get_mut("metadata")
        .unwrap()
        .set("name", Node::string("true"));
    node.get_mut("metadata")
        .unwrap()
        .set("namespace", Node::string("default"));
    assert_eq!(node.remove("spec").unwrap().as_integer(), Some(1));
    node.set(
        "list",
        Node::sequence(vec![Node::integer(1), Node::boolean(false), Node::null()]),
    );
    // The comment of the old name went with its node.
    let expected = "# head\nmetadata: # line\n  name: \"true\"\n  labels: {x: y}\n  namespace: default\n# foot\n\nlist:\n- 1\n- false\n- null\n";
    assert_eq!(emit_v3(&node, Indent::KUSTOMIZE).unwrap(), expected);
    node.clear_comments();
    assert!(!emit_v3(&node, Indent::KUSTOMIZE).unwrap().contains('#'));
}

#[test]
fn paths_lead_to_nested_fields() {
    let mut node = parse("a: {b: {c: 1}}\n");
    assert_eq!(
        node.get_path(&["a", "b", "c"]).unwrap().as_integer(),
        Some(1)
    );
    *node.get_path_mut(&["a", "b", "c"]).unwrap() = Node::integer(2);
    assert!(node.get_path(&["a", "x", "c"]).is_none());
    assert_eq!(
        node_to_canonical_yaml(&node).unwrap(),
        "a:\n  b:\n    c: 2\n"
    );
}

#[test]
fn expansion_copies_anchors_and_merges() {
    let mut node =
        parse("base: &b\n  x: 1\n  y: 2\nuse:\n  <<: *b\n  y: 3\nlist: [*b, &s text, *s]\n");
    node.expand().unwrap();
    let expected =
        "base:\n  x: 1\n  y: 2\nuse:\n  y: 3\n  x: 1\nlist: [{x: 1, y: 2}, text, text]\n";
    assert_eq!(emit_v3(&node, Indent::KUSTOMIZE).unwrap(), expected);
}

#[test]
fn expansion_follows_the_last_anchor_of_a_name() {
    let mut node = parse("a: &x {b: &x 1}\nc: *x\n");
    node.expand().unwrap();
    assert_eq!(node.get("c").unwrap().as_integer(), Some(1));
}

#[test]
fn expansion_leaves_the_merge_key_of_what_it_merges() {
    // As kyaml v0.21.1 does it: the anchored mapping is merged as written.
    let mut node = parse("a: &x\n  <<: {b: 1}\n  c: 2\nd:\n  <<: *x\n  e: 3\n");
    node.expand().unwrap();
    let expected = "a:\n  c: 2\n  b: 1\nd:\n  e: 3\n  !!merge <<: {b: 1}\n  c: 2\n";
    assert_eq!(emit_v3(&node, Indent::KUSTOMIZE).unwrap(), expected);
    let canonical = "a:\n  b: 1\n  c: 2\nd:\n  b: 1\n  c: 2\n  e: 3\n";
    assert_eq!(node_to_canonical_yaml(&node).unwrap(), canonical);
}

#[test]
fn expansion_names_what_cannot_be_merged() {
    let check = |text: &str, problem: &str| {
        assert_eq!(parse(text).expand().unwrap_err().to_string(), problem);
    };
    check(
        "a: {<<: text}\n",
        "map merge requires map or sequence of maps as the value",
    );
    check(
        "a: &x text\nb: {<<: *x}\n",
        "invalid map merge: received alias for a non-map value",
    );
    check(
        "a: {<<: [[{b: 1}]]}\n",
        "invalid map merge: received a nested sequence",
    );
    check("a: {<<: {b: 1}, <<: {c: 1}}\n", "duplicate merge key");
}

#[test]
fn tags_are_kept_short() {
    assert_eq!(Tag::new("tag:yaml.org,2002:str"), Tag::STR);
    assert_eq!(Tag::new("!!map"), Tag::MAP);
    assert_eq!(parse("a: !x 1\n").get("a").unwrap().tag, "!x");
    assert_eq!(parse("a: y\n").get("a").unwrap().tag, Tag::STR);
}
