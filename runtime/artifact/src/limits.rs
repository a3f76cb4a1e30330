/// What an archive from elsewhere may hold at most. Ours are made from trees that were bounded before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the archive as it comes.
    pub archive_bytes: u64,
    /// Bytes of the archive unpacked: files, headers and what fills them up.
    pub total_bytes: u64,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Files and directories.
    pub entries: u64,
    /// Bytes of one path.
    pub path_bytes: usize,
    /// Names in one path. Trees are walked by recursion.
    pub path_parts: usize,
    /// Bytes of the paths of all files and directories, those that only stand in other paths included: listings of
    /// trees are held in memory.
    pub paths_bytes: usize,
    /// Bytes unpacked per byte of the archive as it comes, judged once 16 MiB are unpacked.
    pub ratio: u64,
}

impl Default for Limits {
    /// 1 GiB packed, 4 GiB unpacked, 512 MiB per file, 500 000 entries, 200 to 1. Paths of 4096 bytes, as
    /// in Linux, where Flux unpacks archives to the disk; of 256 parts; of 64 MiB together.
    fn default() -> Self {
        Self {
            archive_bytes: 1 << 30,
            total_bytes: 4 << 30,
            file_bytes: 512 << 20,
            entries: 500_000,
            path_bytes: 4096,
            path_parts: 256,
            paths_bytes: 64 << 20,
            ratio: 200,
        }
    }
}
