//! The order of mapping keys in yaml.v2's output (sorter.go, `keyList`).

use crate::value::{Map, Value};

/// The entries of a mapping in go-yaml's natural order: numbers in a text by value, letters after other signs.
pub(crate) fn sorted_entries(map: &Map) -> Vec<(&str, &Value)> {
    let mut entries: Vec<_> = map
        .iter()
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    merge_sort(&mut entries);
    entries
}

/// A stable sort for an order that is not always one: the standard library may panic on such.
fn merge_sort(entries: &mut [(&str, &Value)]) {
    // The keys come sorted by bytes, which is most often right already.
    if entries
        .windows(2)
        .all(|pair| !is_less(pair[1].0, pair[0].0))
    {
        return;
    }
    if entries.len() <= 12 {
        for end in 1..entries.len() {
            let mut at = end;
            while at > 0 && is_less(entries[at].0, entries[at - 1].0) {
                entries.swap(at, at - 1);
                at -= 1;
            }
        }
        return;
    }
    let (left, right) = entries.split_at_mut(entries.len() / 2);
    merge_sort(left);
    merge_sort(right);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut a, mut b) = (0, 0);
    while a < left.len() && b < right.len() {
        if is_less(right[b].0, left[a].0) {
            merged.push(right[b]);
            b += 1;
        } else {
            merged.push(left[a]);
            a += 1;
        }
    }
    merged.extend_from_slice(&left[a..]);
    merged.extend_from_slice(&right[b..]);
    entries.copy_from_slice(&merged);
}

/// Whether `a` stands before `b`.
pub(crate) fn is_less(a: &str, b: &str) -> bool {
    let common = common_prefix(a, b);
    let (rest_a, rest_b) = (&a[common..], &b[common..]);
    let (Some(first_a), Some(first_b)) = (rest_a.chars().next(), rest_b.chars().next()) else {
        return rest_a.is_empty() && !rest_b.is_empty();
    };
    let (letter_a, letter_b) = (is_letter(first_a), is_letter(first_b));
    if letter_a && letter_b {
        return first_a < first_b;
    }
    if letter_a || letter_b {
        return letter_b;
    }
    // Zeros at the start of a number do not count, those inside of it do.
    let mut start = 0;
    if first_a == '0' || first_b == '0' {
        let digits = a[..common].chars().rev().take_while(|&c| is_digit(c));
        start = i64::from(digits.into_iter().any(|c| c != '0'));
    }
    let (number_a, length_a) = read_number(rest_a, start);
    let (number_b, length_b) = read_number(rest_b, start);
    if number_a != number_b {
        return number_a < number_b;
    }
    if length_a != length_b {
        return length_a < length_b;
    }
    first_a < first_b
}

fn common_prefix(a: &str, b: &str) -> usize {
    let mut common = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    while !a.is_char_boundary(common) || !b.is_char_boundary(common) {
        common -= 1;
    }
    common
}

fn read_number(text: &str, start: i64) -> (i64, usize) {
    let mut number = start;
    let mut length = 0;
    for c in text.chars().take_while(|&c| is_digit(c)) {
        number = number
            .wrapping_mul(10)
            .wrapping_add(i64::from(u32::from(c)) - i64::from(u32::from('0')));
        length += 1;
    }
    (number, length)
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic()
}

fn is_digit(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_digit()
    } else {
        c.is_numeric()
    }
}
