//! Reads objects, without their managed fields where those say nothing: they are most of a small object.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// Reads an object without `metadata.managedFields`, which a comparison with a dry run and without
/// rules does not look at.
pub fn without_managed_fields(json: &[u8]) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let object = Skim(&["metadata", "managedFields"]).deserialize(&mut reader)?;
    reader.end()?;
    Ok(object)
}

/// Leaves out the value at a path of keys.
#[derive(Clone, Copy)]
struct Skim(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Skim {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Skim {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let (first, rest) = self
            .0
            .split_first()
            .ok_or_else(|| A::Error::custom("no path"))?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if key != *first {
                let value = entries.next_value()?;
                map.insert(key, value);
            } else if rest.is_empty() {
                entries.next_value::<IgnoredAny>()?;
            } else {
                let value = entries.next_value_seed(Skim(rest))?;
                map.insert(key, value);
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::without_managed_fields;

    #[test]
    fn leaves_out_managed_fields_only() {
        let read = |text: &str| without_managed_fields(text.as_bytes());
        let object = read(
            r#"{"managedFields": 1, "metadata": {"managedFields": [{"f:a": {}}], "name": "a"}, "data": {"metadata": {"managedFields": 2}}}"#,
        );
        let expected = serde_json::json!({"managedFields": 1, "metadata": {"name": "a"}, "data": {"metadata": {"managedFields": 2}}});
        assert_eq!(object.expect("an object"), expected);
        for wrong in ["[]", r#"{"metadata": {}} x"#, r#"{"metadata": "#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
