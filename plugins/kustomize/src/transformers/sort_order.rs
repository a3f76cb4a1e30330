//! The order of the result.

use tidegate_object::{LegacyKey, ORDER_FIRST, ORDER_LAST};

use crate::Error;
use crate::error::Result;
use crate::kustomization::SortOptions;
use crate::resource_set::ResourceSet;

/// Obeys `sortOptions`. kustomize: SortOrderTransformer.
pub(crate) fn sort(set: &mut ResourceSet, options: &SortOptions) -> Result<()> {
    match (options.order.as_str(), &options.legacy) {
        ("fifo", None) => Ok(()),
        ("fifo", Some(_)) => Err(Error::text(
            "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'",
        )),
        ("legacy", None) => sort_legacy(set, ORDER_FIRST, ORDER_LAST),
        ("legacy", Some(legacy)) => sort_legacy(set, &legacy.order_first, &legacy.order_last),
        _ => Err(Error::text(
            "the field 'sortOptions.order' must be one of [fifo, legacy]",
        )),
    }
}

/// Sorts by rank of kind, then by type, namespace and name.
pub(crate) fn sort_legacy<S: AsRef<str>>(
    set: &mut ResourceSet,
    first: &[S],
    last: &[S],
) -> Result<()> {
    let resources = std::mem::take(set).into_resources();
    let mut keyed: Vec<_> = resources
        .into_iter()
        .map(|resource| {
            (
                LegacyKey::new(&resource.current_id(), first, last),
                resource,
            )
        })
        .collect();
    keyed.sort_by(|(a, _), (b, _)| a.compare(b));
    set.append_all(keyed.into_iter().map(|(_, resource)| resource))
        .map_err(|error| error.wrap("SortOrderTransformer: Failed to append to resources"))
}
