use tidegate_git::{Constraint, Version};

/// Every range of `data/semver.txt` takes just the versions that Masterminds/semver takes.
#[test]
fn ranges_take_what_masterminds_semver_takes() {
    let mut versions = Vec::new();
    let mut checked = 0;
    for line in include_str!("../data/semver.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        if let Some(all) = line.strip_prefix("versions: ") {
            versions = all.split(' ').filter_map(Version::parse).collect();
            continue;
        }
        if let Some(valid) = line.strip_prefix("valid: ") {
            let read: Vec<_> = versions.iter().map(Version::original).collect();
            assert_eq!(read, valid.split(' ').collect::<Vec<_>>());
            continue;
        }
        let (range, wanted) = line.split_once(" =>").unwrap();
        let found = match Constraint::parse(range) {
            Err(_) => "!".to_owned(),
            Ok(range) => {
                let inside = versions.iter().filter(|version| range.allows(version));
                inside.map(Version::original).collect::<Vec<_>>().join(" ")
            }
        };
        assert_eq!(found, wanted.trim(), "range {range:?}");
        checked += 1;
    }
    assert!(checked > 100, "only {checked} ranges were in the file");
}

#[test]
fn tags_need_three_numbers() {
    assert!(Version::of_tag("2.0").is_none());
    assert!(Version::of_tag("v2.0.0").is_some());
    assert!(Version::of_tag("2025.02.03-rc.1").is_some());
}
