//! The input text: encoding, and the characters that YAML forbids.

use std::borrow::Cow;

/// Size of the pieces in which go-yaml reads its input (readerc.go, `input_raw_buffer_size`).
const CHUNK: usize = 512;
/// The text ends in the middle of a character.
const INCOMPLETE: &str = "incomplete UTF-8 octet sequence";

/// Validated UTF-8 input, cut before the piece that holds the first forbidden character.
pub(crate) struct Source<'a> {
    /// The text that may be scanned.
    pub(crate) text: Cow<'a, [u8]>,
    /// Why the text ends early.
    pub(crate) failure: Option<&'static str>,
}

impl<'a> Source<'a> {
    /// Strips a byte order mark, decodes UTF-16 and finds the first character that is not allowed.
    ///
    /// go-yaml sees a bad character when it reads the piece of 512 bytes around it, so an earlier mistake in the
    /// grammar is reported first only if it stands in an earlier piece (readerc.go, `yaml_parser_update_buffer`).
    pub(crate) fn new(input: &'a [u8]) -> Self {
        match input {
            [0xFF, 0xFE, rest @ ..] => Self::from_utf16(rest, u16::from_le_bytes),
            [0xFE, 0xFF, rest @ ..] => Self::from_utf16(rest, u16::from_be_bytes),
            [0xEF, 0xBB, 0xBF, rest @ ..] => Self::from_utf8(rest, 3),
            _ => Self::from_utf8(input, 0),
        }
    }

    fn from_utf8(text: &'a [u8], mark_length: usize) -> Self {
        let (end, failure) = match find_failure(text) {
            None => (text.len(), None),
            // Nothing is wrong with the piece of input until its last character is asked for.
            Some((at, INCOMPLETE)) => (at, Some(INCOMPLETE)),
            Some((at, problem)) => (chunk_start(text, at, mark_length), Some(problem)),
        };
        Self {
            text: Cow::Borrowed(&text[..end]),
            failure,
        }
    }

    fn from_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Self {
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        let mut text = String::with_capacity(bytes.len());
        let mut failure = None;
        for decoded in char::decode_utf16(units) {
            match decoded {
                Ok(c) if is_allowed(c) => text.push(c),
                Ok(_) => failure = Some("control characters are not allowed"),
                Err(error) if error.unpaired_surrogate() & 0xFC00 == 0xDC00 => {
                    failure = Some("unexpected low surrogate area");
                }
                Err(_) => failure = Some("expected low surrogate area"),
            }
            if failure.is_some() {
                text.clear();
                break;
            }
        }
        if failure.is_none() && bytes.len() % 2 == 1 {
            failure = Some("incomplete UTF-16 character");
        }
        Self {
            text: Cow::Owned(text.into_bytes()),
            failure,
        }
    }
}

/// The first character that cannot be read, and why.
fn find_failure(text: &[u8]) -> Option<(usize, &'static str)> {
    let valid = match std::str::from_utf8(text) {
        Ok(_) => text.len(),
        Err(error) => error.valid_up_to(),
    };
    // Only text with other characters than plain ASCII is looked at one by one.
    let is_plain = |b: u8| matches!(b, b'\t' | b'\n' | b'\r' | 0x20..=0x7E);
    let first = text[..valid].iter().position(|&b| !is_plain(b));
    if let Some(at) = first.and_then(|first| find_forbidden(text, first, valid)) {
        return Some((at, "control characters are not allowed"));
    }
    (valid < text.len()).then(|| (valid, describe_invalid(&text[valid..])))
}

fn is_allowed(c: char) -> bool {
    matches!(c,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

/// Position of the first character outside of YAML's printable set, in `text[from..valid]`.
fn find_forbidden(text: &[u8], from: usize, valid: usize) -> Option<usize> {
    let mut at = from;
    while at < valid {
        let next = |n: usize| text.get(at + n).copied().unwrap_or(0);
        let (width, bad) = match text[at] {
            b'\t' | b'\n' | b'\r' | 0x20..=0x7E => (1, false),
            0..=0x7F => (1, true),
            0xC2 => (2, next(1) < 0xA0 && next(1) != 0x85),
            0xC0..=0xDF => (2, false),
            0xEF => (3, next(1) == 0xBF && next(2) >= 0xBE),
            0xE0..=0xEE => (3, false),
            _ => (4, false),
        };
        if bad {
            return Some(at);
        }
        at += width;
    }
    None
}

/// What go-yaml calls the broken UTF-8 at the start of `bytes`.
fn describe_invalid(bytes: &[u8]) -> &'static str {
    let (width, lead) = match bytes[0] {
        b @ 0x00..=0x7F => (1, u32::from(b)),
        b @ 0xC0..=0xDF => (2, u32::from(b & 0x1F)),
        b @ 0xE0..=0xEF => (3, u32::from(b & 0x0F)),
        b @ 0xF0..=0xF7 => (4, u32::from(b & 0x07)),
        _ => return "invalid leading UTF-8 octet",
    };
    if width > bytes.len() {
        return INCOMPLETE;
    }
    let mut value = lead;
    for &byte in &bytes[1..width] {
        if byte & 0xC0 != 0x80 {
            return "invalid trailing UTF-8 octet";
        }
        value = value << 6 | u32::from(byte & 0x3F);
    }
    let least = [0, 0x80, 0x800, 0x1_0000][width - 1];
    if value < least {
        "invalid length of a UTF-8 sequence"
    } else {
        "invalid Unicode character"
    }
}

/// Start of the piece of input in which go-yaml meets the character at `at`.
fn chunk_start(text: &[u8], at: usize, mark_length: usize) -> usize {
    let mut start = 0;
    let mut end = CHUNK - mark_length;
    while end <= at {
        // A character that the piece would cut goes to the next one.
        let mut boundary = end;
        while boundary > start && text[boundary] & 0xC0 == 0x80 {
            boundary -= 1;
        }
        start = boundary;
        end = start + CHUNK;
    }
    start
}
