//! A failed system call.

use nix::errno::Errno;

/// Which call failed, and with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{call} failed: {errno}")]
pub struct SysError {
    /// The call, with its command where it has one: `bpf(MAP_CREATE)`.
    pub call: &'static str,
    /// What the kernel answered.
    pub errno: Errno,
}

impl SysError {
    /// The calling thread's last error, as the failure of `call`. The kernel's own 524 (`ENOTSUPP`), which
    /// has no name in user space, is `EOPNOTSUPP`.
    pub fn last(call: &'static str) -> Self {
        const ENOTSUPP: i32 = 524;
        let errno = match Errno::last_raw() {
            ENOTSUPP => Errno::EOPNOTSUPP,
            raw => Errno::from_raw(raw),
        };
        Self { call, errno }
    }

    /// Whether the kernel lacks what was asked for.
    pub fn is_unsupported(&self) -> bool {
        self.errno == Errno::EOPNOTSUPP
    }
}
