//! Archives made to take much memory, archives that end early, and ordinary ones that look a little like them.

use crate::download::take_bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{Read, Write};
use tar::EntryType as Kind;
use tidegate_artifact::{Limits, UnpackError};

const MIB: u64 = 1 << 20;

type Tar = tar::Builder<GzEncoder<Vec<u8>>>;

fn archive(write: impl FnOnce(&mut Tar)) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    write(&mut tar);
    tar.into_inner().unwrap().finish().unwrap()
}

fn take(write: impl FnOnce(&mut Tar)) -> Result<Vec<String>, UnpackError> {
    take_bytes(archive(write), Limits::default())
}

fn header(kind: Kind, path: &str, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_size(size);
    header.set_cksum();
    header
}

fn file(tar: &mut Tar, path: &str, content: &[u8]) {
    let header = header(Kind::Regular, path, content.len() as u64);
    tar.append(&header, content).unwrap();
}

fn zeros(size: u64) -> impl Read {
    std::io::repeat(0).take(size)
}

/// The member of a kind that describes the one after it.
fn describing(tar: &mut Tar, kind: Kind, content: &[u8]) {
    let header = header(kind, "@", content.len() as u64);
    tar.append(&header, content).unwrap();
}

const DESCRIBING: [(Kind, &str); 4] = [
    (Kind::XHeader, "pax header"),
    (Kind::XGlobalHeader, "pax global header"),
    (Kind::GNULongName, "GNU long name"),
    (Kind::GNULongLink, "GNU long link target"),
];

