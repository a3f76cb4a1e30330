use super::UnpackError;
use crate::limits::Limits;
use flate2::read::MultiGzDecoder;
use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// Unpacked bytes before which the ratio is not judged: small archives of zeros are no attack.
const RATIO_FROM: u64 = 16 << 20;

/// Bytes of one extension member; the library that reads the archive holds all of it in memory.
/// Flux takes as much (Go `archive/tar`, `maxSpecialFileSize`).
const EXTENSION_BYTES: u64 = 1 << 20;

/// Bytes of a header, and what every member is filled up to.
const BLOCK: usize = 512;

/// An unpacked archive on its way to the library that reads it, refused before the library holds too much of it.
///
/// The members are followed from header to header. Headers and extension members (pax, GNU long names) pass; after
/// the header of any other member, nothing more does until [`Follower::entry`] tells how long the library takes it
/// to be. So both always agree on where the next header stands, whatever pax records say about sizes.
///
/// Each error of a read carries an [`UnpackError`].
pub(super) struct Members<R> {
    unpacked: MultiGzDecoder<Counting<R>>,
    limits: Limits,
    header: [u8; BLOCK],
    follower: Rc<Follower>,
}

/// The side of [`Members`] that its owner keeps while the library has the other.
pub(super) struct Follower {
    position: Cell<Position>,
    /// Bytes unpacked so far.
    bytes: Cell<u64>,
    total_bytes: u64,
}

#[derive(Clone, Copy)]
enum Position {
    /// In a header, so many bytes of it read.
    Header(usize),
    /// In a member with so many bytes to come, those that fill it up included.
    Body(u64),
    /// After the header of an entry that the library has not given out yet.
    Entry,
}

impl Follower {
    /// The library has given out an entry of `size` bytes.
    pub(super) fn entry(&self, size: u64) -> Result<(), UnpackError> {
        let too_large = UnpackError::TooLarge(self.total_bytes);
        match (body(size), self.bytes.get().checked_add(size)) {
            (Some(body), Some(bytes)) if bytes <= self.total_bytes => {
                self.position.set(body);
                Ok(())
            }
            _ => Err(too_large),
        }
    }
}

impl<R: Read> Members<R> {
    /// Unpacks `archive`, a `tar.gz`.
    pub(super) fn new(archive: R, limits: &Limits) -> (Self, Rc<Follower>) {
        let follower = Rc::new(Follower {
            position: Cell::new(Position::Header(0)),
            bytes: Cell::new(0),
            total_bytes: limits.total_bytes,
        });
        let members = Self {
            unpacked: MultiGzDecoder::new(Counting {
                inner: archive,
                count: 0,
            }),
            limits: *limits,
            header: [0; BLOCK],
            follower: follower.clone(),
        };
        (members, follower)
    }

    fn next(&mut self, buffer: &mut [u8]) -> Result<usize, UnpackError> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let (position, count) = match self.follower.position.get() {
            Position::Header(read) => {
                let wanted = buffer.len().min(BLOCK - read);
                let count = self.unpack(&mut buffer[..wanted])?;
                if count == 0 && read > 0 {
                    return Err(UnpackError::EndsEarly);
                }
                let end = read + count;
                self.header[read..end].copy_from_slice(&buffer[..count]);
                let position = if end < BLOCK {
                    Position::Header(end)
                } else {
                    self.after_header()?
                };
                (position, count)
            }
            Position::Body(left) => {
                let wanted =
                    usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
                match self.unpack(&mut buffer[..wanted])? {
                    0 => return Err(UnpackError::EndsEarly),
                    count if count as u64 == left => (Position::Header(0), count),
                    count => (Position::Body(left - count as u64), count),
                }
            }
            // Only for the map of a sparse file, of any length, the library reads on here.
            Position::Entry => {
                let name = tar::Header::from_byte_slice(&self.header).path_bytes();
                return Err(UnpackError::Special(
                    String::from_utf8_lossy(&name).into_owned(),
                ));
            }
        };
        self.follower.position.set(position);
        Ok(count)
    }

    /// What stands after the header just read.
    fn after_header(&self) -> Result<Position, UnpackError> {
        if self.header.iter().all(|byte| *byte == 0) {
            return Ok(Position::Header(0));
        }
        let header = tar::Header::from_byte_slice(&self.header);
        let kind = match header.entry_type() {
            tar::EntryType::XHeader => "pax header",
            tar::EntryType::XGlobalHeader => "pax global header",
            tar::EntryType::GNULongName => "GNU long name",
            tar::EntryType::GNULongLink => "GNU long link target",
            _ => return Ok(Position::Entry),
        };
        let size = header.entry_size().map_err(UnpackError::Malformed)?;
        if size > EXTENSION_BYTES {
            return Err(UnpackError::ExtensionTooLarge {
                kind,
                limit: EXTENSION_BYTES,
            });
        }
        // The library gives out global headers, and extensions of unknown dialects, as entries.
        let kept = !header.entry_type().is_pax_global_extensions()
            && (header.as_gnu().is_some() || header.as_ustar().is_some());
        Ok(if kept {
            body(size).unwrap_or(Position::Entry)
        } else {
            Position::Entry
        })
    }

    /// Unpacks up to the length of `buffer`, within the limits for the whole archive.
    fn unpack(&mut self, buffer: &mut [u8]) -> Result<usize, UnpackError> {
        let count = loop {
            match self.unpacked.read(buffer) {
                Ok(count) => break count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(UnpackError::EndsEarly);
                }
                Err(error) => return Err(UnpackError::Malformed(error)),
            }
        };
        let bytes = self.follower.bytes.get().saturating_add(count as u64);
        self.follower.bytes.set(bytes);
        if bytes > self.limits.total_bytes {
            return Err(UnpackError::TooLarge(self.limits.total_bytes));
        }
        let packed = self.unpacked.get_ref().count;
        if bytes > RATIO_FROM && bytes / self.limits.ratio.max(1) > packed {
            return Err(UnpackError::TooDense(self.limits.ratio));
        }
        Ok(count)
    }
}

impl<R: Read> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.next(buffer).map_err(io::Error::other)
    }
}

/// Where a reader stands before a member's `size` bytes; `None` when they can't be counted.
fn body(size: u64) -> Option<Position> {
    match size.checked_next_multiple_of(BLOCK as u64)? {
        0 => Some(Position::Header(0)),
        filled => Some(Position::Body(filled)),
    }
}

struct Counting<R> {
    inner: R,
    count: u64,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count += count as u64;
        Ok(count)
    }
}
