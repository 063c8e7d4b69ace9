//! Why something could not be attached.

use crate::program::privilege::{self, Need};
use bcc_sys::SysError;
use nix::errno::Errno;
use std::borrow::Cow;
use std::fmt;

/// Kinds of attachments, as messages name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AttachKind {
    /// Entry of a kernel function.
    Kprobe,
    /// Return of a kernel function.
    Kretprobe,
    /// Several kernel functions at once.
    KprobeMulti,
    /// A place in a user program.
    Uprobe,
    /// Return of a user function.
    Uretprobe,
    /// Several places of one user program at once.
    UprobeMulti,
    /// Tracepoint by category and name.
    Tracepoint,
    /// Raw tracepoint by name.
    RawTracepoint,
    /// fentry, fexit, `fmod_ret`, BTF raw tracepoint, LSM.
    Tracing,
    /// Iterator.
    Iter,
    /// Perf event.
    PerfEvent,
    /// Packet socket.
    Socket,
    /// XDP hook of a device.
    Xdp,
    /// tc hook of a device.
    Tc,
    /// Cgroup, sockmap and other hooks of `BPF_PROG_ATTACH`.
    ProgAttach,
    /// Network namespace.
    Netns,
    /// Kernel struct of functions.
    StructOps,
}

impl fmt::Display for AttachKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kprobe => "kprobe",
            Self::Kretprobe => "kretprobe",
            Self::KprobeMulti => "multi-kprobe",
            Self::Uprobe => "uprobe",
            Self::Uretprobe => "uretprobe",
            Self::UprobeMulti => "multi-uprobe",
            Self::Tracepoint => "tracepoint",
            Self::RawTracepoint => "raw tracepoint",
            Self::Tracing => "tracing hook",
            Self::Iter => "iterator",
            Self::PerfEvent => "perf event",
            Self::Socket => "socket",
            Self::Xdp => "XDP hook",
            Self::Tc => "tc hook",
            Self::ProgAttach => "hook",
            Self::Netns => "network namespace",
            Self::StructOps => "struct of functions",
        })
    }
}

/// Why something could not be attached (or detached): what it was, and what stood in the way.
#[derive(Debug, thiserror::Error)]
#[error("cannot {} {kind} {target}: {problem}{}", if *.detaching { "detach from" } else { "attach to" }, .hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default())]
pub struct AttachError {
    /// What kind of attachment.
    pub kind: AttachKind,
    /// Function, path and offset, tracepoint, device, …: as the caller named it.
    pub target: String,
    /// What stood in the way.
    #[source]
    pub problem: Problem,
    /// What may help, in a few words.
    pub hint: Option<Cow<'static, str>>,
    /// Whether it was to be detached.
    pub detaching: bool,
}

/// What stood in an attachment's way.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The kernel refused a call.
    #[error(transparent)]
    Sys(#[from] SysError),
    /// A file of the kernel could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// There is no such target.
    #[error("not found")]
    NotFound,
    /// The running kernel lacks this kind of attachment.
    #[error("not supported by the running kernel")]
    Unsupported,
    /// The request contradicts itself or the contract.
    #[error("{0}")]
    Invalid(&'static str),
}

impl AttachError {
    /// Whether there is nothing of that name to attach to.
    pub(super) fn is_missing(&self) -> bool {
        match &self.problem {
            Problem::NotFound => true,
            Problem::Sys(error) => error.errno == Errno::ENOENT,
            _ => false,
        }
    }

    /// An error about `target`, with the hint that goes with its errno.
    pub(super) fn new(
        kind: AttachKind,
        target: impl Into<String>,
        problem: impl Into<Problem>,
    ) -> Self {
        let (target, problem) = (target.into(), problem.into());
        let mut error = Self { kind, target, problem, hint: None, detaching: false };
        error.hint = error.errno().and_then(|errno| {
            let refused = privilege::hint(errno, need(kind)).map(Cow::Owned);
            refused.or_else(|| hint(kind, errno).map(Cow::Borrowed))
        });
        error
    }

    /// The same of an attachment that does not end.
    pub(super) fn while_detaching(self) -> Self {
        Self { detaching: true, ..self }
    }

    /// What the kernel answered, if it was asked.
    pub fn errno(&self) -> Option<Errno> {
        match &self.problem {
            Problem::Sys(error) => Some(error.errno),
            Problem::Io { source, .. } => source.raw_os_error().map(Errno::from_raw),
            Problem::NotFound => Some(Errno::ENOENT),
            Problem::Unsupported => Some(Errno::EOPNOTSUPP),
            Problem::Invalid(_) => Some(Errno::EINVAL),
        }
    }
}

/// What an attachment takes.
fn need(kind: AttachKind) -> Need {
    use AttachKind as K;
    match kind {
        K::Xdp | K::Tc | K::ProgAttach | K::Netns => Need::Network,
        K::Socket => Need::RawSocket,
        _ => Need::Perf,
    }
}

fn hint(kind: AttachKind, errno: Errno) -> Option<&'static str> {
    use AttachKind as K;
    Some(match (kind, errno) {
        (K::Kprobe | K::Kretprobe, Errno::ENOENT | Errno::EINVAL) => {
            "not traceable: non-existing, inlined, or marked notrace"
        }
        (K::Kprobe | K::Kretprobe, Errno::EADDRNOTAVAIL) => {
            "several functions have this name; attach by address"
        }
        (K::Kprobe | K::Kretprobe, Errno::EILSEQ) => "not on an instruction's first byte",
        (K::Uprobe, Errno::EINVAL) => {
            "not an instruction, or another tracer attached here with another semaphore"
        }
        (K::RawTracepoint, Errno::EINVAL) => "the program reads more arguments than it has",
        (K::RawTracepoint | K::Tracing, Errno::EEXIST | Errno::EBUSY) => "attached already",
        (K::Tracing | K::Iter, Errno::EOPNOTSUPP) => {
            "this kernel lists BPF trampolines and refuses them"
        }
        (K::Xdp, Errno::EBUSY) => "the device runs another XDP program",
        (K::Xdp, Errno::EEXIST) => "another XDP program, or one in another mode, is there",
        (K::Xdp, Errno::EBADMSG) => "the device's driver cannot take it: try XDP_FLAGS_SKB_MODE",
        (K::Xdp, Errno::EOPNOTSUPP) => "the driver has no native XDP: try XDP_FLAGS_SKB_MODE",
        (K::PerfEvent, Errno::ENOENT | Errno::EOPNOTSUPP) => {
            "the machine has no such event; virtual machines often lack hardware counters"
        }
        _ => return None,
    })
}
