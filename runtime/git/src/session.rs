//! One conversation with a server's `upload-pack`: handshake, list of references, fetches.

use crate::budget::Budget;
use crate::error::Failure;
use crate::http::{self, Capabilities};
use crate::limits::Limits;
use crate::objects::{Objects, is_large_object};
use crate::remote::Remote;
use crate::ssh;
use crate::wire::Wire;
use gix::ObjectId;
use gix::protocol::fetch::{
    Arguments, Context, Negotiate, Options, Response, Shallow, Tags, negotiate,
};
use gix::protocol::handshake::Ref;
use gix::protocol::ls_refs::RefPrefixes;
use gix::protocol::{Handshake, LsRefsCommand};
use gix_transport::client::blocking_io::Transport;
use gix_transport::{Protocol as Version, Service};
use std::num::NonZeroU32;

/// A reference as the server lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Advertised {
    pub(crate) name: String,
    /// What it points to: a tag object for annotated tags.
    pub(crate) id: ObjectId,
    /// What an annotated tag finally points to.
    pub(crate) peeled: Option<ObjectId>,
}

impl Advertised {
    /// The commit, for all tags of commits.
    pub(crate) fn target(&self) -> ObjectId {
        self.peeled.unwrap_or(self.id)
    }
}

/// Bytes of a list of references at most: two million of them.
const REFERENCES: u64 = 256 << 20;

/// Bytes around a pack at most: framing, and the server's progress.
const FRAMING: u64 = 64 << 20;

pub(crate) struct Session {
    transport: Box<dyn Transport>,
    handshake: Handshake,
    budget: Budget,
    wire: Wire,
    limits: Limits,
    remote: Remote,
    format: gix::hash::Kind,
    /// Nothing was asked in this conversation yet, and it began from memory.
    is_unproved: bool,
    /// The server has ended the conversation, as it does over SSH after a pack of the first protocol or a refusal.
    is_over: bool,
}

impl Session {
    /// Connects and says hello. The latter waits for the first question where the server's answer is remembered.
    pub(crate) fn open(remote: &Remote, limits: Limits, budget: &Budget) -> Result<Self, Failure> {
        Self::begin(remote, limits, budget, Capabilities::Remembered)
    }

    fn begin(
        remote: &Remote,
        limits: Limits,
        budget: &Budget,
        capabilities: Capabilities,
    ) -> Result<Self, Failure> {
        let wire = Wire::new(&remote.credentials, REFERENCES);
        let mut transport: Box<dyn Transport> = match remote.parsed.scheme() {
            "http" | "https" => Box::new(http::connect(remote, budget, &wire, capabilities)?),
            "ssh" => Box::new(ssh::connect(remote, budget, &wire)?),
            other => {
                return Err(Failure::Protocol(format!(
                    "scheme {other:?} is not supported"
                )));
            }
        };
        let handshake = gix::protocol::handshake(
            &mut transport,
            Service::UploadPack,
            |_| Ok(None),
            Vec::new(),
            &mut gix::progress::Discard,
        );
        let handshake = handshake.map_err(|error| failure(&wire, budget, &error))?;
        let format = handshake.capabilities.capability("object-format");
        let format = match format.and_then(|format| format.value().map(ToString::to_string)) {
            None => gix::hash::Kind::Sha1,
            Some(name) => name.parse().map_err(|_| Failure::ObjectFormat(name))?,
        };
        let is_unproved = wire.is_remembered();
        Ok(Self {
            transport,
            handshake,
            budget: budget.clone(),
            wire,
            limits,
            remote: remote.clone(),
            format,
            is_unproved,
            is_over: false,
        })
    }

