use std::fmt;

/// A URL whose user, password and query are never printed.
///
/// Flux prints the password of a URL in statuses and events; this type exists so that we cannot.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SafeUrl(String);

impl SafeUrl {
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The URL with its secrets, for the request itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.0.split(['?', '#']).next().unwrap_or_default();
        let Some((scheme, rest)) = url.split_once("://") else {
            return f.write_str(url);
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        match authority.rsplit_once('@') {
            // A bare user, as in `ssh://git@host/`, is no secret and tells which account is meant.
            Some((user, _)) if !user.contains(':') && scheme == "ssh" => f.write_str(url),
            Some((_, host)) => write!(f, "{scheme}://{host}{path}"),
            None => f.write_str(url),
        }
    }
}

impl fmt::Debug for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::SafeUrl;

    #[test]
    fn hides_passwords_and_queries() {
        let check = |url: &str, shown: &str| assert_eq!(SafeUrl::new(url).to_string(), shown);
        check("https://me:pass@host/a", "https://host/a");
        check("https://token@host/a", "https://host/a");
        check("https://host/a?sig=secret", "https://host/a");
        check("ssh://git@host/a", "ssh://git@host/a");
        check("ssh://git:pw@host:22/a", "ssh://host:22/a");
        check("https://host", "https://host");
    }
}
