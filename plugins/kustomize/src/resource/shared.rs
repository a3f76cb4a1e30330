//! Texts that are one node in several places.
//!
//! kustomize puts one and the same node for a label into `metadata.labels`, selectors and templates. When a later
//! step changes it in one of these places, it changes in all of them. Overlays that change a label of their base
//! show that, so it is kept up here.

use tidegate_object::{Node, Tree as _};

/// The texts of one object, by their numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct SharedTexts {
    values: Vec<String>,
}

impl SharedTexts {
    /// The number for a new text.
    pub(crate) fn add(&mut self, value: &str) -> usize {
        self.values.push(value.to_owned());
        self.values.len() - 1
    }

    /// Brings all places of a text to its newest value.
    pub(crate) fn settle(&mut self, node: &mut Node) {
        if self.values.is_empty() {
            return;
        }
        let mut newest = self.values.clone();
        self.collect(node, &mut newest);
        if newest != self.values {
            self.values = newest;
            self.spread(node);
        }
    }

    fn collect(&self, node: &Node, newest: &mut [String]) {
        if let Some(share) = node.share()
            && self
                .values
                .get(share)
                .is_some_and(|value| value != node.value())
            && let Some(value) = newest.get_mut(share)
        {
            node.value().clone_into(value);
        }
        for (_, value) in node.entries() {
            self.collect(value, newest);
        }
        for item in node.items() {
            self.collect(item, newest);
        }
    }

    fn spread(&self, node: &mut Node) {
        if let Some(value) = node.share().and_then(|share| self.values.get(share))
            && node.is_scalar()
        {
            node.kind = tidegate_yaml::Kind::Scalar(value.clone());
        }
        if node.is_mapping() {
            for (_, value) in node.fields_mut() {
                self.spread(value);
            }
        } else if node.is_sequence() {
            for item in node.list_mut() {
                self.spread(item);
            }
        }
    }
}
