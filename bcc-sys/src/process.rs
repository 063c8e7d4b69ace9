//! Descriptors of processes.

use crate::SysError;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// A descriptor of process `pid`, the key of its entry in a task storage map.
///
/// # Errors
/// `ESRCH` for a missing process.
///
/// # Kernel support
/// 5.3.
pub fn pidfd_open(pid: i32) -> Result<OwnedFd, SysError> {
    // SAFETY: pidfd_open(2) touches no memory.
    let ret = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    match RawFd::try_from(ret) {
        // SAFETY: the kernel has just made this descriptor for us; nobody else owns it.
        Ok(fd @ 0..) => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(SysError::last("pidfd_open")),
    }
}
