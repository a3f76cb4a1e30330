use crate::digest::ArchiveDigest;
use crate::tree::File;
use std::fmt::Write as _;
use tidegate_values::TreeIndex;

/// First line of a listing; the number changes with the format, and older listings are then made anew.
const HEADER: &str = "tidegate listing 1";

/// The text of a listing: records that end in NUL, as paths may hold any other character. The last one tells that
/// nothing is missing.
pub(super) fn write(archive: &ArchiveDigest, index: &TreeIndex<File>) -> String {
    let mut text = format!("{HEADER}\0{archive}\0");
    for directory in index.directories() {
        let _ = write!(text, "d {directory}\0");
    }
    for (path, file) in index.files() {
        let mode = if file.executable { 'x' } else { 'f' };
        let _ = write!(text, "{mode} {} {} {path}\0", file.digest.hex(), file.size);
    }
    text.push_str("end\0");
    text
}

/// Reads what `write` wrote. `None` for anything else, another version's listing included.
pub(super) fn read(text: &str) -> Option<(ArchiveDigest, TreeIndex<File>)> {
    let mut records = text.strip_suffix("end\0")?.strip_suffix('\0')?.split('\0');
    if records.next()? != HEADER {
        return None;
    }
    let archive = records.next()?.parse().ok()?;
    let mut index = TreeIndex::new();
    for record in records {
        let (mode, rest) = record.split_once(' ')?;
        if mode == "d" {
            index.insert_directory(rest).ok()?;
            continue;
        }
        let mut fields = rest.splitn(3, ' ');
        let digest = format!("sha256:{}", fields.next()?).parse().ok()?;
        let size = fields.next()?.parse().ok()?;
        let executable = match mode {
            "x" => true,
            "f" => false,
            _ => return None,
        };
        index
            .insert(
                fields.next()?,
                File {
                    digest,
                    size,
                    executable,
                },
            )
            .ok()?;
    }
    Some((archive, index))
}
