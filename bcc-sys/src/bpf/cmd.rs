//! The kernel's numbers: commands, types, flags.

macro_rules! numbers {
    ($(#[$doc:meta])* $type:ident { $($name:ident = $value:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $type(pub u32);

        #[allow(missing_docs, reason = "the kernel's own names say it")]
        impl $type {
            $(pub const $name: Self = Self($value);)*

            /// Every one known to this build.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The kernel's name without its prefix, or `None` for one newer than this build.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some(stringify!($name)),)*
                    _ => None,
                }
            }

            /// The one of that name, in the kernel's spelling without prefix.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == Some(name))
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => write!(f, "{}::{name}", stringify!($type)),
                    None => write!(f, "{}({})", stringify!($type), self.0),
                }
            }
        }

        /// Lower-case kernel name, or the number.
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(&name.to_ascii_lowercase()),
                    None => write!(f, "{}", self.0),
                }
            }
        }
    };
}

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident $kernel:literal = $value:literal,)*) => {
        /// A command of `bpf(2)`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        #[allow(missing_docs, reason = "the kernel's own names say it")]
        pub enum Cmd { $($(#[$doc])* $name = $value,)* }

        impl Cmd {
            /// How errors name the call: `bpf(MAP_CREATE)`.
            pub const fn call(self) -> &'static str {
                match self { $(Self::$name => concat!("bpf(", $kernel, ")"),)* }
            }
        }
    };
}

commands! {
    MapCreate "MAP_CREATE" = 0,
    MapLookupElem "MAP_LOOKUP_ELEM" = 1,
    MapUpdateElem "MAP_UPDATE_ELEM" = 2,
    MapDeleteElem "MAP_DELETE_ELEM" = 3,
    MapGetNextKey "MAP_GET_NEXT_KEY" = 4,
    ProgLoad "PROG_LOAD" = 5,
    ObjPin "OBJ_PIN" = 6,
    ObjGet "OBJ_GET" = 7,
    ProgAttach "PROG_ATTACH" = 8,
    ProgDetach "PROG_DETACH" = 9,
    ProgTestRun "PROG_TEST_RUN" = 10,
    ProgGetNextId "PROG_GET_NEXT_ID" = 11,
    MapGetNextId "MAP_GET_NEXT_ID" = 12,
    ProgGetFdById "PROG_GET_FD_BY_ID" = 13,
    MapGetFdById "MAP_GET_FD_BY_ID" = 14,
    ObjGetInfoByFd "OBJ_GET_INFO_BY_FD" = 15,
    ProgQuery "PROG_QUERY" = 16,
    RawTracepointOpen "RAW_TRACEPOINT_OPEN" = 17,
    BtfLoad "BTF_LOAD" = 18,
    BtfGetFdById "BTF_GET_FD_BY_ID" = 19,
    TaskFdQuery "TASK_FD_QUERY" = 20,
    MapLookupAndDeleteElem "MAP_LOOKUP_AND_DELETE_ELEM" = 21,
    MapFreeze "MAP_FREEZE" = 22,
    BtfGetNextId "BTF_GET_NEXT_ID" = 23,
    MapLookupBatch "MAP_LOOKUP_BATCH" = 24,
    MapLookupAndDeleteBatch "MAP_LOOKUP_AND_DELETE_BATCH" = 25,
    MapUpdateBatch "MAP_UPDATE_BATCH" = 26,
    MapDeleteBatch "MAP_DELETE_BATCH" = 27,
    LinkCreate "LINK_CREATE" = 28,
    LinkUpdate "LINK_UPDATE" = 29,
    LinkGetFdById "LINK_GET_FD_BY_ID" = 30,
    LinkGetNextId "LINK_GET_NEXT_ID" = 31,
    EnableStats "ENABLE_STATS" = 32,
    IterCreate "ITER_CREATE" = 33,
    LinkDetach "LINK_DETACH" = 34,
    ProgBindMap "PROG_BIND_MAP" = 35,
}

numbers! {
    /// `BPF_MAP_TYPE_*`.
    MapType {
        HASH = 1,
        ARRAY = 2,
        PROG_ARRAY = 3,
        PERF_EVENT_ARRAY = 4,
        PERCPU_HASH = 5,
        PERCPU_ARRAY = 6,
        STACK_TRACE = 7,
        CGROUP_ARRAY = 8,
        LRU_HASH = 9,
        LRU_PERCPU_HASH = 10,
        LPM_TRIE = 11,
        ARRAY_OF_MAPS = 12,
        HASH_OF_MAPS = 13,
        DEVMAP = 14,
        SOCKMAP = 15,
        CPUMAP = 16,
        XSKMAP = 17,
        SOCKHASH = 18,
        CGROUP_STORAGE = 19,
        REUSEPORT_SOCKARRAY = 20,
        PERCPU_CGROUP_STORAGE = 21,
        QUEUE = 22,
        STACK = 23,
        SK_STORAGE = 24,
        DEVMAP_HASH = 25,
        STRUCT_OPS = 26,
        RINGBUF = 27,
        INODE_STORAGE = 28,
        TASK_STORAGE = 29,
        BLOOM_FILTER = 30,
        USER_RINGBUF = 31,
        CGRP_STORAGE = 32,
        ARENA = 33,
    }
}

impl MapType {
    /// Whether user space sees one value per possible CPU.
    pub const fn is_per_cpu(self) -> bool {
        matches!(
            self,
            Self::PERCPU_HASH
                | Self::PERCPU_ARRAY
                | Self::LRU_PERCPU_HASH
                | Self::PERCPU_CGROUP_STORAGE
        )
    }

    /// Whether keys are indexes 0 to `max_entries - 1`.
    pub const fn is_array(self) -> bool {
        matches!(
            self,
            Self::ARRAY
                | Self::PERCPU_ARRAY
                | Self::PROG_ARRAY
                | Self::PERF_EVENT_ARRAY
                | Self::CGROUP_ARRAY
                | Self::ARRAY_OF_MAPS
                | Self::DEVMAP
                | Self::CPUMAP
                | Self::XSKMAP
                | Self::SOCKMAP
                | Self::REUSEPORT_SOCKARRAY
        )
    }

    /// Whether values are descriptors of other maps.
    pub const fn is_map_in_map(self) -> bool {
        matches!(self, Self::ARRAY_OF_MAPS | Self::HASH_OF_MAPS)
    }
}

numbers! {
    /// `BPF_PROG_TYPE_*`.
    ProgType {
        UNSPEC = 0,
        SOCKET_FILTER = 1,
        KPROBE = 2,
        SCHED_CLS = 3,
        SCHED_ACT = 4,
        TRACEPOINT = 5,
        XDP = 6,
        PERF_EVENT = 7,
        CGROUP_SKB = 8,
        CGROUP_SOCK = 9,
        LWT_IN = 10,
        LWT_OUT = 11,
        LWT_XMIT = 12,
        SOCK_OPS = 13,
        SK_SKB = 14,
        CGROUP_DEVICE = 15,
        SK_MSG = 16,
        RAW_TRACEPOINT = 17,
        CGROUP_SOCK_ADDR = 18,
        LWT_SEG6LOCAL = 19,
        LIRC_MODE2 = 20,
        SK_REUSEPORT = 21,
        FLOW_DISSECTOR = 22,
        CGROUP_SYSCTL = 23,
        RAW_TRACEPOINT_WRITABLE = 24,
        CGROUP_SOCKOPT = 25,
        TRACING = 26,
        STRUCT_OPS = 27,
        EXT = 28,
        LSM = 29,
        SK_LOOKUP = 30,
        SYSCALL = 31,
        NETFILTER = 32,
    }
}

numbers! {
    /// `enum bpf_attach_type`.
    AttachType {
        CGROUP_INET_INGRESS = 0,
        CGROUP_INET_EGRESS = 1,
        CGROUP_INET_SOCK_CREATE = 2,
        CGROUP_SOCK_OPS = 3,
        SK_SKB_STREAM_PARSER = 4,
        SK_SKB_STREAM_VERDICT = 5,
        CGROUP_DEVICE = 6,
        SK_MSG_VERDICT = 7,
        CGROUP_INET4_BIND = 8,
        CGROUP_INET6_BIND = 9,
        CGROUP_INET4_CONNECT = 10,
        CGROUP_INET6_CONNECT = 11,
        CGROUP_INET4_POST_BIND = 12,
        CGROUP_INET6_POST_BIND = 13,
        CGROUP_UDP4_SENDMSG = 14,
        CGROUP_UDP6_SENDMSG = 15,
        LIRC_MODE2 = 16,
        FLOW_DISSECTOR = 17,
        CGROUP_SYSCTL = 18,
        CGROUP_UDP4_RECVMSG = 19,
        CGROUP_UDP6_RECVMSG = 20,
        CGROUP_GETSOCKOPT = 21,
        CGROUP_SETSOCKOPT = 22,
        TRACE_RAW_TP = 23,
        TRACE_FENTRY = 24,
        TRACE_FEXIT = 25,
        MODIFY_RETURN = 26,
        LSM_MAC = 27,
        TRACE_ITER = 28,
        CGROUP_INET4_GETPEERNAME = 29,
        CGROUP_INET6_GETPEERNAME = 30,
        CGROUP_INET4_GETSOCKNAME = 31,
        CGROUP_INET6_GETSOCKNAME = 32,
        XDP_DEVMAP = 33,
        CGROUP_INET_SOCK_RELEASE = 34,
        XDP_CPUMAP = 35,
        SK_LOOKUP = 36,
        XDP = 37,
        SK_SKB_VERDICT = 38,
        SK_REUSEPORT_SELECT = 39,
        SK_REUSEPORT_SELECT_OR_MIGRATE = 40,
        PERF_EVENT = 41,
        TRACE_KPROBE_MULTI = 42,
        LSM_CGROUP = 43,
        STRUCT_OPS = 44,
        NETFILTER = 45,
        TCX_INGRESS = 46,
        TCX_EGRESS = 47,
        TRACE_UPROBE_MULTI = 48,
        CGROUP_UNIX_CONNECT = 49,
        CGROUP_UNIX_SENDMSG = 50,
        CGROUP_UNIX_RECVMSG = 51,
        CGROUP_UNIX_GETPEERNAME = 52,
        CGROUP_UNIX_GETSOCKNAME = 53,
        NETKIT_PRIMARY = 54,
        NETKIT_PEER = 55,
        TRACE_KPROBE_SESSION = 56,
        TRACE_UPROBE_SESSION = 57,
    }
}

numbers! {
    /// `BPF_LINK_TYPE_*`.
    LinkType {
        RAW_TRACEPOINT = 1,
        TRACING = 2,
        CGROUP = 3,
        ITER = 4,
        NETNS = 5,
        XDP = 6,
        PERF_EVENT = 7,
        KPROBE_MULTI = 8,
        STRUCT_OPS = 9,
        NETFILTER = 10,
        TCX = 11,
        UPROBE_MULTI = 12,
        NETKIT = 13,
        SOCKMAP = 14,
    }
}

/// Flags of element updates (`BPF_ANY` and its kin).
pub mod elem {
    /// Create or replace.
    pub const ANY: u64 = 0;
    /// Create only.
    pub const NOEXIST: u64 = 1;
    /// Replace only; for queues and stacks: drop the oldest when full.
    pub const EXIST: u64 = 2;
    /// Under the value's spin lock.
    pub const LOCK: u64 = 4;
}

/// Flags of map creation and of descriptors (`BPF_F_*`).
pub mod map_flags {
    /// Allocate elements when needed.
    pub const NO_PREALLOC: u32 = 1;
    /// One list per CPU in an LRU.
    pub const NO_COMMON_LRU: u32 = 1 << 1;
    /// Memory of one node.
    pub const NUMA_NODE: u32 = 1 << 2;
    /// The descriptor may not write.
    pub const RDONLY: u32 = 1 << 3;
    /// The descriptor may not read.
    pub const WRONLY: u32 = 1 << 4;
    /// Stack traces by build-id and offset.
    pub const STACK_BUILD_ID: u32 = 1 << 5;
    /// Programs may not write.
    pub const RDONLY_PROG: u32 = 1 << 7;
    /// Programs may not read.
    pub const WRONLY_PROG: u32 = 1 << 8;
    /// Values may be mapped.
    pub const MMAPABLE: u32 = 1 << 10;
    /// Perf events outlive the descriptor that put them.
    pub const PRESERVE_ELEMS: u32 = 1 << 11;
    /// Inner arrays of other sizes are accepted.
    pub const INNER_MAP: u32 = 1 << 12;
    /// A `struct_ops` map that attaches by link.
    pub const LINK: u32 = 1 << 13;
}

/// Flags of program loads (`BPF_F_*`).
pub mod prog_flags {
    /// May sleep.
    pub const SLEEPABLE: u32 = 1 << 4;
    /// Takes packets of several buffers.
    pub const XDP_HAS_FRAGS: u32 = 1 << 5;
}

/// Flags of attachments (`BPF_F_*`).
pub mod attach_flags {
    /// A child cgroup's program replaces this one.
    pub const ALLOW_OVERRIDE: u32 = 1;
    /// Several programs run.
    pub const ALLOW_MULTI: u32 = 1 << 1;
    /// Replace the given program.
    pub const REPLACE: u32 = 1 << 2;
    /// Run before the given one.
    pub const BEFORE: u32 = 1 << 3;
    /// Run after the given one.
    pub const AFTER: u32 = 1 << 4;
    /// The neighbour is given by id.
    pub const ID: u32 = 1 << 5;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_names_and_unknown_ones_print_as_numbers() {
        assert_eq!(MapType::RINGBUF.to_string(), "ringbuf");
        assert_eq!(format!("{:?}", ProgType(999)), "ProgType(999)");
        assert_eq!(AttachType::from_name("TRACE_FEXIT"), Some(AttachType::TRACE_FEXIT));
        assert_eq!(Cmd::MapCreate.call(), "bpf(MAP_CREATE)");
    }
}
