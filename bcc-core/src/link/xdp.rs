//! XDP hooks of network devices.

use super::{AttachError, AttachKind, Attachment, Link, Problem, keep};
use bcc_sys::SysError;
use bcc_sys::bpf::{AttachType, LinkCreate, LinkExtra, LinkTarget, link_create};
use bcc_sys::netlink::Route;
use nix::errno::Errno;
use std::os::fd::BorrowedFd;

/// `XDP_FLAGS_UPDATE_IF_NOEXIST`.
pub const UPDATE_IF_NOEXIST: u32 = 1;
/// `XDP_FLAGS_SKB_MODE`: generic, any driver.
pub const SKB_MODE: u32 = 1 << 1;
/// `XDP_FLAGS_DRV_MODE`: native.
pub const DRV_MODE: u32 = 1 << 2;
/// `XDP_FLAGS_HW_MODE`: offloaded.
pub const HW_MODE: u32 = 1 << 3;

const MODES: [(u32, &str); 3] = [
    (SKB_MODE, "XDP_FLAGS_SKB_MODE"),
    (DRV_MODE, "XDP_FLAGS_DRV_MODE"),
    (HW_MODE, "XDP_FLAGS_HW_MODE"),
];

/// An error about a device, with the mode that was asked for.
fn refused(device: &str, flags: u32, problem: impl Into<Problem>) -> AttachError {
    let asked = MODES.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, name)| *name);
    let modes = asked.collect::<Vec<_>>().join(" and ");
    let target = if modes.is_empty() { device.to_owned() } else { format!("{device} in {modes}") };
    let mut error = AttachError::new(AttachKind::Xdp, target, problem);
    let no_offload = matches!(error.errno(), Some(Errno::EINVAL | Errno::EOPNOTSUPP));
    if flags & HW_MODE != 0 && no_offload && matches!(error.problem, Problem::Sys(_)) {
        let hint =
            "the device cannot run programs in hardware: try XDP_FLAGS_DRV_MODE or _SKB_MODE";
        error.hint = Some(hint.into());
    }
    error
}

/// # Errors
/// When more than one mode is asked for.
fn check(device: &str, flags: u32) -> Result<(), AttachError> {
    if (flags & (SKB_MODE | DRV_MODE | HW_MODE)).count_ones() > 1 {
        return Err(refused(device, flags, Problem::Invalid("only one mode can be asked for")));
    }
    Ok(())
}

/// Index of a network device in the calling thread's namespace.
pub(super) fn index_of(device: &str) -> Result<u32, SysError> {
    nix::net::if_::if_nametoindex(device)
        .map_err(|errno| SysError { call: "if_nametoindex", errno })
}

/// Attaches by netlink, as upstream: the program stays after the link and the process are gone,
/// until [`Link::detach`] or [`remove`].
///
/// # Errors
/// `ENODEV`, `EBUSY` when another is there and [`UPDATE_IF_NOEXIST`] is set, `EOPNOTSUPP` and `EINVAL` for
/// a mode that the driver has not, [`Problem::Invalid`] for several modes.
pub fn attach(program: BorrowedFd<'_>, device: &str, flags: u32) -> Result<Link, AttachError> {
    let kind = AttachKind::Xdp;
    let fail = |error: SysError| refused(device, flags, error);
    check(device, flags)?;
    let ifindex = index_of(device).map_err(fail)?;
    let kept = keep(program, kind, device)?;
    Route::open()
        .and_then(|route| route.set_xdp(ifindex, Some(program), flags, None))
        .map_err(fail)?;
    Ok(Link::new(kind, device, Attachment::Xdp { ifindex, flags, program: kept }))
}

/// Attaches by `bpf_link` (since v5.9): ends with the link or the process.
///
/// # Errors
/// As [`attach`].
pub fn attach_link(program: BorrowedFd<'_>, device: &str, flags: u32) -> Result<Link, AttachError> {
    let fail = |error: SysError| refused(device, flags, error);
    check(device, flags)?;
    let request = LinkCreate {
        prog: program,
        target: LinkTarget::Ifindex(index_of(device).map_err(fail)?),
        attach_type: AttachType::XDP,
        flags,
        extra: LinkExtra::None,
    };
    let fd = link_create(&request).map_err(fail)?;
    Ok(Link::new(AttachKind::Xdp, device, Attachment::BpfLink(fd)))
}

/// Removes whatever XDP program netlink put on the device.
///
/// # Errors
/// `ENODEV`, `EBUSY` when a `bpf_link` holds the hook.
pub fn remove(device: &str, flags: u32) -> Result<(), AttachError> {
    check(device, flags)?;
    index_of(device)
        .and_then(|ifindex| Route::open()?.set_xdp(ifindex, None, flags, None))
        .map_err(|error| refused(device, flags, error).while_detaching())
}

/// Removes our program if it still is the one on the device.
pub(super) fn remove_ours(
    ifindex: u32,
    flags: u32,
    program: BorrowedFd<'_>,
) -> Result<(), SysError> {
    let route = Route::open()?;
    let flags = flags & !UPDATE_IF_NOEXIST;
    match route.set_xdp(ifindex, None, flags, Some(program)) {
        // Before v5.7 the kernel knows no expected program.
        Err(error) if error.errno == Errno::EINVAL => route.set_xdp(ifindex, None, flags, None),
        other => other,
    }
}
