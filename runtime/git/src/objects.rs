//! The objects of a fetch, in a scratch folder.

use crate::error::Failure;
use crate::limits::Limits;
use crate::scratch::ScratchFolder;
use gix::ObjectId;
use gix::objs::{Find as _, FindHeader as _};
use gix::odb::pack::bundle::write::Options;
use std::io::{self, BufRead, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What gix says when an object exceeds the allocation limit.
const ENTRY_TOO_LARGE: &str = "Entry too large to fit in memory";

/// [`Failure::TooLarge::what`] of an object over [`Limits::file_bytes`].
const FILE: &str = "bytes in a file";

/// Packs, and the folder they are in, which goes when nobody needs it any more.
pub(crate) struct Objects {
    handle: gix::odb::Handle,
    folder: Arc<ScratchFolder>,
    format: gix::hash::Kind,
    /// Whether the server was asked to leave out files that are too large.
    pub(crate) is_filtered: bool,
}

/// An object's content.
pub(crate) struct Object {
    pub(crate) kind: gix::objs::Kind,
    pub(crate) data: Vec<u8>,
}

impl Objects {
    /// An empty database below `scratch`, or the system's folder for such things, of objects named by `format`.
    pub(crate) fn new(
        scratch: Option<&std::path::Path>,
        format: gix::hash::Kind,
    ) -> Result<Self, Failure> {
        let folder = match scratch {
            Some(scratch) => ScratchFolder::new(scratch)?,
            None => ScratchFolder::new(&std::env::temp_dir())?,
        };
        std::fs::create_dir_all(folder.path().join("objects/pack"))?;
        let handle = open(folder.path(), format)?;
        Ok(Self {
            handle,
            folder: Arc::new(folder),
            format,
            is_filtered: false,
        })
    }

    /// What objects are named by.
    pub(crate) fn format(&self) -> gix::hash::Kind {
        self.format
    }

    /// Where the protocol notes which commits have no parents here.
    pub(crate) fn shallow_file(&self) -> PathBuf {
        self.folder.path().join("shallow")
    }

    /// Writes a pack as it comes, with its index. The first part of an error is set when we refused the pack.
    pub(crate) fn receive(
        &self,
        pack: &mut dyn BufRead,
        progress: &mut dyn gix::DynNestedProgress,
        stop: &AtomicBool,
        limits: &Limits,
    ) -> Result<(), (Option<Failure>, gix::Error)> {
        let mut bounded = Bounded {
            inner: pack,
            seen: 0,
            header: Vec::with_capacity(12),
            limits,
            refused: None,
        };
        let options = Options {
            thread_limit: Some(2),
            alloc_limit_bytes: usize::try_from(limits.file_bytes).ok(),
            ..Options::default()
        };
        let written = gix::odb::pack::Bundle::write_to_directory(
            &mut bounded,
            Some(&self.folder.path().join("objects/pack")),
            progress,
            stop,
            None::<gix::objs::find::Never>,
            self.format,
            options,
        );
        written.map(|_| ()).map_err(|error| {
            // gix has no type for running into its allocation limit.
            let too_large = |text: String| text.contains(ENTRY_TOO_LARGE);
            let entry = error
                .iter_errors()
                .any(|cause| too_large(cause.to_string()));
            let limit = limits.file_bytes;
            let entry = entry.then_some(Failure::TooLarge { what: FILE, limit });
            (bounded.refused.take().or(entry), error)
        })
    }

    /// Sees the packs that came.
    pub(crate) fn refresh(&mut self) -> Result<(), Failure> {
        self.handle = open(self.folder.path(), self.format)?;
        Ok(())
    }

    /// Nothing has a name of another format; gix must not be asked for it.
    pub(crate) fn find(&self, id: &ObjectId) -> Result<Option<Object>, Failure> {
        if id.kind() != self.format {
            return Ok(None);
        }
        let mut data = Vec::new();
        let kind = match self.handle.try_find(id, &mut data) {
            Ok(found) => found.map(|found| found.kind),
            Err(error) => return Err(Failure::protocol(&error)),
        };
        Ok(kind.map(|kind| Object { kind, data }))
    }

    /// Adds an object.
    #[cfg(test)]
    pub(crate) fn keep(&self, kind: gix::objs::Kind, content: &[u8]) -> ObjectId {
        use gix::objs::Write as _;
        self.handle.write_buf(kind, content).unwrap()
    }

    /// Kind and size without the content.
    pub(crate) fn header(&self, id: &ObjectId) -> Result<Option<(gix::objs::Kind, u64)>, Failure> {
        if id.kind() != self.format {
            return Ok(None);
        }
        let header = self
            .handle
            .try_header(id)
            .map_err(|error| Failure::protocol(&error))?;
        Ok(header.map(|header| (header.kind, header.size)))
    }
}

/// Whether an object of the pack was over [`Limits::file_bytes`].
pub(crate) fn is_large_object(failure: &Failure) -> bool {
    matches!(failure, Failure::TooLarge { what: FILE, .. })
}

fn open(folder: &std::path::Path, format: gix::hash::Kind) -> Result<gix::odb::Handle, Failure> {
    Ok(gix::odb::at(folder.join("objects"), format)?)
}

/// Refuses packs that are too large, as soon as it shows.
struct Bounded<'a> {
    inner: &'a mut dyn BufRead,
    seen: u64,
    /// The first twelve bytes: signature, version, number of objects.
    header: Vec<u8>,
    limits: &'a Limits,
    refused: Option<Failure>,
}

impl Bounded<'_> {
    fn refuse(&mut self, what: &'static str, limit: u64) -> io::Error {
        let failure = Failure::TooLarge { what, limit };
        let error = io::Error::other(failure.to_string());
        self.refused = Some(failure);
        error
    }
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Bounded<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.seen > self.limits.pack_bytes {
            return Err(self.refuse("bytes in a pack", self.limits.pack_bytes));
        }
        if let Some(&[_, _, _, _, _, _, _, _, a, b, c, d]) = self.header.first_chunk::<12>()
            && u32::from_be_bytes([a, b, c, d]) > self.limits.objects
        {
            return Err(self.refuse("objects", self.limits.objects.into()));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if self.header.len() < 12
            && let Ok(available) = self.inner.fill_buf()
        {
            let wanted = (12 - self.header.len()).min(amount).min(available.len());
            self.header.extend_from_slice(&available[..wanted]);
        }
        self.seen += amount as u64;
        self.inner.consume(amount);
    }
}
