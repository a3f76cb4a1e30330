/// What an archive from elsewhere may hold at most. Ours are made from trees that were bounded before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the archive as it comes.
    pub archive_bytes: u64,
    /// Bytes of all files together.
    pub total_bytes: u64,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Files and directories.
    pub entries: u64,
    /// Unpacked bytes per archive byte, judged once 16 MiB are unpacked.
    pub ratio: u64,
}

impl Default for Limits {
    /// 1 GiB packed, 4 GiB unpacked, 512 MiB per file, 500 000 entries, 200 to 1.
    fn default() -> Self {
        Self {
            archive_bytes: 1 << 30,
            total_bytes: 4 << 30,
            file_bytes: 512 << 20,
            entries: 500_000,
            ratio: 200,
        }
    }
}
