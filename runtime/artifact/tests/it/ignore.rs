use crate::files::Files;
use tidegate_artifact::{Defaults, Ignore};
use tidegate_values::EntryKind;

/// Every line of `data/ignore.txt` leaves out what Flux's own matcher leaves out.
#[test]
fn patterns_leave_out_what_flux_leaves_out() {
    let mut paths = Vec::new();
    let mut checked = 0;
    for line in include_str!("../data/ignore.txt")
        .lines()
        .filter(|line| !line.starts_with("# "))
    {
        if let Some(all) = line.strip_prefix("paths: ") {
            paths = all.split(' ').collect();
            continue;
        }
        let (rule, wanted) = line.split_once(" => ").unwrap();
        let (kind, rule) = rule.split_once(':').unwrap();
        let (domain, text) = rule.split_once('|').unwrap();
        let text = text
            .replace("\\n", "\n")
            .replace("\\r", "\r")
            .replace("\\t", "\t");
        let defaults = if kind == "git" {
            Defaults::Full
        } else {
            Defaults::None
        };
        let ignore = if domain.is_empty() {
            Ignore::parse(&text, defaults)
        } else {
            let tree = Files::new(&[(&format!("{domain}/.sourceignore"), &text)]);
            Ignore::load(&tree, defaults, None).unwrap()
        };
        let excluded = paths.iter().filter(|path| match path.strip_suffix('/') {
            Some(path) => ignore.excludes(path, EntryKind::Directory),
            None => ignore.excludes(path, EntryKind::File),
        });
        let excluded: Vec<&str> = excluded.copied().collect();
        assert_eq!(excluded.join(" "), wanted, "{line}");
        checked += 1;
    }
    assert!(checked > 100, "only {checked} rules were in the file");
}

#[test]
fn the_object_s_own_patterns_weigh_most() {
    let tree = Files::new(&[
        (".sourceignore", "/sub\n"),
        ("sub/a", ""),
        ("sub/.sourceignore", "b\n"),
        ("p.jpg", ""),
    ]);
    let excluded = |spec: Option<&str>, path: &str| {
        Ignore::load(&tree, Defaults::Full, spec)
            .unwrap()
            .excludes(path, EntryKind::File)
    };
    assert!(excluded(None, "sub/a"));
    assert!(
        !excluded(None, "p.jpg"),
        "a pattern puts the defaults out of force"
    );
    assert!(
        excluded(None, ".gitignore"),
        "but not those of version control"
    );
    assert!(!excluded(Some("!/sub\n"), "sub/a"));
    assert!(!excluded(Some("!/sub\n"), "sub/b"));
    assert!(!excluded(Some("# nothing\n"), "p.jpg"));
}

#[test]
fn malformed_patterns_are_named_with_their_place() {
    let tree = Files::new(&[
        (".sourceignore", "# [\n[\nok[a]\n"),
        ("sub/.sourceignore", "a/b**/c\n"),
    ]);
    let ignore = Ignore::load(&tree, Defaults::Full, Some("fine\n!/x/[a-\n**/y\n")).unwrap();
    let named: Vec<String> = ignore
        .malformed()
        .iter()
        .map(|found| format!("{:?} {found}", found.file))
        .collect();
    let rest = "is malformed and matches nothing";
    assert_eq!(
        named,
        [
            format!("Some(\".sourceignore\") line 2: the pattern '[' {rest}"),
            format!("Some(\"sub/.sourceignore\") line 1: the pattern 'a/b**/c' {rest}"),
            format!("None line 2: the pattern '!/x/[a-' {rest}"),
        ]
    );
    assert_eq!(
        ignore.clone().over_defaults().malformed(),
        ignore.malformed()
    );
    let many = Ignore::parse(&"[\n".repeat(1000), Defaults::None);
    assert_eq!(many.malformed().len(), 5);
}
