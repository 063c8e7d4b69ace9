//! tc: `clsact` filters by netlink, and tcx links where the kernel has them.

use super::xdp::index_of;
use super::{AttachError, AttachKind, Attachment, Link};
use bcc_sys::SysError;
use bcc_sys::bpf::{AttachType, LinkCreate, LinkExtra, LinkTarget, link_create};
use bcc_sys::netlink::{Filter, Route};
use nix::errno::Errno;
use std::os::fd::BorrowedFd;

pub use bcc_sys::netlink::Direction;

/// Where a filter goes.
#[derive(Debug, Clone, Copy)]
pub struct TcOpts<'a> {
    /// Device.
    pub device: &'a str,
    /// Side.
    pub direction: Direction,
    /// Name that `tc filter show` prints.
    pub name: &'a str,
    /// Priority; 0 lets the kernel choose.
    pub priority: u16,
    /// Handle within the priority; 0 lets the kernel choose.
    pub handle: u32,
    /// Replace a filter of that priority and handle.
    pub replace: bool,
}

/// Adds a direct-action filter, making the device's `clsact` if it has none.
///
/// It stays after the link and the process are gone, until [`Link::detach`].
///
/// # Errors
/// `ENODEV`, `EEXIST` for a taken place.
pub fn attach(program: BorrowedFd<'_>, opts: &TcOpts<'_>) -> Result<Link, AttachError> {
    let fail = |error: SysError| AttachError::new(AttachKind::Tc, opts.device, error);
    let ifindex = index_of(opts.device).map_err(fail)?;
    let route = Route::open().map_err(fail)?;
    let made_clsact = match route.add_clsact(ifindex) {
        Ok(()) => true,
        Err(error) if error.errno == Errno::EEXIST => false,
        Err(error) => return Err(fail(error)),
    };
    let place =
        Filter { ifindex, direction: opts.direction, handle: opts.handle, priority: opts.priority };
    match route.add_filter(place, program, opts.name, opts.replace) {
        Ok(filter) => {
            Ok(Link::new(AttachKind::Tc, opts.device, Attachment::Tc { filter, made_clsact }))
        }
        Err(error) => {
            if made_clsact && let Err(left) = route.remove_clsact(ifindex) {
                log::warn!("clsact stays on {}: {left}", opts.device);
            }
            Err(fail(error))
        }
    }
}

/// Attaches by tcx link (since v6.6): ends with the link or the process.
///
/// # Errors
/// `EINVAL` on kernels without tcx, `ENODEV`.
pub fn attach_tcx(
    program: BorrowedFd<'_>,
    device: &str,
    direction: Direction,
) -> Result<Link, AttachError> {
    let fail = |error: SysError| AttachError::new(AttachKind::Tc, device, error);
    let request = LinkCreate {
        prog: program,
        target: LinkTarget::Ifindex(index_of(device).map_err(fail)?),
        attach_type: match direction {
            Direction::Ingress => AttachType::TCX_INGRESS,
            Direction::Egress => AttachType::TCX_EGRESS,
        },
        flags: 0,
        extra: LinkExtra::Order { relative: None, expected_revision: 0 },
    };
    let fd = link_create(&request).map_err(fail)?;
    Ok(Link::new(AttachKind::Tc, device, Attachment::BpfLink(fd)))
}
