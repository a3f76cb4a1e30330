use super::*;
use serde_json::json;

const LABELS: OwnerLabels = OwnerLabels {
    name: "owner/name",
    namespace: "owner/namespace",
};

fn known() -> Known {
    let kind = ManagedKind {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        plural: "deployments".to_owned(),
    };
    Known::new(kind, LABELS)
}

fn object(name: &str, version: u64, generation: i64) -> Metadata {
    serde_json::from_value(json!({
        "metadata": {
            "namespace": "ns", "name": name, "uid": name, "generation": generation,
            "resourceVersion": version.to_string(),
            "labels": {"owner/name": "app", "owner/namespace": "flux"},
            "managedFields": [{"manager": "somebody", "operation": "Update"}],
        },
    }))
    .unwrap()
}

/// What a complete list of these told, as `name` or `name (idle)`. The watch is taken up after it.
fn list(known: &mut Known, objects: &[Metadata], now: Instant) -> Vec<String> {
    let told = only_list(known, objects, now);
    known.opened(0, now);
    told
}

fn only_list(known: &mut Known, objects: &[Metadata], now: Instant) -> Vec<String> {
    assert!(known.take(Event::Init, now).is_empty());
    for object in objects {
        let event = Event::InitApply(object.clone());
        assert!(known.take(event, now).is_empty());
    }
    names(&known.take(Event::InitDone, now))
}

fn names(moved: &[Moved]) -> Vec<String> {
    let name = |moved: &Moved| {
        let idle = if moved.is_idle { " (idle)" } else { "" };
        format!("{}{idle}", moved.object.name)
    };
    moved.iter().map(name).collect()
}

fn seen(known: &Known, name: &str, version: &str, now: Instant) -> Seen {
    known.seen(&Key::new("ns", name), version, now)
}

#[test]
fn goes_on_after_a_failure_where_it_ended() {
    let mut known = known();
    let start = Instant::now();
    assert_eq!(seen(&known, "a", "5", start), Seen::Unknown);
    let told = list(
        &mut known,
        &[object("a", 5, 1), object("b", 6, 1), object("c", 7, 1)],
        start,
    );
    assert_eq!(told, ["a", "b", "c"]);
    assert_eq!(seen(&known, "a", "5", start), Seen::Unmoved);
    assert!(known.is_at(&Key::new("ns", "a"), "5", start));
    known.take(Event::Apply(object("b", 8, 2)), start);
    known.take(Event::Delete(object("c", 9, 1)), start);

    known.lost();
    // Nothing is claimed but what is certain.
    assert_eq!(seen(&known, "a", "5", start), Seen::Unknown);
    assert!(!known.is_at(&Key::new("ns", "a"), "5", start));
    assert_eq!(seen(&known, "b", "6", start), Seen::Moved);
    assert_eq!(seen(&known, "c", "7", start), Seen::Moved);

    let resumed = start + Duration::from_secs(30);
    known.opened(7, resumed);
    assert_eq!(seen(&known, "a", "5", resumed), Seen::Unknown);
    // No list comes, and still what is told is taken in and passed on.
    let moved = known.take(Event::Apply(object("a", 10, 2)), resumed);
    assert_eq!(names(&moved), ["a"]);
    assert_eq!(moved[0].manager, "somebody");
    assert_eq!(seen(&known, "a", "5", resumed), Seen::Moved);
    assert_eq!(seen(&known, "a", "10", resumed), Seen::Unknown);
    let later = resumed + CATCHING_UP;
    assert_eq!(seen(&known, "a", "10", later), Seen::Unmoved);
    assert!(known.is_at(&Key::new("ns", "a"), "10", later));
    assert_eq!(seen(&known, "c", "7", later), Seen::Moved);
}

#[test]
fn a_stream_that_goes_on_after_an_error_is_heard_again() {
    let mut known = known();
    let start = Instant::now();
    list(&mut known, &[object("a", 5, 1)], start);
    known.lost();
    let told = names(&known.take(Event::Apply(object("b", 6, 1)), start));
    assert_eq!(told, ["b"]);
    assert_eq!(seen(&known, "a", "5", start), Seen::Unknown);
    let later = start + CATCHING_UP;
    assert_eq!(seen(&known, "a", "5", later), Seen::Unmoved);
}

#[test]
fn another_failure_before_it_has_caught_up_counts() {
    let mut known = known();
    let start = Instant::now();
    list(&mut known, &[object("a", 5, 1)], start);
    known.lost();
    known.opened(5, start);
    known.lost();
    let later = start + CATCHING_UP;
    assert_eq!(seen(&known, "a", "5", later), Seen::Unknown);
    // A success that nobody missed changes nothing.
    let mut known = self::known();
    list(&mut known, &[object("a", 5, 1)], start);
    known.opened(5, start);
    assert_eq!(seen(&known, "a", "5", start), Seen::Unmoved);
}

#[test]
fn a_list_after_a_failure_tells_only_what_changed() {
    let mut known = known();
    let start = Instant::now();
    let first = [
        object("gone", 4, 1),
        object("same", 5, 1),
        object("healthier", 6, 1),
        object("moved", 7, 1),
        object("newer", 9, 2),
    ];
    list(&mut known, &first, start);
    known.lost();
    // Too old a version: all is listed anew.
    let second = [
        object("same", 5, 1),
        object("healthier", 12, 1),
        object("moved", 11, 2),
        object("new", 10, 1),
        object("newer", 8, 1),
    ];
    let told = list(&mut known, &second, start);
    assert_eq!(told, ["gone", "healthier (idle)", "moved", "new"]);
    for (name, written, expected) in [
        ("gone", "4", Seen::Moved),
        ("same", "5", Seen::Unmoved),
        ("healthier", "6", Seen::Unmoved),
        ("moved", "7", Seen::Moved),
        ("newer", "9", Seen::Unmoved),
    ] {
        assert_eq!(seen(&known, name, written, start), expected, "{name}");
    }
    // Nor does a list that nothing happened before tell anything.
    let third = [
        object("same", 5, 1),
        object("healthier", 12, 1),
        object("moved", 11, 2),
        object("new", 10, 1),
        object("newer", 9, 2),
    ];
    assert!(list(&mut known, &third, start).is_empty());
}

