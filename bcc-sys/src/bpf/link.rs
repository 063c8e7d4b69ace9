//! `LINK_CREATE`, whose union differs per attach type.

use super::attr::LinkCreateAttr;
use super::call::{addr, bpf_fd, raw};
use super::cmd::{AttachType, Cmd};
use crate::SysError;
use nix::errno::Errno;
use std::ffi::{CStr, CString};
use std::os::fd::{BorrowedFd, OwnedFd};

/// What a link attaches to, besides what its [`LinkExtra`] says.
#[derive(Clone, Copy, Debug, Default)]
pub enum LinkTarget<'a> {
    /// Nothing: the program's BTF id or the extra says it.
    #[default]
    None,
    /// Cgroup, network namespace, perf event, map or program.
    Fd(BorrowedFd<'a>),
    /// Network device.
    Ifindex(u32),
}

impl LinkTarget<'_> {
    pub(super) fn raw(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Fd(fd) => raw(fd),
            Self::Ifindex(index) => index,
        }
    }
}

/// What only some attach types need.
#[derive(Clone, Copy, Debug, Default)]
pub enum LinkExtra<'a> {
    /// Nothing.
    #[default]
    None,
    /// Perf events (kprobe, uprobe, tracepoint through perf): value of `bpf_get_attach_cookie`.
    PerfEvent {
        /// Cookie.
        cookie: u64,
    },
    /// Many kernel functions at once. Exactly one of `symbols` and `addrs` is not empty.
    KprobeMulti {
        /// At function return.
        ret: bool,
        /// Names.
        symbols: &'a [CString],
        /// Addresses.
        addrs: &'a [u64],
        /// One per function, or empty.
        cookies: &'a [u64],
    },
    /// Many places of one file at once.
    UprobeMulti {
        /// File.
        path: &'a CStr,
        /// At function return.
        ret: bool,
        /// File offsets.
        offsets: &'a [u64],
        /// File offsets of USDT semaphores, one per place, or empty.
        ref_ctr_offsets: &'a [u64],
        /// One per place, or empty.
        cookies: &'a [u64],
        /// Process, or 0 for all.
        pid: u32,
    },
    /// fentry, fexit, `fmod_ret`, LSM, BTF raw tracepoint, program extension.
    Tracing {
        /// Function in the target program; 0 when the target is given at load.
        target_btf_id: u32,
        /// Cookie.
        cookie: u64,
    },
    /// Iterator: `bpf_iter_link_info` as the kernel lays it out, or empty.
    Iter {
        /// Bytes.
        info: &'a [u8],
    },
    /// Netfilter hook.
    Netfilter {
        /// `NFPROTO_*`.
        pf: u32,
        /// `NF_INET_*`.
        hooknum: u32,
        /// Order among hooks.
        priority: i32,
        /// `BPF_F_NETFILTER_*`.
        flags: u32,
    },
    /// tcx, netkit, cgroup: place among the programs of the hook.
    Order {
        /// Neighbour, by descriptor; the link flags say on which side.
        relative: Option<BorrowedFd<'a>>,
        /// Fail when the hook's list is of another revision; 0 does not ask.
        expected_revision: u64,
    },
}

/// What `LINK_CREATE` needs.
#[derive(Clone, Copy, Debug)]
pub struct LinkCreate<'a> {
    /// Program, or map of `struct_ops`.
    pub prog: BorrowedFd<'a>,
    /// Where to.
    pub target: LinkTarget<'a>,
    /// Hook.
    pub attach_type: AttachType,
    /// Flags of the attach type.
    pub flags: u32,
    /// The rest.
    pub extra: LinkExtra<'a>,
}

/// Two 32-bit fields as the kernel sees them in one aligned pair.
fn pair(first: u32, second: u32) -> u64 {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&first.to_ne_bytes());
    bytes[4..].copy_from_slice(&second.to_ne_bytes());
    u64::from_ne_bytes(bytes)
}

/// Address of words for the kernel, 0 for none.
fn words(values: &[u64]) -> u64 {
    if values.is_empty() { 0 } else { values.as_ptr().expose_provenance() as u64 }
}

/// How many, for fields of 32 bits; the optional lists must be as long as the first one.
fn count(main: usize, optional: &[&[u64]]) -> Result<u32, SysError> {
    let invalid = SysError { call: Cmd::LinkCreate.call(), errno: Errno::EINVAL };
    if optional.iter().any(|list| !list.is_empty() && list.len() != main) {
        return Err(invalid);
    }
    u32::try_from(main).map_err(|_lost| invalid)
}

/// Attaches a program; it stays attached as long as the descriptor (or a pin) lives.
///
/// # Errors
/// The kernel's, which depend on the attach type: `EINVAL` also where the kernel does not know it,
/// and for lists of differing lengths.
pub fn link_create(link: &LinkCreate<'_>) -> Result<OwnedFd, SysError> {
    let symbols: Vec<u64> = match link.extra {
        LinkExtra::KprobeMulti { symbols, .. } => {
            symbols.iter().map(|name| addr(name.to_bytes_with_nul())).collect()
        }
        _ => Vec::new(),
    };
    let extra = match link.extra {
        LinkExtra::None => [0; 6],
        LinkExtra::PerfEvent { cookie } => [cookie, 0, 0, 0, 0, 0],
        LinkExtra::KprobeMulti { ret, addrs, cookies, .. } => {
            let len = symbols.len().max(addrs.len());
            let cnt = count(len, &[cookies, &symbols, addrs])?;
            [pair(u32::from(ret), cnt), words(&symbols), words(addrs), words(cookies), 0, 0]
        }
        LinkExtra::UprobeMulti { path, ret, offsets, ref_ctr_offsets, cookies, pid } => {
            let cnt = count(offsets.len(), &[ref_ctr_offsets, cookies])?;
            [
                addr(path.to_bytes_with_nul()),
                words(offsets),
                words(ref_ctr_offsets),
                words(cookies),
                pair(cnt, u32::from(ret)),
                pair(pid, 0),
            ]
        }
        LinkExtra::Tracing { target_btf_id, cookie } => {
            [pair(target_btf_id, 0), cookie, 0, 0, 0, 0]
        }
        LinkExtra::Iter { info } => {
            let len = count(info.len(), &[])?;
            [addr(info), pair(len, 0), 0, 0, 0, 0]
        }
        LinkExtra::Netfilter { pf, hooknum, priority, flags } => {
            [pair(pf, hooknum), pair(priority.cast_unsigned(), flags), 0, 0, 0, 0]
        }
        LinkExtra::Order { relative, expected_revision } => {
            [pair(relative.map_or(0, raw), 0), expected_revision, 0, 0, 0, 0]
        }
    };
    bpf_fd(
        Cmd::LinkCreate,
        &mut LinkCreateAttr {
            prog_fd: raw(link.prog),
            target: link.target.raw(),
            attach_type: link.attach_type.0,
            flags: link.flags,
            extra,
        },
    )
}
