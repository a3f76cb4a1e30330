use std::fmt;

use anyhow::ensure;

/// Name and tag of an image, as given and as the chart's values have them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    repository: String,
    tag: String,
}

impl Name {
    /// `tag` is for a name without one.
    pub(super) fn parse(text: &str, tag: &str) -> anyhow::Result<Self> {
        // A colon before the last slash is that of a registry's port.
        let split = text.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'));
        let (repository, tag) = split.unwrap_or((text, tag));
        let is_part = |part: &str| {
            let is = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            let ends = [part.bytes().next(), part.bytes().last()];
            ends.into_iter().all(|end| end.is_some_and(is))
                && part.bytes().all(|byte| is(byte) || b"._-:".contains(&byte))
        };
        let is_tag = tag
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        ensure!(
            repository.split('/').all(is_part)
                && is_tag
                && (1..=128).contains(&tag.len())
                && !tag.starts_with(['.', '-']),
            "`{}` is not the name of an image, such as registry.example/team/tidegate:1.0",
            text.replace(char::is_control, "\u{fffd}")
        );
        Ok(Self {
            repository: repository.to_owned(),
            tag: tag.to_owned(),
        })
    }

    pub(super) fn tag(&self) -> &str {
        &self.tag
    }

    /// With the registry that container runtimes think of where none is named: they know images by this name.
    pub(super) fn full(&self) -> String {
        let registry = self.repository.split_once('/').map(|(first, _)| first);
        let is_registry = |first: &str| first == "localhost" || first.contains(['.', ':']);
        match registry {
            Some(first) if is_registry(first) => self.to_string(),
            Some(_) => format!("docker.io/{self}"),
            None => format!("docker.io/library/{self}"),
        }
    }

    /// How the chart is told.
    pub(super) fn values(&self) -> String {
        format!(
            "--set image.repository={},image.tag={}",
            self.repository, self.tag
        )
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.repository, self.tag)
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    /// Full names as distribution/reference, `ParseNormalizedNamed`, has them.
    #[test]
    fn names_are_read_as_container_runtimes_do() {
        let cases = [
            ("tidegate", "docker.io/library/tidegate:1"),
            ("tidegate:0.1.0", "docker.io/library/tidegate:0.1.0"),
            ("team/tidegate", "docker.io/team/tidegate:1"),
            (
                "registry.example/team/tidegate:x",
                "registry.example/team/tidegate:x",
            ),
            ("localhost:5000/tidegate", "localhost:5000/tidegate:1"),
        ];
        for (text, full) in cases {
            assert_eq!(Name::parse(text, "1").unwrap().full(), full);
        }
        for text in ["", "Tidegate", "a//b", "a:", "a:b c", "-a", "a/:b"] {
            assert!(Name::parse(text, "1").is_err(), "{text:?}");
        }
    }
}
