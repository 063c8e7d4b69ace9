//! Hooks of interfaces, sockets, cgroups and network namespaces.

use crate::error::{attach_failed, attach_refused};
use crate::link::{Link, borrow};
use bcc_core::link::tc::{self, Direction, TcOpts};
use bcc_core::link::{self, netfilter, socket, xdp};
use bcc_sys::bpf::{AttachType, object};
use nix::errno::Errno;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::collections::HashMap;
use std::os::fd::{IntoRawFd, RawFd};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// Links by program, target and type.
type Links = HashMap<(RawFd, RawFd, u32), link::Link>;

/// Those that stand in for `prog_attach` where the kernel has no other way.
static LINKED: LazyLock<Mutex<Links>> = LazyLock::new(Mutex::default);

/// Attaches a loaded program to the object behind `target_fd`; it stays until `prog_detach` (what the
/// kernel only attaches by link, as `SK_LOOKUP`, at most until the process ends).
#[pyfunction]
pub(crate) fn prog_attach(
    fd: RawFd,
    target_fd: RawFd,
    attach_type: u32,
    flags: u32,
) -> PyResult<()> {
    let (program, target, kind) = (borrow(fd)?, borrow(target_fd)?, AttachType(attach_type));
    let text = || format!("Failed to attach prog function with attach_type {attach_type}");
    match object::prog_attach(program, target, kind, flags, None) {
        Ok(()) => Ok(()),
        Err(error) if error.errno == Errno::EINVAL && kind == AttachType::SK_LOOKUP => {
            let made = link::prog_attach::attach_link(program, target, kind)
                .map_err(|error| attach_failed(&text(), &error))?;
            linked().insert((fd, target_fd, attach_type), made);
            Ok(())
        }
        Err(error) => Err(attach_refused(&text(), error)),
    }
}

fn linked() -> MutexGuard<'static, Links> {
    LINKED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Undoes `prog_attach`.
#[pyfunction]
pub(crate) fn prog_detach(fd: RawFd, target_fd: RawFd, attach_type: u32) -> PyResult<()> {
    let link = linked().remove(&(fd, target_fd, attach_type));
    if let Some(link) = link {
        return link
            .detach()
            .map_err(|error| attach_failed("Failed to detach prog function", &error));
    }
    link::prog_attach::detach(borrow(fd)?, borrow(target_fd)?, AttachType(attach_type))
        .map_err(|error| attach_failed("Failed to detach prog function", &error))
}

/// A non-blocking packet socket on interface `device` (all when empty) with the filter; its fd is the
/// caller's to close.
#[pyfunction]
pub(crate) fn open_raw_socket(device: &[u8], fd: RawFd) -> PyResult<RawFd> {
    let device = String::from_utf8_lossy(device).into_owned();
    let text = || format!("Failed to open raw device {device}");
    let link = socket::attach(borrow(fd)?, &device).map_err(|e| attach_failed(&text(), &e))?;
    link.into_fd().map(IntoRawFd::into_raw_fd).map_err(|link| {
        crate::error::AttachError::new_err(format!("{}: {} has no socket", text(), link.target()))
    })
}

/// Puts an XDP program on an interface, or takes it off (`fd` -1).
#[pyfunction]
pub(crate) fn attach_xdp(device: &[u8], fd: RawFd, flags: u32) -> PyResult<()> {
    let device = String::from_utf8_lossy(device).into_owned();
    let done = if fd < 0 {
        xdp::remove(&device, flags)
    } else {
        // It outlives the link on purpose: only `remove_xdp` takes it off.
        xdp::attach(borrow(fd)?, &device, flags).map(drop)
    };
    done.map_err(|error| {
        let text = match error.errno() {
            Some(Errno::EBADMSG) => {
                "Internal error while attaching BPF to device, try increasing the debug level!"
                    .to_owned()
            }
            _ => format!("Failed to attach BPF to device {device}"),
        };
        attach_failed(&text, &error)
    })
}

fn direction(name: &str) -> PyResult<Direction> {
    match name {
        "ingress" => Ok(Direction::Ingress),
        "egress" => Ok(Direction::Egress),
        _ => Err(PyValueError::new_err(format!("direction is ingress or egress, not {name}"))),
    }
}

/// A tc filter on a device: by a tcx link, or (`clsact`) by netlink.
#[pyfunction]
pub(crate) fn attach_tc(
    fd: RawFd,
    device: &str,
    side: &str,
    name: &str,
    priority: u16,
    clsact: bool,
) -> PyResult<Link> {
    let (program, side) = (borrow(fd)?, direction(side)?);
    let attached = if clsact {
        let opts = TcOpts { device, direction: side, name, priority, handle: 0, replace: false };
        tc::attach(program, &opts)
    } else {
        tc::attach_tcx(program, device, side)
    };
    attached
        .map(Link::from)
        .map_err(|error| attach_failed(&format!("Failed to attach BPF to device {device}"), &error))
}

/// An XDP program on a device that goes with its link.
#[pyfunction]
pub(crate) fn attach_xdp_link(fd: RawFd, device: &str, flags: u32) -> PyResult<Link> {
    xdp::attach_link(borrow(fd)?, device, flags)
        .map(Link::from)
        .map_err(|error| attach_failed(&format!("Failed to attach BPF to device {device}"), &error))
}

/// A netfilter program at a hook, for as long as the returned link lives.
#[pyfunction]
pub(crate) fn attach_netfilter(
    fd: RawFd,
    family: &str,
    hook: &str,
    priority: i32,
    defragment: bool,
) -> PyResult<Link> {
    let family = match family {
        "ipv4" => netfilter::Family::Ipv4,
        "ipv6" => netfilter::Family::Ipv6,
        _ => return Err(PyValueError::new_err(format!("family is ipv4 or ipv6, not {family}"))),
    };
    let hook = match hook {
        "pre_routing" => netfilter::Hook::PreRouting,
        "local_in" => netfilter::Hook::LocalIn,
        "forward" => netfilter::Hook::Forward,
        "local_out" => netfilter::Hook::LocalOut,
        "post_routing" => netfilter::Hook::PostRouting,
        _ => return Err(PyValueError::new_err(format!("no netfilter hook is called {hook}"))),
    };
    let opts = netfilter::NetfilterOpts { family, hook, priority, defragment };
    netfilter::attach(borrow(fd)?, &opts)
        .map(Link::from)
        .map_err(|error| attach_failed("Failed to attach BPF to netfilter", &error))
}
