//! What a program's name says of it: one table from attach prefixes (and section words) to the kernel's
//! types and what attaching by name does (`spec/dialect` §9-10).

use crate::mutation;
use bcc_sys::bpf::{AttachType, ProgType};

/// What a program hooks into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hook {
    /// Kernel function entry.
    Kprobe,
    /// Kernel function return.
    Kretprobe,
    /// Tracepoint.
    Tracepoint,
    /// Raw tracepoint.
    RawTracepoint,
    /// Tracepoint whose arguments have the kernel's types.
    BtfTracepoint,
    /// Kernel function entry by trampoline.
    Fentry,
    /// Kernel function return by trampoline.
    Fexit,
    /// Kernel function whose return value is replaced.
    FmodRet,
    /// LSM hook.
    Lsm,
    /// Iterator.
    Iter,
    /// A function of a kernel struct of functions.
    StructOps,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgramKind {
    /// What functions of this kind begin with.
    pub prefix: &'static str,
    /// What it hooks into.
    pub hook: Hook,
    /// Type to load it as.
    pub prog_type: ProgType,
    /// Attach type to load it with, where the kernel asks for one.
    pub attach_type: Option<AttachType>,
    /// Whether constructing a module attaches it.
    pub auto: bool,
    /// Whether the name of a kernel module (or of a struct of functions) stands before the function's.
    pub names_module: bool,
    /// What the function is called in the kernel's BTF: put in front of the target.
    pub btf_prefix: Option<&'static str>,
}

const fn row(prefix: &'static str, hook: Hook, prog_type: ProgType) -> ProgramKind {
    ProgramKind {
        prefix,
        hook,
        prog_type,
        attach_type: None,
        auto: true,
        names_module: false,
        btf_prefix: None,
    }
}

const fn traced(
    prefix: &'static str,
    hook: Hook,
    attach_type: AttachType,
    auto: bool,
) -> ProgramKind {
    let names_module = matches!(hook, Hook::Fentry | Hook::Fexit);
    let (prog_type, btf_prefix) = match hook {
        Hook::Lsm => (ProgType::LSM, "bpf_lsm_"),
        Hook::Iter => (ProgType::TRACING, "bpf_iter_"),
        Hook::BtfTracepoint => (ProgType::TRACING, "btf_trace_"),
        _ => (ProgType::TRACING, ""),
    };
    ProgramKind {
        prefix,
        hook,
        prog_type,
        attach_type: Some(attach_type),
        auto,
        names_module,
        btf_prefix: Some(btf_prefix),
    }
}

/// All kinds with a prefix.
pub const KINDS: &[ProgramKind] = &[
    row("kprobe__", Hook::Kprobe, ProgType::KPROBE),
    row("kretprobe__", Hook::Kretprobe, ProgType::KPROBE),
    row("tracepoint__", Hook::Tracepoint, ProgType::TRACEPOINT),
    row("raw_tracepoint__", Hook::RawTracepoint, ProgType::RAW_TRACEPOINT),
    traced("btf_tracepoint__", Hook::BtfTracepoint, AttachType::TRACE_RAW_TP, true),
    traced("kfunc__", Hook::Fentry, AttachType::TRACE_FENTRY, true),
    traced("kretfunc__", Hook::Fexit, AttachType::TRACE_FEXIT, true),
    traced("kmod_ret__", Hook::FmodRet, AttachType::MODIFY_RETURN, false),
    traced("lsm__", Hook::Lsm, AttachType::LSM_MAC, true),
    traced("bpf_iter__", Hook::Iter, AttachType::TRACE_ITER, false),
    ProgramKind {
        auto: false,
        names_module: true,
        ..row("struct_ops__", Hook::StructOps, ProgType::STRUCT_OPS)
    },
];

/// Words of explicit section attributes, for programs loaded without a type: word, type, attach type.
const SECTIONS: &[(&str, ProgType, Option<AttachType>)] = &[
    ("kprobe", ProgType::KPROBE, None),
    ("kretprobe", ProgType::KPROBE, None),
    ("uprobe", ProgType::KPROBE, None),
    ("uretprobe", ProgType::KPROBE, None),
    ("tracepoint", ProgType::TRACEPOINT, None),
    ("tp", ProgType::TRACEPOINT, None),
    ("raw_tracepoint", ProgType::RAW_TRACEPOINT, None),
    ("raw_tp", ProgType::RAW_TRACEPOINT, None),
    ("perf_event", ProgType::PERF_EVENT, None),
    ("socket", ProgType::SOCKET_FILTER, None),
    ("xdp", ProgType::XDP, None),
    ("tc", ProgType::SCHED_CLS, None),
    ("classifier", ProgType::SCHED_CLS, None),
    ("action", ProgType::SCHED_ACT, None),
    ("sk_msg", ProgType::SK_MSG, Some(AttachType::SK_MSG_VERDICT)),
    ("sockops", ProgType::SOCK_OPS, Some(AttachType::CGROUP_SOCK_OPS)),
    ("sk_lookup", ProgType::SK_LOOKUP, Some(AttachType::SK_LOOKUP)),
    ("sk_reuseport", ProgType::SK_REUSEPORT, Some(AttachType::SK_REUSEPORT_SELECT)),
    ("flow_dissector", ProgType::FLOW_DISSECTOR, Some(AttachType::FLOW_DISSECTOR)),
    ("netfilter", ProgType::NETFILTER, Some(AttachType::NETFILTER)),
    ("syscall", ProgType::SYSCALL, None),
];

