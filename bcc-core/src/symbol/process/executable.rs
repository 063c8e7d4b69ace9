//! What a process runs.

use std::os::unix::fs::MetadataExt;

/// A program, since when a process runs it, and where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Executable {
    device: u64,
    inode: u64,
    /// Start of the process, of its code and of its stack, which the kernel places anew even for a
    /// program that starts itself again.
    started: [u64; 3],
}

impl Executable {
    /// Of process `pid`; `None` when it has ended.
    pub(super) fn of(pid: i32) -> Option<Self> {
        let meta = std::fs::metadata(format!("/proc/{pid}/exe")).ok()?;
        // The program's name may hold anything.
        let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        let stat = String::from_utf8_lossy(&stat);
        // Field 3 follows the name.
        let fields: Vec<&str> = stat.rsplit(')').next()?.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse().ok();
        let started = [field(22)?, field(26)?, field(28)?];
        Some(Self { device: meta.dev(), inode: meta.ino(), started })
    }
}
