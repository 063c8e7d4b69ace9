//! What the running kernel can do, found out by trying; each answer is kept for the process.
//!
//! No version is compared: distributions backport, configurations switch off, and some kernels list a
//! facility and refuse it.

use crate::program::target::{KernelFunctions, RunningKernel};
use bcc_sys::SysError;
use bcc_sys::bpf::call::{MapCreate, ProgLoad, map_create, probe_map, probe_prog, prog_load};
use bcc_sys::bpf::object::raw_tracepoint_open;
use bcc_sys::bpf::{
    AttachType, Insn, LinkCreate, LinkExtra, LinkTarget, MapFd, MapType, ProgType, insn,
    link_create,
};
use nix::errno::Errno;
use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Something that not every kernel can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Feature {
    /// fentry and fexit programs (`support_kfunc`).
    Fentry,
    /// Programs that replace a return value.
    FmodRet,
    /// LSM programs that are really asked.
    Lsm,
    /// Raw tracepoints.
    RawTracepoint,
    /// Many kernel functions by one link.
    KprobeMulti,
    /// Many places of a file by one link.
    UprobeMulti,
    /// The same for one process, all threads of it.
    UprobeMultiProcess,
    /// Links of perf events, with cookies.
    PerfLink,
    /// tcx links.
    Tcx,
    /// Ring buffers.
    Ringbuf,
    /// Batch operations on hash maps.
    MapBatch,
    /// Netfilter programs.
    Netfilter,
}

impl Feature {
    /// The first kernel that has it in every usual configuration.
    pub const fn since(self) -> &'static str {
        match self {
            Self::Fentry => "5.5",
            Self::FmodRet | Self::Lsm => "5.7",
            Self::RawTracepoint => "4.17",
            Self::KprobeMulti => "5.18",
            Self::UprobeMulti | Self::Tcx => "6.6",
            Self::UprobeMultiProcess => "6.10",
            Self::PerfLink => "5.15",
            Self::Ringbuf => "5.8",
            Self::MapBatch => "5.6",
            Self::Netfilter => "6.4",
        }
    }

    fn probe(self) -> bool {
        match self {
            Self::Fentry => traced(ProgType::TRACING, AttachType::TRACE_FENTRY, "bpf_fentry_test1"),
            // Without error injection, kernels before 6.2 take functions of the security layer only.
            Self::FmodRet => ["bpf_modify_return_test", "security_syslog"]
                .iter()
                .any(|function| traced(ProgType::TRACING, AttachType::MODIFY_RETURN, function)),
            // Absent from the list, no program is asked.
            Self::Lsm => {
                lsm_listed() && traced(ProgType::LSM, AttachType::LSM_MAC, "bpf_lsm_syslog")
            }
            Self::RawTracepoint => loads(ProgType::RAW_TRACEPOINT, AttachType(0)).is_ok(),
            Self::KprobeMulti => kprobe_multi(),
            // A directory is no regular file: the kernel that gets that far says EBADF.
            Self::UprobeMulti => uprobe_multi_of(0) == Some(Errno::EBADF),
            // The kernels that take the number for a thread's look at the file first; those that
            // take it for a process's refuse a negative one before.
            Self::UprobeMultiProcess => {
                uprobe_multi_of(u32::MAX) == Some(Errno::EINVAL) && supported(Self::UprobeMulti)
            }
            Self::PerfLink => perf_link(),
            Self::Tcx => tcx(),
            Self::Ringbuf => ringbuf(),
            Self::MapBatch => map_batch(),
            Self::Netfilter => loads(ProgType::NETFILTER, AttachType::NETFILTER).is_ok(),
        }
    }
}

/// Whether the running kernel can, by trial. Without the privilege to try, it cannot.
pub fn supported(feature: Feature) -> bool {
    static KNOWN: OnceLock<Mutex<HashMap<Feature, bool>>> = OnceLock::new();
    let known = KNOWN.get_or_init(Mutex::default);
    let cached = known.lock().unwrap_or_else(PoisonError::into_inner).get(&feature).copied();
    // Tried without the lock: a trial takes its time, and a second one does no harm.
    cached.unwrap_or_else(|| {
        let can = feature.probe();
        known.lock().unwrap_or_else(PoisonError::into_inner).insert(feature, can);
        can
    })
}

/// `return 0`.
const NOTHING: [Insn; 2] = [Insn::mov_imm(0, 0), Insn::exit()];

fn loads(prog_type: ProgType, attach_type: AttachType) -> Result<OwnedFd, SysError> {
    probe_prog(prog_type, attach_type, &NOTHING)
}

/// Loads for `function` and attaches for a moment. The functions used run in the kernel's own tests, or
/// when the kernel's log is read.
fn traced(prog_type: ProgType, attach_type: AttachType, function: &str) -> bool {
    let Ok(Some(btf_id)) = RunningKernel::default().type_id("vmlinux", function) else {
        return false;
    };
    let insns = insn::to_bytes(&NOTHING);
    let prog = ProgLoad {
        prog_type: prog_type.0,
        expected_attach_type: attach_type.0,
        insns: &insns,
        license: c"GPL",
        attach_btf_id: btf_id,
        ..Default::default()
    };
    let attached = |prog: OwnedFd| raw_tracepoint_open(prog.as_fd(), None, 0);
    prog_load(&prog, 0, None).and_then(attached).is_ok()
}

