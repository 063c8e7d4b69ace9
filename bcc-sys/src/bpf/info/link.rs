//! What links tell of themselves.

use super::{Raw, text};
use crate::SysError;
use crate::bpf::call::addr_mut;
use crate::bpf::cmd::LinkType;
use crate::bpf::object::obj_get_info;
use std::os::fd::BorrowedFd;

/// A link as the kernel knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkInfo {
    /// Type.
    pub link_type: LinkType,
    /// Id.
    pub id: u32,
    /// Its program, 0 for `struct_ops`.
    pub prog_id: u32,
    /// What it is attached to.
    pub detail: LinkDetail,
}

/// What a link is attached to, as far as the kernel says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkDetail {
    /// Raw tracepoint.
    RawTracepoint {
        /// Name.
        name: String,
    },
    /// fentry and its kin.
    Tracing {
        /// Attach type.
        attach_type: u32,
        /// Program or BTF object.
        target_obj_id: u32,
        /// Type in it.
        target_btf_id: u32,
    },
    /// Cgroup.
    Cgroup {
        /// Its id.
        cgroup_id: u64,
        /// Attach type.
        attach_type: u32,
    },
    /// Iterator.
    Iter {
        /// What it walks.
        target: String,
    },
    /// Network namespace.
    Netns {
        /// Inode.
        ino: u32,
        /// Attach type.
        attach_type: u32,
    },
    /// XDP, tcx or netkit.
    Device {
        /// Device index.
        ifindex: u32,
        /// Attach type; 0 for XDP.
        attach_type: u32,
    },
    /// Perf event and what stands behind it; `kind` is `BPF_PERF_EVENT_*`.
    PerfEvent {
        /// Uprobe 1, uretprobe 2, kprobe 3, kretprobe 4, tracepoint 5, event 6.
        kind: u32,
        /// File, symbol or tracepoint.
        name: String,
        /// Offset from the symbol or in the file.
        offset: u32,
    },
    /// Many functions.
    KprobeMulti {
        /// How many.
        count: u32,
        /// 1 at return.
        flags: u32,
        /// Runs missed.
        missed: u64,
    },
    /// Many places of a file.
    UprobeMulti {
        /// File.
        path: String,
        /// How many.
        count: u32,
        /// 1 at return.
        flags: u32,
        /// Process, or 0.
        pid: u32,
    },
    /// `struct_ops`.
    StructOps {
        /// Its map.
        map_id: u32,
    },
    /// Netfilter hook.
    Netfilter {
        /// `NFPROTO_*`.
        pf: u32,
        /// `NF_INET_*`.
        hooknum: u32,
        /// Order among hooks.
        priority: i32,
    },
    /// Nothing this build decodes.
    Other,
}

type RawLink = Raw<128>;

/// Asks again with a buffer for the name: its address goes to `at`, its size to `len_at`.
fn link_name(fd: BorrowedFd<'_>, at: usize, len_at: usize) -> Result<String, SysError> {
    let mut name = vec![0; 4096];
    let mut request: RawLink = Raw([0; 128]);
    request.put_u64(at, addr_mut(&mut name));
    request.put_u32(len_at, name.len() as u32);
    obj_get_info(fd, &mut request.0)?;
    Ok(text(&name))
}

/// Asks what a link is.
///
/// # Errors
/// The kernel's: `EINVAL` when the descriptor is no BPF object.
pub fn link_info(fd: BorrowedFd<'_>) -> Result<LinkInfo, SysError> {
    let raw = RawLink::get(fd)?;
    let link_type = LinkType(raw.u32(0));
    let detail = match link_type {
        LinkType::RAW_TRACEPOINT => LinkDetail::RawTracepoint { name: link_name(fd, 16, 24)? },
        LinkType::TRACING => LinkDetail::Tracing {
            attach_type: raw.u32(16),
            target_obj_id: raw.u32(20),
            target_btf_id: raw.u32(24),
        },
        LinkType::CGROUP => LinkDetail::Cgroup { cgroup_id: raw.u64(16), attach_type: raw.u32(24) },
        LinkType::ITER => LinkDetail::Iter { target: link_name(fd, 16, 24)? },
        LinkType::NETNS => LinkDetail::Netns { ino: raw.u32(16), attach_type: raw.u32(20) },
        LinkType::XDP => LinkDetail::Device { ifindex: raw.u32(16), attach_type: 0 },
        LinkType::TCX | LinkType::NETKIT => {
            LinkDetail::Device { ifindex: raw.u32(16), attach_type: raw.u32(20) }
        }
        LinkType::STRUCT_OPS => LinkDetail::StructOps { map_id: raw.u32(16) },
        LinkType::NETFILTER => LinkDetail::Netfilter {
            pf: raw.u32(16),
            hooknum: raw.u32(20),
            priority: raw.u32(24).cast_signed(),
        },
        LinkType::KPROBE_MULTI => {
            LinkDetail::KprobeMulti { count: raw.u32(24), flags: raw.u32(28), missed: raw.u64(32) }
        }
        LinkType::UPROBE_MULTI => LinkDetail::UprobeMulti {
            path: link_name(fd, 16, 48)?,
            count: raw.u32(52),
            flags: raw.u32(56),
            pid: raw.u32(60),
        },
        LinkType::PERF_EVENT => perf_event_detail(fd, &raw)?,
        _ => LinkDetail::Other,
    };
    Ok(LinkInfo { link_type, id: raw.u32(4), prog_id: raw.u32(8), detail })
}

fn perf_event_detail(fd: BorrowedFd<'_>, raw: &RawLink) -> Result<LinkDetail, SysError> {
    let kind = raw.u32(16);
    let (name, offset) = match kind {
        1..=4 => (link_name(fd, 24, 32)?, raw.u32(36)),
        5 => (link_name(fd, 24, 32)?, 0),
        _ => (String::new(), 0),
    };
    Ok(LinkDetail::PerfEvent { kind, name, offset })
}
