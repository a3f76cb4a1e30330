use std::fmt;

const MASK: &str = "***";

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
    /// Passwords are pasted without being encoded, so what the user part is, is not left to the URL's syntax: it goes to
    /// the last `@`, whatever stands before that. `***` tells where a URL may have been cut by that in another place
    /// than its writer meant.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((scheme, rest)) = self.0.split_once("://") else {
            return fmt_without_scheme(&self.0, f);
        };
        write!(f, "{scheme}://")?;
        match rest.rsplit_once('@') {
            None => f.write_str(without_query(rest)),
            // A bare user, as in `ssh://git@host/`, is no secret and tells which account is meant.
            Some((user, _)) if scheme == "ssh" && !user.contains([':', '?', '#']) => {
                f.write_str(without_query(rest))
            }
            // The `@` may be one of the query, which is secret to its end.
            Some((user, _)) if user.contains(['?', '#']) => f.write_str(MASK),
            Some((user, rest)) if user.contains('/') => {
                write!(f, "{MASK}@{}", without_query(rest))
            }
            Some((_, rest)) => f.write_str(without_query(rest)),
        }
    }
}

/// `git@host:path`, or what was meant to have a scheme.
fn fmt_without_scheme(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let password = text
        .split_once('@')
        .is_some_and(|(user, _)| user.contains(':'));
    match text.rsplit_once('@') {
        Some((user, _)) if password && user.contains(['?', '#']) => f.write_str(MASK),
        Some((_, rest)) if password => write!(f, "{MASK}@{}", without_query(rest)),
        _ => f.write_str(without_query(text)),
    }
}

fn without_query(text: &str) -> &str {
    text.split(['?', '#']).next().unwrap_or_default()
}

impl fmt::Debug for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text with the users and passwords taken out of the URLs in it; all else stays as it is, queries too.
///
/// A URL goes to white space or a quotation mark. Its user part goes to the last `@` before the path, or before the
/// query where a password with a slash has begun. Users of `ssh` without a password stay.
pub fn without_url_users(text: &str) -> String {
    const SEPARATOR: &str = "://";
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(SEPARATOR) {
        let (before, after) = rest.split_at(at + SEPARATOR.len());
        shown.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '`' | '<' | '>'))
            .unwrap_or(after.len());
        let (url, behind) = after.split_at(end);
        let before_path = &url[..url.find(['/', '?', '#']).unwrap_or(url.len())];
        let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let cut = !before_path.contains('@')
            && before_path
                .rsplit_once(':')
                .is_some_and(|(_, port)| !is_port(port));
        let searched = if cut { without_query(url) } else { before_path };
        match searched.rfind('@') {
            Some(user) if !before.ends_with("ssh://") || url[..user].contains(':') => {
                shown.push_str(MASK);
                shown.push_str(&url[user..]);
            }
            _ => shown.push_str(url),
        }
        rest = behind;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::SafeUrl;
    use super::without_url_users;

    #[test]
    fn users_are_taken_out_of_the_urls_in_a_text() {
        let check = |text: &str, shown: &str| assert_eq!(without_url_users(text), shown);
        check(
            "from 'http://user:pass@host/a?ref=v1': HTTP Error, https://token@host: no",
            "from 'http://***@host/a?ref=v1': HTTP Error, https://***@host: no",
        );
        check("http://me:pl/nted@host/a", "http://***@host/a");
        check("ssh://git@host/a", "ssh://git@host/a");
        check("ssh://git:pw@host/a", "ssh://***@host/a");
        check(
            "https://host/a?ref=b@c and me@host",
            "https://host/a?ref=b@c and me@host",
        );
        check(
            "https://host:80/package@1.0/a",
            "https://host:80/package@1.0/a",
        );
        check("no URL: a://", "no URL: a://");
    }

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

    #[test]
    fn hides_passwords_that_are_no_part_of_a_url() {
        let check = |url: &str, shown: &str| assert_eq!(SafeUrl::new(url).to_string(), shown);
        check(
            "http://user:planted/secret-one@host/a?b=c",
            "http://***@host/a",
        );
        check("http://user:1234/secret@host:80/a", "http://***@host:80/a");
        check("http://tok/en@host", "http://***@host");
        check("http://user:pl@nted@host/a", "http://host/a");
        check("http://user:pl/@/nted@host/a", "http://***@host/a");
        check("http://user:pl?nted@host/a", "http://***");
        check("http://user:pl#nted@host/a", "http://***");
        check("http://user:pl?nt/ed@x@host/a", "http://***");
        check("http://user:pl nted\"@host/a", "http://host/a");
        check("http://user:http://planted@host/a", "http://***@host/a");
        check("ssh://git:pl/nted@host/a", "ssh://***@host/a");
        check("ssh://git:pl#nted@host/a", "ssh://***");
        check("user:pl/nted@host/a", "***@host/a");
        check("user:pl?nted@host/a", "***");
    }

    #[test]
    fn an_at_sign_elsewhere_hides_too_much_rather_than_too_little() {
        let check = |url: &str, shown: &str| assert_eq!(SafeUrl::new(url).to_string(), shown);
        check("https://host/package@1.0/a", "https://***@1.0/a");
        check("https://host/a?signature=se@cret", "https://***");
        check(
            "ssh://git@host/package@1.0/a",
            "ssh://git@host/package@1.0/a",
        );
        check("git@host:team/package@1.0", "git@host:team/package@1.0");
    }
}
