use super::{Duration, DurationError};

#[track_caller]
fn check(text: &str, nanoseconds: i64, written: &str) {
    let duration: Duration = text.parse().unwrap();
    assert_eq!(duration.as_nanos(), nanoseconds, "{text}");
    assert_eq!(duration.to_string(), written, "{text}");
}

/// The written forms are those of Go 1.26's `time.Duration`.
#[test]
fn reads_and_writes_as_go() {
    check("0", 0, "0s");
    check("-0", 0, "0s");
    check("1ns", 1, "1ns");
    check("1100ns", 1_100, "1.1µs");
    check("2200us", 2_200_000, "2.2ms");
    check("86ms", 86_000_000, "86ms");
    check("86.5ms", 86_500_000, "86.5ms");
    check("30.002s", 30_002_000_000, "30.002s");
    check("60s", 60_000_000_000, "1m0s");
    check("1h", 3_600_000_000_000, "1h0m0s");
    check("1h2m3.5s", 3_723_500_000_000, "1h2m3.5s");
    check("1.5h", 5_400_000_000_000, "1h30m0s");
    check(".5s", 500_000_000, "500ms");
    check("1.s", 1_000_000_000, "1s");
    check("+5s", 5_000_000_000, "5s");
    check("-1.5m", -90_000_000_000, "-1m30s");
    check("3µs", 3_000, "3µs");
    check("3μs", 3_000, "3µs");
    check("10s10s", 20_000_000_000, "20s");
    check("0.000000001s", 1, "1ns");
    check("0.3333333333333333333h", 1_200_000_000_000, "20m0s");
    check(
        "-9223372036854775808ns",
        i64::MIN,
        "-2562047h47m16.854775808s",
    );
    check(
        "9223372036854775807ns",
        i64::MAX,
        "2562047h47m16.854775807s",
    );
}

#[test]
fn refuses_what_go_refuses() {
    let error = |text: &str| text.parse::<Duration>().unwrap_err();
    assert_eq!(error(""), DurationError::Invalid(String::new()));
    assert_eq!(error("-"), DurationError::Invalid("-".into()));
    assert_eq!(error("s"), DurationError::Invalid("s".into()));
    assert_eq!(error(".s"), DurationError::Invalid(".s".into()));
    assert_eq!(error("3"), DurationError::MissingUnit("3".into()));
    assert_eq!(error("1h2"), DurationError::MissingUnit("1h2".into()));
    assert_eq!(error("1d"), DurationError::UnknownUnit("1d".into()));
    assert_eq!(error("1 s"), DurationError::UnknownUnit("1 s".into()));
    assert_eq!(error("3000000h"), DurationError::TooLong("3000000h".into()));
    assert_eq!(
        error("9223372036854775808ns"),
        DurationError::TooLong("9223372036854775808ns".into())
    );
}

#[test]
fn a_span_too_long_for_go_does_not_hide_the_other_objects() {
    assert_eq!(
        serde_json::from_str::<Duration>("\"99999999999999h\"").unwrap(),
        Duration::MAX
    );
    assert!(serde_json::from_str::<Duration>("\"soon\"").is_err());
}

#[test]
fn rounds_to_milliseconds() {
    assert_eq!(
        Duration::from_nanos(86_499_999)
            .round_to_millis()
            .to_string(),
        "86ms"
    );
    assert_eq!(
        Duration::from_nanos(86_500_000)
            .round_to_millis()
            .to_string(),
        "87ms"
    );
    assert_eq!(
        Duration::from_nanos(-86_500_000)
            .round_to_millis()
            .to_string(),
        "-87ms"
    );
}
