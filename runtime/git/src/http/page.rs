//! What servers say with an error status.

/// Characters of an error page that end up in a message.
const SAID: usize = 200;

/// An error page as one line: its first, or its title if it is HTML.
pub(super) fn said(page: &str) -> String {
    let page = page.trim();
    let line = if page.starts_with('<') {
        title(page).unwrap_or_else(|| "the server sent a page".to_owned())
    } else {
        page.lines()
            .next()
            .unwrap_or_default()
            .trim_end()
            .to_owned()
    };
    let mut line = line.replace(char::is_control, " ");
    if let Some((end, _)) = line.char_indices().nth(SAID) {
        line.truncate(end);
        line.push('…');
    }
    line
}

fn title(page: &str) -> Option<String> {
    // Lengths stay as they are, so positions in one are positions in the other.
    let lower = page.to_ascii_lowercase();
    let tag = lower.find("<title")?;
    let start = tag + lower[tag..].find('>')? + 1;
    let end = start + lower[start..].find("</title")?;
    let words: Vec<&str> = page[start..end].split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn pages_become_lines() {
        let long = "x".repeat(300);
        for (page, line) in [
            ("", ""),
            (" \n ", ""),
            ("who are you?\n", "who are you?"),
            ("no such\trepository\r\nand more\n", "no such repository"),
            (
                "<!DOCTYPE html>\n<html><head>\n<TITLE lang=en>404 Not\n  Found</TITLE></head><body>long</body></html>",
                "404 Not Found",
            ),
            (
                "<html><body>no title</body></html>",
                "the server sent a page",
            ),
            ("<title>cut off", "the server sent a page"),
            (&long, &format!("{}…", &long[..200])),
        ] {
            assert_eq!(said(page), line);
        }
    }
}
