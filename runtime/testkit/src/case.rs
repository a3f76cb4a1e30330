//! Cases as text: one file holds a title and several sections, each the content of a path.
//!
//! ```text
//! What the case shows, in free text.
//! -- input/kustomization.yaml --
//! resources: [a.yaml]
//! -- input/a.yaml (crlf, no final newline) --
//! kind: ConfigMap
//! ```
//!
//! The bytes between two marker lines are kept as they are. What an editor or Git would spoil is said in the marker:
//! `crlf` ends each line with CR LF, `no final newline` drops the last line end. A content line that looks like a
//! marker gets a backslash in front: `\-- a --`.

use crate::Error;

/// One case, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The text before the first section.
    pub head: String,
    /// Path and content, in the order of the file.
    pub sections: Vec<(String, Vec<u8>)>,
}

impl Case {
    /// Reads a case. A path that appears twice and an unknown word in a marker are errors that name the line.
    pub fn parse(text: &str) -> Result<Case, Error> {
        let mut case = Case {
            head: String::new(),
            sections: Vec::new(),
        };
        let mut open: Option<Section> = None;
        for (index, line) in text.split_inclusive('\n').enumerate() {
            if let Some(next) = marker(line, index + 1)? {
                if case.section(&next.path).is_some()
                    || open
                        .as_ref()
                        .is_some_and(|section| section.path == next.path)
                {
                    return Err(Error::Case {
                        line: index + 1,
                        message: format!("section `{}` appears twice", next.path),
                    });
                }
                case.sections
                    .extend(open.replace(next).map(Section::finish));
                continue;
            }
            match &mut open {
                Some(section) => section.text.push_str(
                    line.strip_prefix('\\')
                        .filter(|rest| is_marker(rest))
                        .unwrap_or(line),
                ),
                None => case.head.push_str(line),
            }
        }
        case.sections.extend(open.map(Section::finish));
        Ok(case)
    }

    /// The content of the section at `path`.
    pub fn section(&self, path: &str) -> Option<&[u8]> {
        self.sections
            .iter()
            .find(|(at, _)| at == path)
            .map(|(_, content)| content.as_slice())
    }

    /// The sections below `folder`, with their paths inside it.
    pub fn below(&self, folder: &str) -> impl Iterator<Item = (&str, &[u8])> {
        self.sections.iter().filter_map(move |(path, content)| {
            Some((
                path.strip_prefix(folder)?.strip_prefix('/')?,
                content.as_slice(),
            ))
        })
    }
}

struct Section {
    path: String,
    crlf: bool,
    final_newline: bool,
    text: String,
}

impl Section {
    fn finish(self) -> (String, Vec<u8>) {
        let mut text = self.text;
        if !self.final_newline && text.ends_with('\n') {
            text.pop();
        }
        if self.crlf {
            text = text.replace('\n', "\r\n");
        }
        (self.path, text.into_bytes())
    }
}

fn marker_text(line: &str) -> Option<&str> {
    line.trim_end_matches(['\r', '\n'])
        .strip_prefix("-- ")?
        .strip_suffix(" --")
        .filter(|inner| !inner.trim().is_empty())
}

fn is_marker(line: &str) -> bool {
    marker_text(line.trim_start_matches('\\')).is_some()
}

fn marker(line: &str, number: usize) -> Result<Option<Section>, Error> {
    let Some(inner) = marker_text(line) else {
        return Ok(None);
    };
    let (path, words) = match inner
        .strip_suffix(')')
        .and_then(|inner| inner.rsplit_once(" ("))
    {
        Some((path, words)) => (path, words),
        None => (inner, ""),
    };
    let mut section = Section {
        path: path.trim().to_owned(),
        crlf: false,
        final_newline: true,
        text: String::new(),
    };
    for word in words
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
    {
        match word {
            "crlf" => section.crlf = true,
            "no final newline" => section.final_newline = false,
            other => {
                return Err(Error::Case {
                    line: number,
                    message: format!("`{other}` in a section's marker is unknown"),
                });
            }
        }
    }
    Ok(Some(section))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let case = Case::parse(text).expect("the case reads");
        let got: Vec<_> = case
            .sections
            .iter()
            .map(|(path, content)| (path.as_str(), std::str::from_utf8(content).expect("text")))
            .collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn sections_keep_their_bytes() {
        check(
            "title\n-- a/b.yaml --\nx: 1\n\n-- c --\n",
            &[("a/b.yaml", "x: 1\n\n"), ("c", "")],
        );
    }

    #[test]
    fn line_ends_are_said_in_the_marker() {
        check(
            "-- a (crlf) --\nx\ny\n-- b (no final newline) --\nz\n-- c (crlf, no final newline) --\nx\ny\n",
            &[("a", "x\r\ny\r\n"), ("b", "z"), ("c", "x\r\ny")],
        );
    }

    #[test]
    fn a_backslash_hides_a_marker() {
        check(
            "-- a --\n\\-- b --\n\\\\-- b --\n\\n\n",
            &[("a", "-- b --\n\\-- b --\n\\n\n")],
        );
    }

    #[test]
    fn a_document_start_is_no_marker() {
        check(
            "-- a --\n---\n-- \n--  --\n",
            &[("a", "---\n-- \n--  --\n")],
        );
    }

    #[test]
    fn mistakes_name_their_line() {
        let message = |text: &str| Case::parse(text).expect_err("a mistake").to_string();
        assert_eq!(
            message("-- a --\n-- a --\n"),
            "line 2: section `a` appears twice"
        );
        assert_eq!(
            message("t\n-- a (utf16) --\n"),
            "line 2: `utf16` in a section's marker is unknown"
        );
    }
}
