//! A program on an open perf event: as a `bpf_link` where the kernel has that, else by ioctl.

use bcc_sys::SysError;
use bcc_sys::bpf::{AttachType, LinkCreate, LinkExtra, LinkTarget, link_create};
use bcc_sys::perf;
use nix::errno::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Puts `program` on `event`, starts it, and returns the descriptor that keeps both.
///
/// A link (since v5.15) holds the event by itself; without links the event's descriptor does.
pub(super) fn run_on(
    event: OwnedFd,
    program: BorrowedFd<'_>,
    cookie: u64,
) -> Result<OwnedFd, SysError> {
    let request = LinkCreate {
        prog: program,
        target: LinkTarget::Fd(event.as_fd()),
        attach_type: AttachType::PERF_EVENT,
        flags: 0,
        extra: LinkExtra::PerfEvent { cookie },
    };
    match link_create(&request) {
        Ok(link) => {
            perf::enable(event.as_fd())?;
            Ok(link)
        }
        // Without links the command or the attach type is invalid. A program that does not go
        // with the event is refused by the ioctl as well, which then tells why.
        Err(error) if cookie == 0 && matches!(error.errno, Errno::EINVAL | Errno::E2BIG) => {
            perf::set_bpf(event.as_fd(), program)?;
            perf::enable(event.as_fd())?;
            Ok(event)
        }
        Err(error) => Err(error),
    }
}
