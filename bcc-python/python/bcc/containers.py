"""C text of the container filters that tools offer as `--cgroupmap` and `--mntnsmap`."""

_CGROUP = """
BPF_TABLE_PINNED("hash", u64, u64, cgroupset, 1024, "%s");

static inline int _cgroup_filter() {
    u64 cgroupid = bpf_get_current_cgroup_id();
    return cgroupset.lookup(&cgroupid) == NULL;
}
"""

_NO_CGROUP = """
static inline int _cgroup_filter() {
    return 0;
}
"""

# BTF has this struct. The kernel's headers do not: it is private in fs/mount.h, and they have no trace
# of the counter that was once in front.
_MNTNS = """
#include <linux/nsproxy.h>
#include <linux/mount.h>
#include <linux/ns_common.h>

#if defined(__BCC_REAL_HEADERS__) && !defined(MNT_NAMESPACE_DEFINED)
#define MNT_NAMESPACE_DEFINED
struct mnt_namespace {
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 11, 0)
    atomic_t count;
#endif
    struct ns_common ns;
};
#endif

BPF_TABLE_PINNED("hash", u64, u32, mount_ns_set, 1024, "%s");

static inline int _mntns_filter() {
    struct task_struct *current_task;
    current_task = (struct task_struct *)bpf_get_current_task();
    u64 ns_id = current_task->nsproxy->mnt_ns->ns.inum;
    return mount_ns_set.lookup(&ns_id) == NULL;
}
"""

_NO_MNTNS = """
static inline int _mntns_filter() {
    return 0;
}
"""

_FILTER = """
static inline int container_should_be_filtered() {
    return _cgroup_filter() || _mntns_filter();
}
"""


def filter_by_containers(args):
    """C text that defines `container_should_be_filtered()`: 1 when the current task is to be skipped.

    `args.cgroupmap` and `args.mntnsmap` name pinned hash maps of wanted cgroup ids and mount
    namespaces; None means no such filter.
    """
    cgroupmap = getattr(args, "cgroupmap", None)
    mntnsmap = getattr(args, "mntnsmap", None)
    return (
        (_CGROUP % cgroupmap if cgroupmap else _NO_CGROUP)
        + (_MNTNS % mntnsmap if mntnsmap else _NO_MNTNS)
        + _FILTER
    )
