//! Events: the text as a walk over its tree.

use crate::scanner::token::{Mark, ScalarStyle};

/// Comments gathered for one event.
#[derive(Debug, Default)]
pub(crate) struct EventComments {
    pub(crate) head: String,
    pub(crate) line: String,
    pub(crate) foot: String,
}

/// Anchor and tag before a node. The tag is in its long form.
#[derive(Debug, Default)]
pub(crate) struct Properties {
    pub(crate) anchor: Option<String>,
    pub(crate) tag: String,
}

#[derive(Debug)]
pub(crate) enum EventKind {
    StreamStart,
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias(String),
    Scalar {
        properties: Properties,
        value: String,
        style: ScalarStyle,
    },
    SequenceStart {
        properties: Properties,
        is_flow: bool,
    },
    SequenceEnd,
    MappingStart {
        properties: Properties,
        is_flow: bool,
    },
    MappingEnd,
}

#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) kind: EventKind,
    pub(crate) start: Mark,
    pub(crate) comments: EventComments,
}

impl Event {
    pub(super) fn new(kind: EventKind, start: Mark) -> Self {
        Self {
            kind,
            start,
            comments: EventComments::default(),
        }
    }
}
