//! Points in time, in the forms that go-yaml takes (resolve.go, `parseTimestamp`; Go's `time.Parse`).

/// Reads a timestamp and gives it back in RFC 3339 with as few fraction digits as it needs.
pub(super) fn parse(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if count_digits(bytes) != 4 || bytes.get(4) != Some(&b'-') {
        return None;
    }
    let mut rest = Rest(bytes);
    let year = rest.digits(4, 4)?;
    rest.expect(b"-")?;
    let month = rest.digits(1, 2)?;
    rest.expect(b"-")?;
    let day = rest.digits(1, 2)?;
    if !(1..=12).contains(&month) || day < 1 || day > days_in(month, year) {
        return None;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    if rest.0.is_empty() {
        return Some(format!("{date}T00:00:00Z"));
    }
    let has_zone = rest.expect(b"T").or_else(|| rest.expect(b"t")).is_some();
    if !has_zone {
        rest.expect(b" ")?;
        while rest.expect(b" ").is_some() {}
    }
    let clock = rest.clock()?;
    let zone = if has_zone {
        rest.zone()?
    } else {
        "Z".to_owned()
    };
    rest.0.is_empty().then(|| format!("{date}T{clock}{zone}"))
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn expect(&mut self, prefix: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(prefix)?;
        Some(())
    }

    /// A number of as many digits as there are, within the given count.
    fn digits(&mut self, least: usize, most: usize) -> Option<u32> {
        let count = count_digits(self.0).min(most);
        if count < least {
            return None;
        }
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        Some(
            digits
                .iter()
                .fold(0, |number, digit| number * 10 + u32::from(digit - b'0')),
        )
    }

    fn clock(&mut self) -> Option<String> {
        let hour = self.digits(1, 2)?;
        self.expect(b":")?;
        let minute = self.digits(1, 2)?;
        self.expect(b":")?;
        let second = self.digits(1, 2)?;
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let mut clock = format!("{hour:02}:{minute:02}:{second:02}");
        if let [b'.' | b',', b'0'..=b'9', ..] = self.0 {
            let length = count_digits(&self.0[1..]);
            let fraction: String = self.0[1..=length.min(9)]
                .iter()
                .map(|&b| char::from(b))
                .collect();
            self.0 = &self.0[length + 1..];
            let fraction = fraction.trim_end_matches('0');
            if !fraction.is_empty() {
                clock.push('.');
                clock.push_str(fraction);
            }
        }
        Some(clock)
    }

    fn zone(&mut self) -> Option<String> {
        if self.expect(b"Z").is_some() {
            return Some("Z".to_owned());
        }
        let (&sign, rest) = self.0.split_first()?;
        self.0 = rest;
        let hours = self.digits(2, 2)?;
        self.expect(b":")?;
        let minutes = self.digits(2, 2)?;
        if !matches!(sign, b'+' | b'-') || hours > 24 || minutes > 60 {
            return None;
        }
        let offset = hours * 60 + minutes;
        if offset == 0 {
            return Some("Z".to_owned());
        }
        Some(format!(
            "{}{:02}:{:02}",
            char::from(sign),
            offset / 60,
            offset % 60
        ))
    }
}

fn count_digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| b.is_ascii_digit()).count()
}

fn days_in(month: u32, year: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