fn lsm_listed() -> bool {
    // Without securityfs the trial alone decides.
    std::fs::read_to_string("/sys/kernel/security/lsm")
        .map_or(true, |list| list.trim().split(',').any(|lsm| lsm == "bpf"))
}

fn kprobe_multi() -> bool {
    let symbols = [c"bpf_fentry_test1".to_owned()];
    let extra = LinkExtra::KprobeMulti { ret: false, symbols: &symbols, addrs: &[], cookies: &[] };
    let attach_type = AttachType::TRACE_KPROBE_MULTI;
    let Ok(prog) = loads(ProgType::KPROBE, attach_type) else { return false };
    let link =
        LinkCreate { prog: prog.as_fd(), target: LinkTarget::None, attach_type, flags: 0, extra };
    link_create(&link).is_ok()
}

/// What the kernel says to a link for a place in a directory.
fn uprobe_multi_of(pid: u32) -> Option<Errno> {
    let extra = LinkExtra::UprobeMulti {
        path: c"/",
        ret: false,
        offsets: &[0],
        ref_ctr_offsets: &[],
        cookies: &[],
        pid,
    };
    let attach_type = AttachType::TRACE_UPROBE_MULTI;
    let prog = loads(ProgType::KPROBE, attach_type).ok()?;
    let link =
        LinkCreate { prog: prog.as_fd(), target: LinkTarget::None, attach_type, flags: 0, extra };
    link_create(&link).err().map(|error| error.errno)
}

fn perf_link() -> bool {
    let Ok(prog) = loads(ProgType::TRACEPOINT, AttachType(0)) else { return false };
    let link = LinkCreate {
        prog: prog.as_fd(),
        target: LinkTarget::Fd(prog.as_fd()),
        attach_type: AttachType::PERF_EVENT,
        flags: 0,
        extra: LinkExtra::PerfEvent { cookie: 0 },
    };
    // A program is no perf event: the kernel that gets that far says EBADF.
    link_create(&link).is_err_and(|error| error.errno == Errno::EBADF)
}

fn tcx() -> bool {
    let Ok(prog) = loads(ProgType::SCHED_CLS, AttachType(0)) else { return false };
    let link = LinkCreate {
        prog: prog.as_fd(),
        // No device has this index.
        target: LinkTarget::Ifindex(i32::MAX.cast_unsigned()),
        attach_type: AttachType::TCX_INGRESS,
        flags: 0,
        extra: LinkExtra::None,
    };
    link_create(&link).is_err_and(|error| error.errno == Errno::ENODEV)
}

fn ringbuf() -> bool {
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE);
    let page = page.ok().flatten().and_then(|page| u32::try_from(page).ok()).unwrap_or(4096);
    let map_type = MapType::RINGBUF.0;
    map_create(&MapCreate { map_type, max_entries: page, ..Default::default() }).is_ok()
}

fn map_batch() -> bool {
    let Ok(map) = probe_map(MapType::HASH, 4, 4).and_then(MapFd::new) else { return false };
    map.lookup_batch(None, &mut [0; 4], &mut [0; 4]).is_ok()
}

/// Whether the kernel makes maps of this type (of the sizes the type asks for).
pub fn map_type(map_type: MapType) -> bool {
    let (key, value) = match map_type {
        MapType::QUEUE | MapType::STACK | MapType::BLOOM_FILTER => (0, 4),
        MapType::LPM_TRIE => (8, 4),
        MapType::STACK_TRACE => (4, 8),
        MapType::RINGBUF => return supported(Feature::Ringbuf),
        _ => (4, 4),
    };
    if map_type == MapType::LPM_TRIE {
        let flags = bcc_sys::bpf::cmd::map_flags::NO_PREALLOC;
        let map = MapCreate {
            map_type: map_type.0,
            key_size: key,
            value_size: value,
            max_entries: 1,
            flags,
            ..Default::default()
        };
        return map_create(&map).is_ok();
    }
    probe_map(map_type, key, value).is_ok()
}

/// Whether programs of this type may call the helper with this id. The verifier is asked, so what it
/// refuses for other reasons (no arguments are given) counts as there.
pub fn helper(prog_type: ProgType, attach_type: AttachType, id: u32) -> bool {
    let insns = insn::to_bytes(&[Insn::call(id.cast_signed()), Insn::exit()]);
    let prog = ProgLoad {
        prog_type: prog_type.0,
        expected_attach_type: attach_type.0,
        insns: &insns,
        license: c"GPL",
        ..Default::default()
    };
    let mut log = vec![0; 4096];
    if prog_load(&prog, 1, Some(&mut log)).is_ok() {
        return true;
    }
    let end = log.iter().position(|b| *b == 0).unwrap_or(log.len());
    let log = String::from_utf8_lossy(&log[..end]);
    let absent = ["invalid func ", "unknown func ", "program of this type cannot use helper "];
    !log.is_empty() && !absent.iter().any(|words| log.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_name_the_kernel_that_brought_them() {
        assert_eq!(Feature::Ringbuf.since(), "5.8");
    }
}