    /// Asks; and where memory was wrong, begins again and asks then. So failures are those of a whole conversation.
    fn ask<T>(
        &mut self,
        mut question: impl FnMut(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if self.is_over {
            self.begin_again(Capabilities::Remembered)?;
        }
        let answer = question(self);
        match (std::mem::take(&mut self.is_unproved), &answer) {
            (true, Err(cause)) => {
                tracing::debug!(%cause, "the server is asked again what it can do");
                self.begin_again(Capabilities::Asked)?;
                question(self)
            }
            _ => answer,
        }
    }

    fn begin_again(&mut self, capabilities: Capabilities) -> Result<(), Failure> {
        *self = Self::begin(&self.remote, self.limits, &self.budget, capabilities)?;
        Ok(())
    }

    /// The references whose names begin with one of `prefixes`; all of them for none. Servers may list more.
    pub(crate) fn list(&mut self, prefixes: &[&str]) -> Result<Vec<Advertised>, Failure> {
        self.ask(|session| session.list_once(prefixes))
    }

    fn list_once(&mut self, prefixes: &[&str]) -> Result<Vec<Advertised>, Failure> {
        if let Some(refs) = &self.handshake.refs {
            let listed = refs.iter().cloned().filter_map(advertised).collect();
            return self.of_one_format(listed);
        }
        self.wire.allow(REFERENCES);
        let mut wanted = RefPrefixes::new();
        wanted.extend(prefixes.iter().map(|&prefix| prefix.into()));
        let wanted = (!prefixes.is_empty()).then_some(wanted);
        let command = LsRefsCommand::new(wanted, &self.handshake.capabilities, agent());
        let progress = &mut gix::progress::Discard;
        let listed = command.invoke_blocking(&mut self.transport, progress, false);
        let listed = listed.map_err(|error| failure(&self.wire, &self.budget, &error))?;
        self.of_one_format(listed.into_iter().filter_map(advertised).collect())
    }

    fn of_one_format(&self, listed: Vec<Advertised>) -> Result<Vec<Advertised>, Failure> {
        for advertised in &listed {
            self.check_format(advertised.id.kind())?;
            self.check_format(advertised.target().kind())?;
        }
        Ok(listed)
    }

    fn check_format(&self, object: gix::hash::Kind) -> Result<(), Failure> {
        if object == self.format {
            return Ok(());
        }
        Err(Failure::MixedFormats {
            repository: format_name(self.format),
            object: format_name(object),
        })
    }

    /// What objects are named by.
    pub(crate) fn format(&self) -> gix::hash::Kind {
        self.format
    }

    /// Whether the server can leave objects out.
    pub(crate) fn can_filter(&self) -> bool {
        let capabilities = &self.handshake.capabilities;
        capabilities.contains("filter")
            || capabilities
                .capability("fetch")
                .and_then(|fetch| fetch.supports("filter"))
                .unwrap_or_default()
    }

    /// Fetches a commit without its history.
    pub(crate) fn fetch_commit(
        &mut self,
        want: ObjectId,
        objects: &mut Objects,
    ) -> Result<(), Failure> {
        self.fetch_readable(&[want], NonZeroU32::new(1), objects)
    }

    /// Fetches commits with all their history.
    pub(crate) fn fetch_history(
        &mut self,
        wants: &[ObjectId],
        objects: &mut Objects,
    ) -> Result<(), Failure> {
        self.fetch_readable(wants, None, objects)
    }

    /// A pack with files over the limit is asked for again without them, where the server can leave them out: what is
    /// over the limit is then known by its path, and harms nobody who does not read it.
    fn fetch_readable(
        &mut self,
        wants: &[ObjectId],
        depth: Option<NonZeroU32>,
        objects: &mut Objects,
    ) -> Result<(), Failure> {
        let outcome = self.fetch(wants, depth, None, objects);
        match outcome {
            Err(failure) if is_large_object(&failure) && self.can_filter() => {}
            other => return other,
        }
        tracing::debug!("the pack holds files over the limit, and is asked for without them");
        // The server may still be sending.
        self.begin_again(Capabilities::Remembered)?;
        objects.is_filtered = true;
        let limit = self.limits.file_bytes.saturating_add(1);
        self.fetch(wants, depth, Some(&format!("blob:limit={limit}")), objects)
    }

    /// Fetches `wants` into `objects`: with all history, or only the last `depth` commits.
    pub(crate) fn fetch(
        &mut self,
        wants: &[ObjectId],
        depth: Option<NonZeroU32>,
        filter: Option<&str>,
        objects: &mut Objects,
    ) -> Result<(), Failure> {
        let fetched = self.ask(|session| session.fetch_once(wants, depth, filter, objects));
        let goes_on = fetched.is_ok() && self.handshake.server_protocol_version == Version::V2;
        self.is_over = self.remote.parsed.scheme() == "ssh" && !goes_on;
        fetched
    }

    fn fetch_once(
        &mut self,
        wants: &[ObjectId],
        depth: Option<NonZeroU32>,
        filter: Option<&str>,
        objects: &mut Objects,
    ) -> Result<(), Failure> {
        // Here, where memory is put right that has a repository in a format it no longer has.
        self.check_format(objects.format())?;
        for want in wants {
            self.check_format(want.kind())?;
        }
        self.wire
            .allow(self.limits.pack_bytes.saturating_add(FRAMING));
        let interrupt = self.budget.interrupt();
        let limits = self.limits;
        let mut refused = None;
        let shallow = depth.map_or(Shallow::NoChange, Shallow::DepthAtRemote);
        let outcome = gix::protocol::fetch(
            &mut Wants { ids: wants, filter },
            |pack, progress, stop| {
                objects
                    .receive(pack, progress, stop, &limits)
                    .map_err(|(failure, error)| {
                        refused = failure;
                        error
                    })?;
                Ok(true)
            },
            gix::progress::Discard,
            interrupt.flag(),
            Context {
                handshake: &mut self.handshake,
                transport: &mut self.transport,
                user_agent: agent(),
                trace_packetlines: false,
            },
            Options {
                shallow_file: objects.shallow_file(),
                shallow: &shallow,
                tags: Tags::None,
                reject_shallow_remote: false,
            },
        );
        match outcome {
            Ok(Some(_)) => objects.refresh(),
            Ok(None) => Err(Failure::Protocol("the server sent nothing".to_owned())),
            Err(error) => Err(refused.unwrap_or_else(|| failure(&self.wire, &self.budget, &error))),
        }
    }
}

/// The reason of a failed step: what the transport left, the end of the budget, or what gix says.
fn failure(wire: &Wire, budget: &Budget, error: &gix::Error) -> Failure {
    wire.take()
        .or_else(|| budget.check().err())
        .unwrap_or_else(|| wire.mask(Failure::protocol(error)))
}

/// As the protocol calls it.
fn format_name(format: gix::hash::Kind) -> &'static str {
    match format {
        gix::hash::Kind::Sha1 => "sha1",
        gix::hash::Kind::Sha256 => "sha256",
        _ => "other",
    }
}

