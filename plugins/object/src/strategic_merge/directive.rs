//! The `$patch` field of patches.

use super::list::set_element;
use crate::Error;
use crate::tree::{Kind, Node, Tree};

const KEY: &str = "$patch";

pub(super) enum Directive {
    Merge,
    Replace,
    Delete,
}

impl Directive {
    fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "merge" => Ok(Self::Merge),
            "replace" => Ok(Self::Replace),
            "delete" => Ok(Self::Delete),
            _ => Err(Error::text(format!("unknown patch strategy '{text}'"))),
        }
    }
}

/// Reads the directive of a mapping or sequence and removes it. kyaml/yaml/merge2, `determineSmpDirective`.
pub(super) fn take(patch: &mut Node) -> Result<Directive, Error> {
    match patch.node_kind() {
        Kind::Mapping => {
            let Some(value) = patch.field(KEY) else {
                return Ok(Directive::Merge);
            };
            let directive = Directive::parse(value.value())?;
            patch.remove_field(KEY);
            Ok(directive)
        }
        Kind::Sequence => {
            let found = patch
                .items()
                .iter()
                .find_map(|item| Some((item.field(KEY)?, item.entries().len())));
            let Some((value, 1)) = found else {
                return Ok(Directive::Merge);
            };
            let value = value.value().to_owned();
            let directive = Directive::parse(&value)?;
            set_element(patch.list_mut(), None, &[KEY.to_owned()], &[value])?;
            Ok(directive)
        }
        Kind::Scalar => Err(Error::text(format!(
            "no implemented strategic merge patch strategy for '{}'",
            patch.tag
        ))),
    }
}