/// A function's name, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'a> {
    /// The row.
    pub kind: &'static ProgramKind,
    /// `vmlinux`, or the kernel module in the name, or the struct whose member `target` is.
    pub module: &'a str,
    /// What follows: function, tracepoint, LSM hook or iterator.
    pub target: &'a str,
}

impl Named<'_> {
    /// What the target is called in the kernel's BTF, for kinds whose programs name it at load.
    pub fn btf_target(&self) -> Option<String> {
        self.kind.btf_prefix.map(|prefix| format!("{prefix}{}", self.target))
    }

    /// `category:event` of a tracepoint's name: every `__` becomes `:`.
    pub fn tracepoint(&self) -> String {
        self.target.replace("__", ":")
    }
}

/// Takes a C function's name apart; `None` when it has no attach prefix.
pub fn named(function: &str) -> Option<Named<'_>> {
    KINDS.iter().find_map(|kind| {
        let rest = function.strip_prefix(kind.prefix)?;
        if mutation::off(kind.prefix) {
            return None;
        }
        let (module, target) = match rest.split_once("__") {
            Some((module, target)) if kind.names_module => (module, target),
            _ => ("vmlinux", rest),
        };
        Some(Named { kind, module, target })
    })
}

/// The type a program has by its name, else by its section: `None` leaves it to the caller.
pub fn classify(function: &str, section: &str) -> Option<(ProgType, Option<AttachType>)> {
    if let Some(named) = named(function) {
        return Some((named.kind.prog_type, named.kind.attach_type));
    }
    let word = section.split(['/', '.']).next()?;
    let row = SECTIONS.iter().find(|(name, ..)| *name == word)?;
    Some((row.1, row.2))
}

/// The name a program gets in the kernel: without its prefix (the kernel cuts it to 15 bytes).
pub fn kernel_name(function: &str) -> &str {
    named(function).map_or(function, |named| named.target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let open = named("kprobe__vfs_open").unwrap();
        assert_eq!((open.kind.hook, open.target), (Hook::Kprobe, "vfs_open"));
        let func = named("kretfunc__ext4__ext4_file__open").unwrap();
        assert_eq!((func.module, func.target), ("ext4", "ext4_file__open"));
        assert_eq!(func.kind.attach_type, Some(AttachType::TRACE_FEXIT));
        let lsm = named("lsm__file_open").unwrap();
        assert_eq!(lsm.btf_target().as_deref(), Some("bpf_lsm_file_open"));
        assert_eq!(
            named("tracepoint__sched__sched_switch").unwrap().tracepoint(),
            "sched:sched_switch"
        );
        let tracepoint = named("btf_tracepoint__sched_switch").unwrap();
        assert_eq!(tracepoint.btf_target().as_deref(), Some("btf_trace_sched_switch"));
        let member = named("struct_ops__tcp_congestion_ops__ssthresh").unwrap();
        assert_eq!((member.module, member.target), ("tcp_congestion_ops", "ssthresh"));
        assert_eq!(named("do_something"), None);
    }

    #[test]
    fn sections_say_the_type_of_functions_without_prefix() {
        assert_eq!(classify("f", "xdp"), Some((ProgType::XDP, None)));
        assert_eq!(classify("f", "kprobe/vfs_read"), Some((ProgType::KPROBE, None)));
        assert_eq!(classify("kprobe__x", "xdp"), Some((ProgType::KPROBE, None)));
        assert_eq!(classify("f", ""), None);
    }

    #[test]
    fn kernel_names_have_no_prefix() {
        assert_eq!(kernel_name("tracepoint__sched__sched_switch"), "sched__sched_switch");
        assert_eq!(kernel_name("kfunc__vmlinux__vfs_read"), "vfs_read");
        assert_eq!(kernel_name("hello"), "hello");
    }
}
