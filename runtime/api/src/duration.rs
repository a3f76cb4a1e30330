use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000 * MICROSECOND;
const SECOND: u64 = 1_000 * MILLISECOND;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// A span of time as Go reads and writes it: `1h0m0s`, `30.002s`, `86ms`.
///
/// Holds signed nanoseconds, as Go's `time.Duration` does: about 292 years either way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(i64);

/// A text that is no Go duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// Not of the form `<number><unit>…`.
    #[error("invalid duration {0:?}")]
    Invalid(String),
    /// A number without its unit.
    #[error("missing unit in duration {0:?}")]
    MissingUnit(String),
    /// A unit other than `ns`, `us`, `ms`, `s`, `m` and `h`.
    #[error("unknown unit in duration {0:?}")]
    UnknownUnit(String),
    /// More nanoseconds than 63 bits hold.
    #[error("duration {0:?} is longer than 292 years")]
    TooLong(String),
}

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The longest span that can be held.
    pub const MAX: Self = Self(i64::MAX);

    /// A span of whole seconds.
    pub const fn from_secs(seconds: u32) -> Self {
        Self(seconds as i64 * SECOND.cast_signed())
    }

    /// A span of nanoseconds; it may be negative.
    pub const fn from_nanos(nanoseconds: i64) -> Self {
        Self(nanoseconds)
    }

    /// The span in nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// The span for timers; a negative one is zero.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_nanos(u64::try_from(self.0).unwrap_or(0))
    }

    /// `self` less `other`, held at the longest and shortest possible span.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Rounded to the nearest multiple of a millisecond, halves away from zero.
    #[must_use]
    pub const fn round_to_millis(self) -> Self {
        let unit = MILLISECOND.cast_signed();
        let half = if self.0 < 0 { -unit / 2 } else { unit / 2 };
        Self(self.0.saturating_add(half) / unit * unit)
    }
}

impl From<std::time::Duration> for Duration {
    fn from(duration: std::time::Duration) -> Self {
        Self(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        duration.to_std()
    }
}

/// Writes `value / 10^digits` without trailing zeros.
fn write_decimal(f: &mut fmt::Formatter<'_>, value: u64, digits: usize) -> fmt::Result {
    let scale = 10u64.pow(u32::try_from(digits).unwrap_or(0));
    write!(f, "{}", value / scale)?;
    let fraction = format!("{:0digits$}", value % scale);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        Ok(())
    } else {
        write!(f, ".{fraction}")
    }
}

impl fmt::Display for Duration {
    /// As Go's `time.Duration.String`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        match span {
            0 => f.write_str("0s"),
            1..MICROSECOND => write!(f, "{span}ns"),
            MICROSECOND..MILLISECOND => {
                write_decimal(f, span, 3)?;
                f.write_str("µs")
            }
            MILLISECOND..SECOND => {
                write_decimal(f, span, 6)?;
                f.write_str("ms")
            }
            SECOND.. => {
                if span >= HOUR {
                    write!(f, "{}h", span / HOUR)?;
                }
                if span >= MINUTE {
                    write!(f, "{}m", span % HOUR / MINUTE)?;
                }
                write_decimal(f, span % MINUTE, 9)?;
                f.write_str("s")
            }
        }
    }
}

impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Takes the longest start of `text` whose bytes satisfy `belongs`.
fn take_while(text: &mut &str, belongs: impl Fn(u8) -> bool) -> String {
    let end = text
        .bytes()
        .position(|byte| !belongs(byte))
        .unwrap_or(text.len());
    let (taken, rest) = text.split_at(end);
    *text = rest;
    taken.to_owned()
}

/// Nanoseconds of one `<number><unit>`, or `None` when 64 bits do not hold them.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "Go computes the part after the point as a float, and its rounding is seen in what is written back"
)]
fn nanoseconds(whole: &str, fraction: &str, unit: u64) -> Option<u64> {
    let whole = if whole.is_empty() {
        0
    } else {
        whole.parse::<u64>().ok()?.checked_mul(unit)?
    };
    let mut part = 0u64;
    let mut scale = 1f64;
    for digit in fraction.bytes() {
        match part
            .checked_mul(10)
            .and_then(|part| part.checked_add(u64::from(digit - b'0')))
        {
            Some(longer) if longer <= 1 << 63 => part = longer,
            _ => break,
        }
        scale *= 10.0;
    }
    whole.checked_add((part as f64 * (unit as f64 / scale)) as u64)
}

impl FromStr for Duration {
    type Err = DurationError;

    /// As Go's `time.ParseDuration`.
    fn from_str(text: &str) -> Result<Self, DurationError> {
        let invalid = || DurationError::Invalid(text.to_owned());
        let too_long = || DurationError::TooLong(text.to_owned());
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(Self::ZERO);
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total = 0u64;
        while !rest.is_empty() {
            let whole = take_while(&mut rest, |byte| byte.is_ascii_digit());
            let mut fraction = String::new();
            if let Some(after) = rest.strip_prefix('.') {
                rest = after;
                fraction = take_while(&mut rest, |byte| byte.is_ascii_digit());
            }
            if whole.is_empty() && fraction.is_empty() {
                return Err(invalid());
            }
            let unit = match take_while(&mut rest, |byte| byte != b'.' && !byte.is_ascii_digit())
                .as_str()
            {
                "" => return Err(DurationError::MissingUnit(text.to_owned())),
                "ns" => 1,
                "us" | "µs" | "μs" => MICROSECOND,
                "ms" => MILLISECOND,
                "s" => SECOND,
                "m" => MINUTE,
                "h" => HOUR,
                _ => return Err(DurationError::UnknownUnit(text.to_owned())),
            };
            let part = nanoseconds(&whole, &fraction, unit).ok_or_else(too_long)?;
            total = total
                .checked_add(part)
                .filter(|total| *total <= 1 << 63)
                .ok_or_else(too_long)?;
        }
        let signed = if negative {
            0i64.checked_sub_unsigned(total)
        } else {
            i64::try_from(total).ok()
        };
        signed.map(Self).ok_or_else(too_long)
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    /// The schema's pattern lets spans pass that are too long for 63 bits: they are held at the longest one, since an
    /// error here would hide every other object of the list too.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        match text.parse() {
            Err(DurationError::TooLong(text)) if text.starts_with('-') => Ok(Self(i64::MIN)),
            Err(DurationError::TooLong(_)) => Ok(Self::MAX),
            other => other.map_err(serde::de::Error::custom),
        }
    }
}

impl schemars::JsonSchema for Duration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string"})
    }
}

#[cfg(test)]
mod tests;