fn agent() -> (&'static str, Option<String>) {
    (
        "agent",
        Some(concat!("tidegate/", env!("CARGO_PKG_VERSION")).into()),
    )
}

fn advertised(listed: Ref) -> Option<Advertised> {
    let (name, id, peeled) = match listed {
        Ref::Peeled {
            full_ref_name,
            tag,
            object,
        }
        | Ref::Symbolic {
            full_ref_name,
            tag: Some(tag),
            object,
            ..
        } => (full_ref_name, tag, Some(object)),
        Ref::Direct {
            full_ref_name,
            object,
        }
        | Ref::Symbolic {
            full_ref_name,
            tag: None,
            object,
            ..
        } => (full_ref_name, object, None),
        Ref::Unborn { .. } => return None,
    };
    Some(Advertised {
        name: String::from_utf8(name.into()).ok()?,
        id,
        peeled,
    })
}

/// A negotiation that has nothing to offer: every fetch starts from nothing.
struct Wants<'a> {
    ids: &'a [ObjectId],
    filter: Option<&'a str>,
}

impl Negotiate for Wants<'_> {
    fn mark_complete_and_common_ref(&mut self) -> Result<negotiate::Action, gix::Error> {
        Ok(negotiate::Action::MustNegotiate {
            remote_ref_target_known: Vec::new(),
        })
    }

    fn add_wants(&mut self, arguments: &mut Arguments, _known: &[bool]) -> bool {
        if let Some(filter) = self.filter.filter(|_| arguments.can_use_filter()) {
            arguments.filter(filter);
        }
        for id in self.ids {
            arguments.want(id);
        }
        !self.ids.is_empty()
    }

    fn one_round(
        &mut self,
        _state: &mut negotiate::one_round::State,
        _arguments: &mut Arguments,
        _previous: Option<&Response>,
    ) -> Result<(negotiate::Round, bool), gix::Error> {
        let round = negotiate::Round {
            haves_sent: 0,
            in_vain: 0,
            haves_to_send: 0,
            previous_response_had_at_least_one_in_common: false,
        };
        Ok((round, true))
    }
}
