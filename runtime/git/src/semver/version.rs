use std::cmp::Ordering;

/// Characters of a version at most (Masterminds/semver, `MaxVersionLen`).
const LONGEST: usize = 256;

/// A version: `v1.2.3-rc.1+build`, also with leading zeros in its numbers.
///
/// Ordered as the specification of semantic versions says, so versions that differ in build metadata alone are equal.
#[derive(Debug, Clone)]
pub struct Version {
    pub(super) major: u64,
    pub(super) minor: u64,
    pub(super) patch: u64,
    pub(super) prerelease: String,
    original: String,
}

impl Version {
    /// A tag that is a version: all three numbers are wanted (fluxcd/pkg `version`, `ParseVersion`).
    pub fn of_tag(tag: &str) -> Option<Self> {
        if tag.splitn(3, '.').count() == 3 {
            Self::parse(tag)
        } else {
            None
        }
    }

    /// As `NewVersion` reads it: the second and third number may be missing.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let rest = text.strip_prefix('v').unwrap_or(text);
        let (rest, build) = match rest.split_once('+') {
            Some((rest, build)) => (rest, Some(build)),
            None => (rest, None),
        };
        let (numbers, prerelease) = match rest.split_once('-') {
            Some((numbers, prerelease)) => (numbers, Some(prerelease)),
            None => (rest, None),
        };
        if !build.is_none_or(are_identifiers) {
            return None;
        }
        if !prerelease
            .is_none_or(|text| are_identifiers(text) && text.split('.').all(has_no_leading_zero))
        {
            return None;
        }
        let mut parts = numbers.split('.').map(number);
        let major = parts.next()??;
        let minor = parts.next().unwrap_or(Some(0))?;
        let patch = parts.next().unwrap_or(Some(0))?;
        if parts.next().is_some() {
            return None;
        }
        let prerelease = prerelease.unwrap_or_default().to_owned();
        Some(Self {
            major,
            minor,
            patch,
            prerelease,
            original: text.to_owned(),
        })
    }

    /// The text it was read from.
    pub fn original(&self) -> &str {
        &self.original
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = |version: &Self| (version.major, version.minor, version.patch);
        numbers(self).cmp(&numbers(other)).then_with(|| {
            match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => prereleases(&self.prerelease, &other.prerelease),
            }
        })
    }
}

fn prereleases(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) => match (left.parse::<u64>(), right.parse::<u64>()) {
                (Ok(left), Ok(right)) => left.cmp(&right),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => left.cmp(right),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

fn are_identifiers(text: &str) -> bool {
    let fine = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.split('.').all(fine)
}

fn has_no_leading_zero(part: &str) -> bool {
    part.len() < 2 || !part.starts_with('0') || !part.bytes().all(|byte| byte.is_ascii_digit())
}
