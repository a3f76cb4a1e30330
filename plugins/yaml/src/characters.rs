//! Character classes of YAML 1.1 on UTF-8 bytes. Past the end of the text every byte reads as NUL.

/// The byte at `at`, or NUL past the end.
#[inline]
pub(crate) fn byte(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}

/// Space or tab.
#[inline]
pub(crate) fn is_blank(text: &[u8], at: usize) -> bool {
    matches!(byte(text, at), b' ' | b'\t')
}

/// CR, LF, NEL, LS or PS.
#[inline]
pub(crate) fn is_break(text: &[u8], at: usize) -> bool {
    match byte(text, at) {
        b'\r' | b'\n' => true,
        0xC2 => byte(text, at + 1) == 0x85,
        0xE2 => byte(text, at + 1) == 0x80 && matches!(byte(text, at + 2), 0xA8 | 0xA9),
        _ => false,
    }
}

/// A line break or the end of the text.
#[inline]
pub(crate) fn is_break_or_end(text: &[u8], at: usize) -> bool {
    byte(text, at) == 0 || is_break(text, at)
}

/// A blank, a line break or the end of the text.
#[inline]
pub(crate) fn is_blank_or_end(text: &[u8], at: usize) -> bool {
    is_blank(text, at) || is_break_or_end(text, at)
}

/// Letters, digits, `_` and `-`: what anchors and directive names are made of.
#[inline]
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Length in bytes of the character that starts with `lead`.
#[inline]
pub(crate) fn width(lead: u8) -> usize {
    match lead {
        0x00..=0xBF => 1,
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        _ => 4,
    }
}

/// Whether a double-quoted scalar may hold the character unescaped (yamlprivateh.go, `is_printable`).
///
/// Characters outside of the basic plane count as not printable.
#[inline]
pub(crate) fn is_printable(text: &[u8], at: usize) -> bool {
    match byte(text, at) {
        b'\n' | 0x20..=0x7E | 0xC3..=0xEC | 0xEE => true,
        0xC2 => byte(text, at + 1) >= 0xA0,
        0xED => byte(text, at + 1) < 0xA0,
        0xEF => !matches!(
            (byte(text, at + 1), byte(text, at + 2)),
            (0xBB, 0xBF) | (0xBF, 0xBE | 0xBF)
        ),
        _ => false,
    }
}

/// Whether a text holds a line break of any kind.
pub(crate) fn has_break(text: &str) -> bool {
    let bytes = text.as_bytes();
    (0..bytes.len()).any(|at| is_break(bytes, at))
}
