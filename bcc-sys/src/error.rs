//! A failed system call.

/// Which call failed, and with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{call} failed: {errno}")]
pub struct SysError {
    /// The call, with its command where it has one: `bpf(MAP_CREATE)`.
    pub call: &'static str,
    /// What the kernel answered.
    pub errno: nix::errno::Errno,
}

impl SysError {
    /// The calling thread's last error, as the failure of `call`.
    pub fn last(call: &'static str) -> Self {
        Self { call, errno: nix::errno::Errno::last() }
    }

    /// Whether the kernel lacks what was asked for: `EOPNOTSUPP`, or its own 524 (`ENOTSUPP`), which
    /// has no name in user space.
    pub fn is_unsupported(&self) -> bool {
        matches!(self.errno, nix::errno::Errno::EOPNOTSUPP | nix::errno::Errno::UnknownErrno)
    }
}
