//! Why the kernel said EPERM: which capability is missing, or lockdown; and the memlock limit.

use bcc_sys::bpf::ProgType;
use nix::errno::Errno;
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};

/// What was tried, which decides the capabilities it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Creating or opening a map.
    Map,
    /// Loading a program of this type.
    Program(ProgType),
    /// Opening perf events or probes.
    Perf,
    /// Changing network devices.
    Network,
    /// Opening a packet socket.
    RawSocket,
    /// Finding other people's objects by id, statistics.
    Admin,
}

const CAP_NET_ADMIN: u32 = 12;
const CAP_NET_RAW: u32 = 13;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

fn name(capability: u32) -> &'static str {
    match capability {
        CAP_NET_ADMIN => "CAP_NET_ADMIN",
        CAP_NET_RAW => "CAP_NET_RAW",
        CAP_SYS_ADMIN => "CAP_SYS_ADMIN",
        CAP_PERFMON => "CAP_PERFMON",
        _ => "CAP_BPF",
    }
}

impl Need {
    /// Capabilities; `CAP_SYS_ADMIN` stands in for them, but not at the network's own calls.
    fn capabilities(self) -> &'static [u32] {
        match self {
            Self::Map => &[CAP_BPF],
            Self::Perf => &[CAP_PERFMON],
            Self::Network => &[CAP_NET_ADMIN],
            Self::RawSocket => &[CAP_NET_RAW],
            Self::Admin => &[CAP_SYS_ADMIN],
            Self::Program(ProgType::SOCKET_FILTER) => &[CAP_BPF],
            Self::Program(
                ProgType::KPROBE
                | ProgType::TRACEPOINT
                | ProgType::RAW_TRACEPOINT
                | ProgType::RAW_TRACEPOINT_WRITABLE
                | ProgType::PERF_EVENT
                | ProgType::TRACING
                | ProgType::LSM
                | ProgType::EXT,
            ) => &[CAP_BPF, CAP_PERFMON],
            Self::Program(_) => &[CAP_BPF, CAP_NET_ADMIN],
        }
    }
}

/// What stands in the way of `need` after `errno`, in words; `None` when privilege is not the reason
/// or nothing can be said.
pub fn hint(errno: Errno, need: Need) -> Option<String> {
    if !matches!(errno, Errno::EPERM | Errno::EACCES) {
        return None;
    }
    let status = std::fs::read_to_string("/proc/thread-self/status").ok()?;
    let missing = missing(effective(&status)?, need);
    if !missing.is_empty() {
        return Some(format!("missing {}", missing.join(" and ")));
    }
    if errno != Errno::EPERM {
        return None;
    }
    lockdown()
}

/// As [`hint`], as the end of a message: in parentheses behind a space, or empty.
pub(crate) fn parenthesised_hint(errno: Errno, need: Need) -> String {
    hint(errno, need).map_or_else(String::new, |hint| format!(" ({hint})"))
}

/// That the kernel is locked down, and how far; `None` when it is not.
pub(super) fn lockdown() -> Option<String> {
    let modes = std::fs::read_to_string("/sys/kernel/security/lockdown").ok()?;
    let mode = modes.split('[').nth(1)?.split(']').next()?;
    (mode != "none").then(|| format!("the kernel is locked down ({mode})"))
}

/// The effective capabilities in a `/proc/PID/status`.
fn effective(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

fn missing(effective: u64, need: Need) -> Vec<&'static str> {
    let has = |capability: u32| effective >> capability & 1 == 1;
    let network = matches!(need, Need::Network | Need::RawSocket);
    let stands_in = !network && has(CAP_SYS_ADMIN);
    let missing = |capability: &&u32| !has(**capability) && !stands_in;
    need.capabilities().iter().filter(missing).map(|capability| name(*capability)).collect()
}

/// Raises the memlock limit, to which kernels before 5.11 account maps and programs; whether it could.
pub fn raise_memlock() -> bool {
    setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_capabilities_are_named() {
        let kprobe = Need::Program(ProgType::KPROBE);
        assert_eq!(missing(0, kprobe), ["CAP_BPF", "CAP_PERFMON"]);
        assert_eq!(missing(1 << CAP_BPF, kprobe), ["CAP_PERFMON"]);
        assert!(missing(1 << CAP_SYS_ADMIN, kprobe).is_empty());
        let xdp = Need::Program(ProgType::XDP);
        assert_eq!(missing(1 << CAP_BPF, xdp), ["CAP_NET_ADMIN"]);
        assert!(missing(1 << CAP_SYS_ADMIN, xdp).is_empty());
        assert_eq!(missing(1 << CAP_SYS_ADMIN, Need::Network), ["CAP_NET_ADMIN"]);
    }

    #[test]
    fn status_files_are_read() {
        assert_eq!(effective("Name:\tx\nCapEff:\t000001ffffffffff\n"), Some(0x1ff_ffff_ffff));
        assert_eq!(effective("Name:\tx\n"), None);
        assert_eq!(hint(Errno::EINVAL, Need::Map), None);
    }
}