#[test]
fn a_list_that_ends_early_changes_nothing() {
    let mut known = known();
    let start = Instant::now();
    list(&mut known, &[object("a", 5, 1)], start);
    known.take(Event::Init, start);
    known.take(Event::InitApply(object("b", 6, 1)), start);
    known.lost();
    assert_eq!(seen(&known, "b", "6", start), Seen::Unknown);
    let told = list(&mut known, &[object("a", 5, 1)], start);
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn what_is_on_its_way_out_is_news_when_it_is_gone() {
    let mut known = known();
    let start = Instant::now();
    let dying = |name: &str, version, generation| {
        let mut object = object(name, version, generation);
        object.metadata.deletion_timestamp =
            Some(serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap());
        object
    };
    let first = [object("a", 5, 1), dying("b", 6, 2)];
    assert_eq!(list(&mut known, &first, start), ["a", "b (idle)"]);
    // The deletion, and what somebody writes to it after that: nothing to repair, but to be read.
    for (version, generation) in [(7, 2), (8, 3)] {
        let event = Event::Apply(dying("a", version, generation));
        assert_eq!(names(&known.take(event, start)), ["a (idle)"]);
        assert_eq!(seen(&known, "a", "5", start), Seen::Moved);
    }
    let event = Event::Delete(dying("a", 9, 3));
    assert_eq!(names(&known.take(event, start)), ["a"]);
    assert_eq!(seen(&known, "a", "8", start), Seen::Moved);
    // Another of its name.
    assert_eq!(
        names(&known.take(Event::Apply(object("a", 10, 1)), start)),
        ["a"]
    );
    // A list after a gap tells it alike.
    let second = [dying("a", 12, 2)];
    assert_eq!(list(&mut known, &second, start), ["b", "a (idle)"]);
    assert_eq!(list(&mut known, &[], start), ["a"]);
}

#[test]
fn who_loses_its_labels_is_gone() {
    let mut known = known();
    let start = Instant::now();
    list(&mut known, &[object("a", 5, 1)], start);
    let mut stripped = object("a", 6, 1);
    stripped.metadata.labels = None;
    assert_eq!(names(&known.take(Event::Apply(stripped), start)), ["a"]);
    assert_eq!(seen(&known, "a", "5", start), Seen::Moved);
}

#[test]
fn what_was_written_before_a_list_and_is_not_in_it_is_gone() {
    let mut known = known();
    let start = Instant::now();
    only_list(&mut known, &[object("other", 4, 1)], start);
    // Written at 7, whatever became of it: the list is newer than all that it told.
    assert_eq!(seen(&known, "a", "7", start), Seen::Unknown);
    known.opened(9, start);
    for (written, expected) in [
        ("7", Seen::Moved),
        ("9", Seen::Moved),
        ("10", Seen::Unmoved),
    ] {
        assert_eq!(seen(&known, "a", written, start), expected, "{written}");
    }
    assert_eq!(seen(&known, "other", "4", start), Seen::Unmoved);

    // The version where the watch was was too old, and all is listed anew.
    known.lost();
    only_list(&mut known, &[object("other", 4, 1)], start);
    assert_eq!(seen(&known, "a", "10", start), Seen::Unknown);
    assert_eq!(seen(&known, "a", "9", start), Seen::Moved);
    known.opened(12, start);
    assert_eq!(seen(&known, "a", "10", start), Seen::Moved);

    // The watch ended and is taken up where it was by then.
    known.opened(20, start);
    assert_eq!(seen(&known, "a", "19", start), Seen::Moved);
    assert_eq!(seen(&known, "a", "21", start), Seen::Unmoved);
}

#[test]
fn whose_an_object_was_is_told_while_its_labels_name_others() {
    let now = Instant::now();
    let mut known = known();
    list(&mut known, &[object("a", 1, 1)], now);
    let mut labelled = |version: u64, owner: &str| {
        let mut object = object("a", version, 1);
        let labels = object.metadata.labels.as_mut().unwrap();
        labels.insert(LABELS.name.to_owned(), owner.to_owned());
        let told = known.take(Event::Apply(object), now);
        let [told] = told.as_slice() else {
            panic!("one object")
        };
        let former: Vec<_> = told.former.iter().map(|key| key.name.clone()).collect();
        (told.owner.name.clone(), former.join(" "))
    };
    let pair = |owner: &str, former: &str| (owner.to_owned(), former.to_owned());
    assert_eq!(labelled(2, "ghost"), pair("ghost", "app"));
    assert_eq!(labelled(3, "ghost"), pair("ghost", "app"));
    assert_eq!(labelled(4, "other"), pair("other", "app ghost"));
    assert_eq!(labelled(5, "app"), pair("app", "ghost other"));
    assert_eq!(labelled(6, "b"), pair("b", "ghost other app"));
    assert_eq!(labelled(7, "c"), pair("c", "ghost other app b"));
    assert_eq!(labelled(8, "d"), pair("d", "other app b c"));
}
