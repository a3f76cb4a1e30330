//! Prometheus's text format, version 0.0.4, in which controller-runtime serves metrics whatever is asked for.

use std::fmt::Write as _;
use tidegate_kube::RequestCount;

/// The media type of the format.
pub(crate) const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Text of OpenMetrics in the older format, where a counter is named in full from the start.
pub(super) fn classic(text: &str) -> String {
    let mut classic = String::with_capacity(text.len() + 1024);
    let mut counters = Vec::new();
    for line in text.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ")
            && let Some(name) = family.strip_suffix(" counter")
        {
            counters.push(name);
        }
    }
    for line in text.lines() {
        let described = ["# HELP ", "# TYPE "]
            .into_iter()
            .find_map(|start| Some((start, line.strip_prefix(start)?.split_once(' ')?)));
        let _ = match described {
            Some((start, (name, rest))) if counters.contains(&name) => {
                writeln!(classic, "{start}{name}_total {rest}")
            }
            _ if line.starts_with("# UNIT ") || line == "# EOF" => Ok(()),
            _ => writeln!(classic, "{line}"),
        };
    }
    classic
}

/// Counted where requests are sent, so not in the registry (client-go's names).
pub(super) fn requests(text: &mut String, requests: &RequestCount) {
    const NAME: &str = "rest_client_requests_total";
    let _ = writeln!(
        text,
        "# HELP {NAME} Number of HTTP requests, partitioned by status code, method, and host.\n# TYPE {NAME} counter"
    );
    let host = requests.host();
    for (method, code, count) in requests.snapshot() {
        let code = match code {
            0 => "<error>".to_owned(),
            code => code.to_string(),
        };
        let _ = writeln!(
            text,
            "{NAME}{{code=\"{code}\",host=\"{host}\",method=\"{method}\"}} {count}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::classic;

    #[test]
    fn counters_are_named_in_full() {
        let text = "# HELP a_b Help of a_b.\n# TYPE a_b counter\n# UNIT a_b seconds\na_b_total{x=\"1\"} 2\n# HELP c C.\n# TYPE c gauge\nc 1\n# EOF\n";
        let expected = "# HELP a_b_total Help of a_b.\n# TYPE a_b_total counter\na_b_total{x=\"1\"} 2\n# HELP c C.\n# TYPE c gauge\nc 1\n";
        assert_eq!(classic(text), expected);
    }
}
