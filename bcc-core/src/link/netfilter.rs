//! Netfilter hooks of the network namespace.

use super::{AttachError, AttachKind, Attachment, Link};
use bcc_sys::bpf::{AttachType, LinkCreate, LinkExtra, LinkTarget, link_create};
use std::os::fd::BorrowedFd;

/// Protocol family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    Ipv4 = 2,
    /// IPv6.
    Ipv6 = 10,
}

/// Where on a packet's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// Come in, not yet routed.
    PreRouting = 0,
    /// For this machine.
    LocalIn = 1,
    /// For another.
    Forward = 2,
    /// Made here, not yet routed.
    LocalOut = 3,
    /// About to go out.
    PostRouting = 4,
}

/// Where a netfilter program is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetfilterOpts {
    /// Whose packets.
    pub family: Family,
    /// Where on their way.
    pub hook: Hook,
    /// Order among the hook's programs, the lowest first; each program has one of its own.
    pub priority: i32,
    /// Whether fragments are put together first.
    pub defragment: bool,
}

/// Puts a program on a hook of this thread's network namespace.
///
/// # Errors
/// `EBUSY` when the priority is taken, `EINVAL` on kernels without it.
///
/// # Kernel support
/// 6.4; `defragment` 6.6.
pub fn attach(program: BorrowedFd<'_>, opts: &NetfilterOpts) -> Result<Link, AttachError> {
    let target = format!("netfilter {:?} {:?}", opts.family, opts.hook);
    let request = LinkCreate {
        prog: program,
        target: LinkTarget::None,
        attach_type: AttachType::NETFILTER,
        flags: 0,
        extra: LinkExtra::Netfilter {
            pf: opts.family as u32,
            hooknum: opts.hook as u32,
            priority: opts.priority,
            flags: u32::from(opts.defragment),
        },
    };
    let fd = link_create(&request)
        .map_err(|error| AttachError::new(AttachKind::Netns, &target, error))?;
    Ok(Link::new(AttachKind::Netns, target, Attachment::BpfLink(fd)))
}
