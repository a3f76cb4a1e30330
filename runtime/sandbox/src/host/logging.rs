//! `tidegate:plugin/logging`, and where WASI's stdout and stderr end up.

use crate::bindings::tidegate::plugin::logging::{self, Level};
use crate::call::LogLine;
use crate::state::CallState;
use wasmtime::Result;

/// What a field takes besides its texts.
const FIELD: usize = size_of::<(String, String)>();

impl CallState {
    /// Keeps a line, cut and escaped, as long as the budget lasts; drops and counts it afterwards.
    pub(crate) fn keep_log(&mut self, level: Level, message: &str, fields: &[(String, String)]) {
        let max = usize::try_from(self.limits.log_line).unwrap_or(usize::MAX);
        let message = escape(message, max);
        let mut left = max.saturating_sub(message.len());
        let mut kept = Vec::new();
        for (key, value) in fields {
            // What is empty takes room as well.
            left = left.saturating_sub(FIELD);
            if left == 0 {
                break;
            }
            let key = escape(key, left);
            left -= key.len();
            let value = escape(value, left);
            left -= value.len();
            kept.push((key, value));
        }
        let size = max.saturating_sub(left);
        if level == Level::Error {
            self.produced.last_error = Some(message.clone());
        }
        let bytes = self.produced.log_bytes + size as u64;
        if bytes > self.limits.log || self.produced.logs.len() >= self.limits.log_lines as usize {
            self.produced.log_dropped += 1;
            return;
        }
        self.produced.log_bytes = bytes;
        self.produced.logs.push(LogLine {
            level,
            message,
            fields: kept,
        });
    }
}

impl logging::Host for CallState {
    fn log(&mut self, level: Level, message: String, fields: Vec<(String, String)>) -> Result<()> {
        self.enter()?;
        self.keep_log(level, &message, &fields);
        Ok(())
    }

    fn enabled(&mut self, level: Level) -> Result<bool> {
        self.enter()?;
        Ok(!matches!(level, Level::Trace | Level::Debug))
    }
}

/// At most `max` bytes of `text`, with control characters written out: a plugin must not be able to forge lines
/// or to move a terminal's cursor.
fn escape(text: &str, max: usize) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        let before = escaped.len();
        if character == '\t' {
            escaped.push(character);
        } else if character.is_control() || is_format(character) {
            escaped.extend(character.escape_unicode());
        } else {
            escaped.push(character);
        }
        if escaped.len() > max {
            escaped.truncate(before);
            break;
        }
    }
    escaped
}

/// Characters that reorder or hide text, and line ends that are no control characters.
fn is_format(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn escapes_what_could_forge_a_line() {
        assert_eq!(
            escape("a\r\nlevel=error\x1b[2J", 100),
            "a\\u{d}\\u{a}level=error\\u{1b}[2J"
        );
        assert_eq!(escape("abc\u{202e}", 100), "abc\\u{202e}");
    }

    #[test]
    fn cuts_at_whole_characters() {
        assert_eq!(escape("aäöü", 4), "aä");
        assert_eq!(escape("ab\n", 4), "ab");
    }
}
