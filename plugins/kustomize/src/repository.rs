//! Locators of Git repositories, as resource entries write them. kustomize: api/internal/git/repospec.go.

use crate::paths;

/// A parsed locator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositorySpec {
    /// Scheme, user and host, up to and with the separator.
    pub host: String,
    /// The repository at the host.
    pub repository: String,
    /// The folder of the kustomization in the repository.
    pub path: String,
    /// Branch, tag or commit; empty: the default branch.
    pub reference: String,
}

/// The text is no locator of a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotARepository(String);

impl RepositorySpec {
    /// Parses a locator such as `https://host/org/repository//folder?ref=v1` or `git@host:org/repository.git`.
    pub fn parse(locator: &str) -> Result<Self, NotARepository> {
        let no = |text: &str| NotARepository(text.to_owned());
        if paths::is_absolute(locator) {
            return Err(NotARepository(format!(
                "uri looks like abs path: {locator}"
            )));
        }
        let (location, query) = locator.split_once('?').unwrap_or((locator, ""));
        let (host, rest) = split_host(location)?;
        let (repository, path) = split_repository(&rest, &host)
            .ok_or_else(|| no("failed to parse repo path segment"))?;
        if repository.is_empty() {
            return Err(no("failed to parse repo path segment"));
        }
        let cleaned = paths::clean(path.trim_start_matches('/'));
        if cleaned == ".." || cleaned.starts_with("../") {
            return Err(NotARepository(format!("url path exits repo: {rest}")));
        }
        let path = path.strip_prefix('/').unwrap_or(&path).to_owned();
        Ok(Self {
            host,
            repository,
            path,
            reference: reference(query),
        })
    }

    /// What to clone.
    pub fn clone_spec(&self) -> String {
        format!("{}{}", self.host, self.repository)
    }
}

fn reference(query: &str) -> String {
    let value = |name: &str| {
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    };
    value("ref")
        .filter(|value| !value.is_empty())
        .or_else(|| value("version"))
        .unwrap_or_default()
        .to_owned()
}

fn strip_prefix_any_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| &text[prefix.len()..])
}

fn split_host(location: &str) -> Result<(String, String), NotARepository> {
    let location = strip_prefix_any_case(location, "git::").unwrap_or(location);
    let (scheme, rest) = ["ssh://", "https://", "http://", "file://"]
        .iter()
        .find_map(|scheme| strip_prefix_any_case(location, scheme).map(|rest| (*scheme, rest)))
        .unwrap_or(("", location));
    let (user, rest) = split_user(rest);
    let github = ["github.com/", "github.com:"]
        .iter()
        .any(|host| strip_prefix_any_case(rest, host).is_some());
    let scp = scheme.is_empty() && (!user.is_empty() || github);
    if scheme.is_empty() && !scp {
        return Err(NotARepository("failed to parse scheme".to_owned()));
    }
    if scheme == "file://" {
        return Ok((scheme.to_owned(), format!("{user}{rest}")));
    }
    let separator = {
        let slash = rest.find('/');
        let colon = rest.find(':').filter(|_| scp);
        match (slash, colon) {
            (None, colon) => colon,
            (Some(slash), Some(colon)) if colon > 0 && colon < slash => Some(colon),
            (slash, _) => slash,
        }
    };
    let (host, rest) = separator.map_or((rest, ""), |at| rest.split_at(at + 1));
    let (scheme, user, host) = match (github, scheme == "ssh://" || !user.is_empty()) {
        (true, true) => ("", user, "github.com:"),
        (true, false) => ("https://", "", "github.com/"),
        (false, _) => (scheme, user, host),
    };
    if host.is_empty() {
        return Err(NotARepository("failed to parse host segment".to_owned()));
    }
    Ok((format!("{scheme}{user}{host}"), rest.to_owned()))
}

fn split_user(text: &str) -> (&str, &str) {
    let Some(at) = text.find('@') else {
        return ("", text);
    };
    let name = &text[..at];
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if valid {
        text.split_at(at + 1)
    } else {
        ("", text)
    }
}

fn split_repository(rest: &str, host: &str) -> Option<(String, String)> {
    if let Some(at) = rest.find("_git/") {
        let (root, below) = rest.split_at(at + "_git/".len());
        let (name, path) = below.split_once('/').unwrap_or((below, ""));
        return Some((format!("{root}{name}"), path.to_owned()));
    }
    if let Some((repository, path)) = rest.split_once("//") {
        return Some((repository.to_owned(), path.to_owned()));
    }
    if let Some(at) = rest.find(".git") {
        let (repository, path) = rest.split_at(at + ".git".len());
        return Some((repository.to_owned(), path.to_owned()));
    }
    if host.starts_with("file://") {
        return Some((rest.to_owned(), String::new()));
    }
    let mut segments = rest.splitn(3, '/');
    let (first, second) = (segments.next()?, segments.next()?);
    Some((
        format!("{first}/{second}"),
        segments.next().unwrap_or_default().to_owned(),
    ))
}
