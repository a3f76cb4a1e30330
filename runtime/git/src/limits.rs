/// What is fetched from a repository at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one pack.
    pub pack_bytes: u64,
    /// Objects in one pack.
    pub objects: u32,
    /// Bytes of one file. It is what an object takes in memory: one that is larger is never inflated. A larger file is
    /// in the tree, and can't be read.
    pub file_bytes: u64,
    /// Bytes of all files of the tree together.
    pub total_bytes: u64,
    /// Files and directories of the tree.
    pub entries: usize,
    /// Submodules in submodules (go-git's `DefaultSubmoduleRecursionDepth`).
    pub submodule_depth: usize,
}

impl Default for Limits {
    /// 2 GiB and 20 million objects per pack; 128 MiB per file, 4 GiB and 500 000 entries per tree; ten submodules deep.
    /// GitHub and GitLab take files of 100 MiB at most.
    fn default() -> Self {
        Self {
            pack_bytes: 2 << 30,
            objects: 20_000_000,
            file_bytes: 128 << 20,
            total_bytes: 4 << 30,
            entries: 500_000,
            submodule_depth: 10,
        }
    }
}
