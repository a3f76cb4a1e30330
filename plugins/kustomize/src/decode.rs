//! Typed data from decoded YAML, by the rules of Go's encoding/json: field names match without regard to case, nulls
//! leave the default, and errors say the field's path and Go's name of the type.

use std::collections::BTreeMap;

use tidegate_yaml::Value;

use crate::Error;
use crate::error::{Result, quote};

/// What begins like JSON must be JSON: upstream reads it as such, and YAML takes more.
pub(crate) fn check_json(text: &[u8]) -> Result<()> {
    serde_json::from_slice::<serde_json::Value>(text)
        .map(drop)
        .map_err(|error| Error::text(format!("invalid JSON: {error}")))
}

/// Where in the data, and under which rules.
#[derive(Clone)]
pub(crate) struct Place<'a> {
    /// Go's name of the outermost structure, then the fields on the way, with dots.
    path: String,
    rules: Rules,
    _life: std::marker::PhantomData<&'a ()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rules {
    /// Unknown fields are errors (a kustomization.yaml).
    Strict,
    /// Unknown fields are ignored, and numbers and booleans become text where text is wanted (configurations of
    /// built-in plugins).
    Loose,
}

impl Place<'_> {
    pub(crate) fn new(structure: &str, rules: Rules) -> Self {
        Self {
            path: structure.to_owned(),
            rules,
            _life: std::marker::PhantomData,
        }
    }

    fn field(&self, name: &str) -> Self {
        Self {
            path: format!("{}.{name}", self.path),
            rules: self.rules,
            _life: std::marker::PhantomData,
        }
    }

    fn mismatch(&self, value: &Value, wanted: &str) -> Error {
        let kind = value.json_kind();
        let place = if self.path.contains('.') {
            format!("Go struct field {} of type {wanted}", self.path)
        } else {
            format!("Go value of type {wanted}")
        };
        Error::text(format!("json: cannot unmarshal {kind} into {place}"))
    }
}

/// A type that data decodes into.
pub(crate) trait Decode: Sized + Default {
    /// Go's name of the type.
    fn go_type() -> String;
    fn decode(value: &Value, place: &Place<'_>) -> Result<Self>;
}

/// A structure: a type that takes fields.
pub(crate) trait DecodeFields: Default {
    /// Takes a field by its exact name; false if there is none of that name.
    fn take_field(&mut self, name: &str, value: &Value, place: &Place<'_>) -> Result<bool>;
    /// The name as declared that `name` means without regard to case.
    fn declared(name: &str) -> Option<&'static str>;
}

pub(crate) fn decode_fields<T: DecodeFields>(
    go_type: &str,
    value: &Value,
    place: &Place<'_>,
) -> Result<T> {
    let mut result = T::default();
    match value {
        Value::Null => {}
        Value::Map(map) => {
            for (name, value) in map {
                let declared = T::declared(name);
                match declared {
                    Some(declared) => {
                        result.take_field(declared, value, &place.field(declared))?;
                    }
                    None if place.rules == Rules::Strict => {
                        return Err(Error::text(format!("json: unknown field {}", quote(name))));
                    }
                    None => {}
                }
            }
        }
        other => return Err(place.mismatch(other, go_type)),
    }
    Ok(result)
}

/// Decodes into one field of a structure; null leaves it.
pub(crate) fn decode_into<T: Decode>(
    target: &mut T,
    value: &Value,
    place: &Place<'_>,
) -> Result<bool> {
    if !value.is_null() {
        *target = T::decode(value, place)?;
    }
    Ok(true)
}

/// Declares how a structure decodes: `"yaml name" => field`, and structures whose fields count as its own.
macro_rules! decode_struct {
    ($type:ty, $go:literal, { $($name:literal => $field:ident),* $(,)? } $(, inline $inline:ident: $inline_type:ty)*) => {
        impl $crate::decode::DecodeFields for $type {
            fn take_field(
                &mut self,
                name: &str,
                value: &tidegate_yaml::Value,
                place: &$crate::decode::Place<'_>,
            ) -> $crate::error::Result<bool> {
                match name {
                    $($name => $crate::decode::decode_into(&mut self.$field, value, place),)*
                    _ => {
                        $(
                            if $crate::decode::DecodeFields::take_field(&mut self.$inline, name, value, place)? {
                                return Ok(true);
                            }
                        )*
                        Ok(false)
                    }
                }
            }

            fn declared(name: &str) -> Option<&'static str> {
                const NAMES: &[&str] = &[$($name),*];
                if let Some(exact) = NAMES.iter().find(|n| **n == name) {
                    return Some(exact);
                }
                $(
                    if let Some(inner) = <$inline_type as $crate::decode::DecodeFields>::declared(name) {
                        return Some(inner);
                    }
                )*
                NAMES.iter().find(|n| n.eq_ignore_ascii_case(name)).copied()
            }
        }

        impl $crate::decode::Decode for $type {
            fn go_type() -> String {
                $go.to_owned()
            }

            fn decode(value: &tidegate_yaml::Value, place: &$crate::decode::Place<'_>) -> $crate::error::Result<Self> {
                $crate::decode::decode_fields($go, value, place)
            }
        }
    };
}
pub(crate) use decode_struct;

impl Decode for String {
    fn go_type() -> String {
        "string".to_owned()
    }