#[test]
fn a_member_that_describes_another_is_small() {
    for (kind, name) in DESCRIBING {
        for size in [MIB + 1, 8 * MIB] {
            let refused = take(|tar| {
                tar.append(&header(kind, "@", size), zeros(size)).unwrap();
                file(tar, "x", b"x");
            });
            assert_eq!(
                refused.unwrap_err().to_string(),
                format!("archive has a {name} of more than 1048576 bytes")
            );
        }
        // What its header says counts, whether it is there or not, and in base 256 too.
        let refused = take(|tar| tar.append(&header(kind, "@", 1 << 40), &b""[..]).unwrap());
        assert!(
            matches!(refused, Err(UnpackError::ExtensionTooLarge { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn what_is_no_file_counts_as_well() {
    for kind in [Kind::Directory, Kind::Symlink, Kind::Regular] {
        let bomb = archive(|tar| {
            let zeros = zeros(40 * MIB);
            tar.append(&header(kind, "x", 40 * MIB), zeros).unwrap();
        });
        let refused = take_bytes(bomb.clone(), Limits::default());
        assert!(matches!(refused, Err(UnpackError::TooDense(200))));
        let limits = Limits {
            total_bytes: 20 * MIB,
            ..Limits::default()
        };
        let refused = take_bytes(bomb, limits);
        assert!(matches!(refused, Err(UnpackError::TooLarge(bytes)) if bytes == 20 * MIB));
    }
    // None of them is large.
    let many = take(|tar| {
        for _ in 0..40 {
            describing(tar, Kind::XGlobalHeader, &vec![0; 1 << 20]);
        }
    });
    assert!(matches!(many, Err(UnpackError::TooDense(200))), "{many:?}");
}

#[test]
fn nothing_hides_behind_a_size_that_two_places_tell() {
    let bomb = header(Kind::XHeader, "@", 8 * MIB);
    let mut inner = bomb.as_bytes().to_vec();
    inner.resize(1024, 0);
    // The pax record counts. Here it makes the bomb the file's content ...
    let taken = take(|tar| {
        describing(tar, Kind::XHeader, b"13 size=1024\n");
        tar.append(&header(Kind::Regular, "x", 0), inner.as_slice())
            .unwrap();
        file(tar, "y", b"y");
    });
    assert_eq!(taken.unwrap(), ["x", "y"]);
    // ... and here it makes the content a bomb.
    let refused = take(|tar| {
        describing(tar, Kind::XHeader, b"9 size=0\n");
        let size = 512 + 8 * MIB;
        let content = bomb.as_bytes().chain(zeros(8 * MIB));
        tar.append(&header(Kind::Regular, "x", size), content)
            .unwrap();
    });
    assert!(
        matches!(refused, Err(UnpackError::ExtensionTooLarge { .. })),
        "{refused:?}"
    );
    // The map of a sparse file is as long as it says itself.
    let refused = take(|tar| {
        let mut sparse = header(Kind::GNUSparse, "x", 0);
        sparse.as_gnu_mut().unwrap().set_is_extended(true);
        sparse.set_cksum();
        let map = [1; 512].repeat(1 << 12);
        tar.append(&sparse, map.as_slice()).unwrap();
    });
    assert!(matches!(refused, Err(UnpackError::Special(path)) if path == "x"));
}

#[test]
fn paths_take_little_memory() {
    let long = |tar: &mut Tar, path: &str| {
        describing(tar, Kind::GNULongName, path.as_bytes());
        file(tar, "x", b"x");
    };
    let deep = format!("{}x", "d/".repeat(255));
    assert_eq!(take(|tar| long(tar, &deep)).unwrap(), [deep.as_str()]);
    let refused = take(|tar| long(tar, &format!("d/{deep}"))).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "archive has a path of more than 256 parts"
    );
    for path in ["n".repeat(4097), "d/".repeat(1 << 18)] {
        let refused = take(|tar| long(tar, &path));
        assert!(matches!(refused, Err(UnpackError::PathTooLong(4096))));
    }
    // Each brings 250 directories with paths of 2000 bytes on average.
    let refused = take(|tar| {
        for first in 0..160 {
            long(tar, &format!("{first}/{}x", "directory-dddd/".repeat(250)));
        }
    });
    assert_eq!(
        refused.unwrap_err().to_string(),
        "paths in archive take more than 67108864 bytes"
    );
}

#[test]
fn an_archive_that_ends_early_is_named_so() {
    // Text that can't be packed well, so that the cuts fall into the content.
    let mut state = 1_u32;
    let content: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b' ' + u8::try_from(state >> 26).unwrap()
    })
    .take(10_000)
    .collect();
    let whole = archive(|tar| file(tar, "x", &content));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(whole.as_slice())
        .read_to_end(&mut unpacked)
        .unwrap();
    let packed = |bytes: &[u8]| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    };
    // The packed bytes cut, or the unpacked ones: in the header, the content, what fills it up.
    for cut in [0, 5, 30, 300, 5_000] {
        ends_early(whole[..cut].to_vec());
    }
    for cut in [100, 600, 5_000, 512 + 10_000] {
        ends_early(packed(&unpacked[..cut]));
    }
    let description = archive(|tar| describing(tar, Kind::GNULongName, &content));
    ends_early(description[..5_000].to_vec());
    // The blocks of zeros at the end may be missing: Go's reader takes that too.
    let bare = packed(&unpacked[..512 + 10_240]);
    assert_eq!(take_bytes(bare, Limits::default()).unwrap(), ["x"]);
}

fn ends_early(bytes: Vec<u8>) {
    let length = bytes.len();
    let refused = take_bytes(bytes, Limits::default()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "archive ends too early",
        "{length} bytes"
    );
}

#[test]
fn ordinary_archives_unpack() {
    let long = format!("long/{}/deep.yaml", "n".repeat(150));
    let described = format!("pax/{}", "p".repeat(200));
    let taken = take(|tar| {
        describing(
            tar,
            Kind::XGlobalHeader,
            b"52 comment=0123456789012345678901234567890123456789\n",
        );
        let mut regular = header(Kind::Regular, "", 3);
        tar.append_data(&mut regular, &long, &b"abc"[..]).unwrap();
        let mut link = header(Kind::Symlink, "", 0);
        let target = format!("{}/x", "t".repeat(150));
        tar.append_link(&mut link, "long/link", target).unwrap();
        tar.append_pax_extensions([("path", described.as_bytes()), ("mtime", b"1.5")])
            .unwrap();
        file(tar, "short", &[b'x'; 512]);
        describing(tar, Kind::XHeader, &{
            // As large as may be.
            let mut record = format!("{MIB} comment=").into_bytes();
            record.resize((1 << 20) - 1, b'c');
            record.push(b'\n');
            record
        });
        file(tar, "empty", b"");
        let mut binary = header(Kind::Regular, "binary", 0);
        binary.as_old_mut().size = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3];
        binary.set_cksum();
        tar.append(&binary, &b"abc"[..]).unwrap();
    });
    let mut wanted = ["binary", "empty", &long, &described];
    wanted.sort_unstable();
    assert_eq!(taken.unwrap(), wanted);
}
