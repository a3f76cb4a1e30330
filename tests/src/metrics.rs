//! The text of `/metrics`.

use std::collections::BTreeMap;

/// The sum of all series of a name that have these labels, and maybe more. None when there is no such series.
pub(crate) fn sum(text: &str, name: &str, labels: &BTreeMap<String, String>) -> Option<f64> {
    let mut found = None;
    for line in text.lines() {
        let Some(rest) = line.strip_prefix(name) else {
            continue;
        };
        let (has, value) = match rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((has, value)) => (has, value),
            None => ("", rest),
        };
        let fits = labels
            .iter()
            .all(|(label, value)| has.contains(&format!("{label}=\"{value}\"")));
        // The rest of another, longer name is no number.
        if let (true, Some(value)) = (fits, value.strip_prefix(' '))
            && let Some(value) = value
                .split(' ')
                .next()
                .and_then(|text| text.parse::<f64>().ok())
        {
            *found.get_or_insert(0.0) += value;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::sum;
    use std::collections::BTreeMap;

    #[test]
    fn series_are_added_up() {
        let text = "# TYPE a counter\na_total{x=\"1\",y=\"2\"} 3\na_total{x=\"1\",y=\"3\"} 4.5\na_total_more 9\nb 7\n";
        let labels =
            |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        assert_eq!(sum(text, "a_total", &BTreeMap::new()), Some(7.5));
        assert_eq!(sum(text, "a_total", &labels("y", "3")), Some(4.5));
        assert_eq!(sum(text, "a_total", &labels("y", "4")), None);
        assert_eq!(sum(text, "b", &BTreeMap::new()), Some(7.0));
    }
}