    fn decode(value: &Value, place: &Place<'_>) -> Result<Self> {
        match (value, place.rules) {
            (Value::String(text), _) => Ok(text.clone()),
            (Value::Null, _) => Ok(String::new()),
            (Value::Bool(value), Rules::Loose) => Ok(value.to_string()),
            (Value::Int(value), Rules::Loose) => Ok(value.to_string()),
            (Value::Uint(value), Rules::Loose) => Ok(value.to_string()),
            (Value::Float(value), Rules::Loose) => Ok(value.to_string()),
            (other, _) => Err(place.mismatch(other, "string")),
        }
    }
}

impl Decode for bool {
    fn go_type() -> String {
        "bool".to_owned()
    }

    fn decode(value: &Value, place: &Place<'_>) -> Result<Self> {
        match value {
            Value::Bool(value) => Ok(*value),
            Value::Null => Ok(false),
            other => Err(place.mismatch(other, "bool")),
        }
    }
}

impl Decode for i64 {
    fn go_type() -> String {
        "int64".to_owned()
    }

    fn decode(value: &Value, place: &Place<'_>) -> Result<Self> {
        match value {
            Value::Int(value) => Ok(*value),
            Value::Null => Ok(0),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::float_cmp,
                reason = "only whole floats in range pass"
            )]
            Value::Float(value) if value.trunc() == *value && value.abs() < 9e15 => {
                Ok(*value as i64)
            }
            other => Err(place.mismatch(other, "int64")),
        }
    }
}

/// Anything, as it is.
impl Decode for Value {
    fn go_type() -> String {
        "interface {}".to_owned()
    }

    fn decode(value: &Value, _: &Place<'_>) -> Result<Self> {
        Ok(value.clone())
    }
}

impl<T: Decode> Decode for Option<T> {
    fn go_type() -> String {
        T::go_type()
    }

    fn decode(value: &Value, place: &Place<'_>) -> Result<Self> {
        if value.is_null() {
            Ok(None)
        } else {
            T::decode(value, place).map(Some)
        }
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn go_type() -> String {
        format!("[]{}", T::go_type())
    }

    fn decode(value: &Value, place: &Place<'_>) -> Result<Self> {
        match value {
            Value::Null => Ok(Vec::new()),
            Value::Sequence(items) => items.iter().map(|item| T::decode(item, place)).collect(),
            other => Err(place.mismatch(other, &Self::go_type())),
        }
    }
}

impl Decode for BTreeMap<String, String> {
    fn go_type() -> String {
        "map[string]string".to_owned()
    }

    fn decode(value: &Value, place: &Place<'_>) -> Result<Self> {
        match value {
            Value::Null => Ok(Self::new()),
            Value::Map(map) => map
                .iter()
                .map(|(key, value)| Ok((key.clone(), String::decode(value, place)?)))
                .collect(),
            other => Err(place.mismatch(other, &Self::go_type())),
        }
    }
}
