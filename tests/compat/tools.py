"""What each of Debian's tools is called with, what triggers it, and the row that proves it.

The tools are black boxes: this table comes from their manual pages and from upstream's documented
output. Names below are those of `bpfcc-tools`, without the suffix that Debian gives them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

BASELINE = {"6.1": 84, "6.12": 66}
"""How many of 103 attach with Debian's own library, 0.26."""
BASELINE_NOTE = (
    "Debian's own library: 84 of 103 attach on 6.1, 66 on 6.12; DEBIAN says no where it is known of a tool. "
    "On 6.12 about 20 network tools fail in addition: its copy of uapi/linux/bpf.h is older than the kernel."
)


@dataclass(frozen=True)
class Tool:
    """One tool, one call."""

    name: str
    args: str = ""
    """Words; `{name}` is replaced by what the workload or the guest offers."""
    work: str = ""
    """The workload (a function of work.py) that is repeated until the row is there."""
    row: str | dict[str, str] = ""
    """A regular expression that a line of its output must match; by kernel, where what it prints differs."""
    end: bool = False
    """Prints its rows only when it is interrupted."""
    tty: bool = False
    """Needs a terminal."""
    alone: bool = False
    """Disturbs the others, so nothing runs beside it."""
    quiet: str | dict[str, str] = ""
    """Why no row can be had here, or in the kernels named; attaching is all that is asked for."""
    plain: bool = False
    """Has no BPF program of its own."""
    fails: str | dict[str, str] = ""
    """Why it cannot work here, or in the kernels named; then it must fail, and not crash."""
    debian: str | dict[str, str] = ""
    """Why it does not attach with Debian's own library, where that is known, or in the kernels named."""
    program: str = ""
    """The file, where it is not /usr/sbin/NAME-bpfcc."""
    netlink: bool = False
    """Attaches to a device, a socket or a cgroup, of which no descriptor is left."""

    @property
    def argv(self) -> list[str]:
        """The script that the package installs, and before it what runs it where it says nothing usable."""
        path = self.program or f"/usr/sbin/{self.name}-bpfcc"
        return ["/usr/bin/python3", path] if path.endswith(".py") else [path]

    @property
    def directory(self) -> str:
        """Where it is started: examples find their files beside them."""
        return os.path.dirname(self.argv[-1])

    def row_on(self, series: str) -> str:
        """The row that proves it in a kernel."""
        return _on(self.row, series)

    def quiet_on(self, series: str) -> str:
        """The reason why no row can be had in a kernel; empty where one must be seen."""
        return _on(self.quiet, series)

    def fails_on(self, series: str) -> str:
        """The reason why it cannot work in a kernel; empty where it must work."""
        return _on(self.fails, series)

    def debian_on(self, series: str) -> str:
        """Why Debian's own library cannot attach it in a kernel; empty where it can or nothing is known."""
        return self.fails_on(series) or _on(self.debian, series)


def _on(value: str | dict[str, str], series: str) -> str:
    return value if isinstance(value, str) else value.get(series, "")


LANGUAGES = {
    "java": "calls flow gc objnew stat threads", "node": "gc stat", "perl": "calls flow stat",
    "php": "calls flow stat", "python": "calls flow gc stat", "ruby": "calls flow gc objnew stat",
    "tcl": "calls flow objnew stat", "c": "objnew",
}  # fmt: skip
# Shell scripts of one line each around ucalls, uflow, ugc, uobjnew, ustat and uthreads; the last
# has no program.
WRAPPERS = {f"{name}{what}" for name, all in LANGUAGES.items() for what in all.split()} | {
    "reset-trace"
}

NO_ACCOUNTING = "blk_account_io_start and _done cannot be probed"
# What has changed below the scripts.
RENAMED = {"6.12": "it knows the arguments of vfs_unlink by a member of struct renamedata that 6.3 renamed"}
NEIGHBOURS = {"6.12": "it finds sk_protocol by its neighbours, which are others since 6.8"}
ARGUMENTS = "its program reads an argument more than the raw tracepoint mm_compaction_begin has since 5.18"
HISTOGRAM = r"^\s*\d+ -> \d+\s+: [1-9]"
TABLE = r"^\S+\s+[1-9]\d*$"

TOOLS = [
    Tool("argdist", "-i 1 -C p::vfs_write(struct\\ file\\ *file,\\ const\\ char\\ *buf,\\ size_t\\ count):size_t:count", "files", r"^\s*\d+\s+count = \d+"),
    Tool("bashreadline", "", "bash", r"echo compat-\d+"),
    # As NEIGHBOURS says.
    Tool("bindsnoop", "", "listen", {"6.1": r"TCP\s+127\.0\.0\.1\s+\d+", "6.12": r"UNKN\s+127\.0\.0\.1\s+\d+"}),
    Tool("biolatency", "1 99", "disk", HISTOGRAM, fails=NO_ACCOUNTING),
    Tool("biolatpcts", "-i 1 {disk}", "disk", r"^write\s+\S*[1-9]"),
    Tool("biopattern", "1 99", "disk", r"{diskname}\s+\d+\s+\d+\s+[1-9]"),
    Tool("biosnoop", "", "disk", r"{diskname}\s+[RW]\s+\d+", fails=NO_ACCOUNTING),
    Tool("biotop", "-C 1 99", "disk", r"{diskname}\s+[1-9]", fails=NO_ACCOUNTING),
    Tool("bitesize", "", "disk", HISTOGRAM, end=True),
    Tool("bpflist", "", "", r"^\d+\s+\S+\s+(prog|map)\s+[1-9]", plain=True),
    Tool("btrfsdist", "1 99", "btrfs", HISTOGRAM),
    Tool("btrfsslower", "0", "btrfs", r"compat-\w+$"),
    # It counts hits by mark_page_accessed, which reads no longer call on 6.12.
    Tool("cachestat", "1 99", "files", {"6.1": r"^\s*[1-9]\d*\s+\d+\s+\d+\s+[\d.]+%", "6.12": r"^\s*\d+\s+\d+\s+[1-9]\d*\s+[\d.]+%"}),
    Tool("cachetop", "1", "files", r"root\s+\S+\s+[1-9]\d*", tty=True),
    Tool("capable", "", "chown", r"CAP_CHOWN"),
    Tool("compactsnoop", "", "hugepages", r"\d+\.\d+\s+\w+$", alone=True, fails=ARGUMENTS),
    Tool("cpudist", "1 99", "files", HISTOGRAM),
    Tool("cpuunclaimed", "1 99", "spin", r"%CPU\s+[\d.]+%|samples arrived"),
    Tool("criticalstat", fails="the kernels lack the preemptirq tracepoints"),
    Tool("dbslower", "mysql -p {target} -m 0", "target q", r"SELECT 'compat"),
    Tool("dbstat", "mysql -p {target} -i 1", "target q", HISTOGRAM),
    Tool("dcsnoop", "", "lookup", r"\sM\s+\S+"),
    Tool("dcstat", "1 99", "lookup", r"^\S+\s+[1-9]\d*\s+\d+\s+\d+"),
    Tool("deadlock", "--binary {libc} {target}", "target l", r"Potential Deadlock Detected"),
    Tool("dirtop", "-d {dir} -C 1 99", "files", r"[1-9]\d*\s+.*{dir}"),
    Tool("drsnoop", "", "hugepages", r"^\S+\s+\d+\s+\d+\.\d+\s+\d+", alone=True),
    Tool("execsnoop", "", "exec", r"/bin/true"),
    Tool("exitsnoop", "", "exec", r"^true\s+\d+"),
    Tool("ext4dist", "1 99", "ext4", HISTOGRAM),
    Tool("ext4slower", "0", "ext4", r"compat-\w+$"),
    # Without the name, as RENAMED says.
    Tool("filegone", "", "unlink", {"6.1": r"DELETE\s+compat-gone", "6.12": r"DELETE"}),
    Tool("filelife", "", "unlink", r"compat-gone", quiet=RENAMED),
    Tool("fileslower", "-a 0", "files", r"compat-\w+$"),
    Tool("filetop", "-C 1 99", "files", r"R\s+compat-|R\s+zero|\s[1-9]\d*\s+[1-9]?\d*\s+[RO]\s+\S+"),
    Tool("funccount", "-i 1 vfs_*", "files", r"vfs_read\s+[1-9]", debian="stops at the first function that cannot be probed"),
    Tool("funcinterval", "-i 1 vfs_read", "files", HISTOGRAM),
    Tool("funclatency", "-i 1 vfs_read", "files", HISTOGRAM),
    Tool("funcslower", "-u 1 vfs_read", "files", r"^\S+\s+\d+\s+[\d.]+\s+\w+\s+vfs_read"),
    Tool("gethostlatency", "", "resolve", r"localhost$"),
    Tool("hardirqs", "1 99", "disk", TABLE),
    Tool("inject", "kmalloc -P 1 kmalloc()", fails="the kernels lack bpf_override_return"),
    Tool("killsnoop", "", "kill", r"\s0\s+\d+\s+0$"),
    Tool("klockstat", "-i 1", "pipe", r"\s[1-9]\d*\s"),
    Tool("kvmexit", "-p 1", fails="the guests run no guests"),
    Tool("llcstat", "1", fails="the guests have no hardware counters"),
    Tool("mdflush", quiet="no RAID in the guests"),
    Tool("memleak", "-p {target} 1 99", "target m", r"bytes in \d+ allocations from stack"),
    Tool("mountsnoop", "", "mount", r"mount\(.*tmpfs"),
    Tool("mysqld_qslower", "{target} 0", "target q", r"SELECT 'compat"),
    Tool("netqtop", "-n lo -i 1", "tcp", r"Total\s+[1-9]|^\s*0\s+[1-9]"),
    Tool("nfsdist", "1 99", quiet="no NFS server in the guests"),
    Tool("nfsslower", "0", quiet="no NFS server in the guests"),
    Tool("offcputime", "1", "exec", r"^\s+(-\s+)?\S+ \(\d+\)|schedule"),
    Tool("offwaketime", "1", "exec", r"target:|waker:|schedule"),
    Tool("oomkill", "", "oom", r"OOM kill of PID \d+"),
    Tool("opensnoop", "", "files", r"compat-\w+$"),
    Tool("pidpersec", "", "exec", r"PIDs/sec: [1-9]"),
    Tool("ppchcalls", fails="traces POWER's hypervisor calls"),
    Tool("profile", "1", "spin", r"^\s+-\s+\S+ \(\d+\)"),
    Tool("readahead", "", "readahead", r"Read-ahead|" + HISTOGRAM, end=True, fails="do_page_cache_ra is inlined into its callers"),
    Tool("runqlat", "1 99", "exec", HISTOGRAM),
    Tool("runqlen", "1 99", "spin", r"^\s*\d+\s+: [1-9]"),
    Tool("runqslower", "1", "spin", r"^\S+\s+\S+\s+\d+\s+\d+"),
    Tool("shmsnoop", "", "shm", r"SHMGET"),
    Tool("slabratetop", "-C 1 99", "lookup", r"^\S+\s+[1-9]\d*\s+[1-9]\d*", debian="private headers are gone"),
    Tool("sofdsnoop", "", "sendfd", r"(SEND|RECV)\s", debian="min() is not declared"),
    Tool("softirqs", "1 99", "disk", TABLE),
    Tool("solisten", "", "listen", r"TCPv4"),
    Tool("sslsniff", "", "ssl", r"compat-secret", debian="min() is not declared"),
    Tool("stackcount", "-i 1 vfs_read", "files", r"^\s+[1-9]\d*$"),
    # It takes the wrapper's argument for the path, so that this is empty.
    Tool("statsnoop", "", "stat", r"python3\s+-1\s+2\b", debian="newfstatat is not hooked"),
    Tool("syncsnoop", "", "sync", r"sync"),
    Tool("syscount", "-i 1", "files", r"(read|write|open)\w*\s+[1-9]"),
    Tool("tcpaccept", "", "tcp", r"127\.0\.0\.1", quiet=NEIGHBOURS),
    Tool("tcpcong", "1 99", "loss", r"127\.0\.0\.1/\d+\s+127\.0\.0\.1/\d+"),
    Tool("tcpconnect", "", "tcp", r"127\.0\.0\.1"),
    Tool("tcpconnlat", "", "tcp", r"127\.0\.0\.1.*\d"),
    Tool("tcpdrop", "", "loss", r"127\.0\.0\.1:\d+"),
    Tool("tcplife", "", "tcp", r"127\.0\.0\.1"),
    Tool("tcpretrans", "", "retransmit", r"R>\s"),
    Tool("tcprtt", "-i 1 -d 99", "tcp", HISTOGRAM, debian="the rewriter garbles tcp_sk()"),
    Tool("tcpstates", "", "tcp", r"ESTABLISHED"),
    Tool("tcpsubnet", "-i 1 127.0.0.0/8", "tcp", r"127\.0\.0\.0/8\s+[1-9]"),
    Tool("tcpsynbl", "", "tcp", r"backlog_max|->.*: [1-9]", end=True),
    Tool("tcptop", "-C 1 99", "tcp", r"127\.0\.0\.1:\d+\s+127\.0\.0\.1:\d+"),
    Tool("tcptracer", "", "tcp", r"^[CAX]\s.*127\.0\.0\.1"),
    Tool("threadsnoop", "", "thread", r"^\S+\s+\d+\s+\S+\s+\S+"),
    Tool("tplist", "sched:sched_switch", "", r"^sched:sched_switch$", plain=True),
    Tool("trace", "do_sys_openat2\\ \"%s\",\\ arg2@user", "files", r"do_sys_openat2\s+.*compat-"),
    Tool("ttysnoop", "-C {tty}", "tty", r"compat-typed", debian="the verifier rejects its fentry program"),
    Tool("vfscount", "3", "files", r"vfs_read\S*\s+[1-9]"),
    Tool("vfsstat", "1 99", "files", r"^\S+:\s+[1-9]\d*\s+\d+"),
    Tool("virtiostat", "1 99", "disk", r"virtio_blk'?\s+\S*virtio\d+"),
    Tool("wakeuptime", "1", "exec", r"target:|waker:"),
    Tool("xfsdist", "1 99", "xfs", HISTOGRAM),
    Tool("xfsslower", "0", "xfs", r"compat-\w+'?$"),
    Tool("zfsdist", "1", fails="Debian's kernels have no ZFS"),
    Tool("zfsslower", "0", fails="Debian's kernels have no ZFS"),
    # Debian's Python tells of a function's entry only while its line probe is on.
    Tool("ucalls", "-l python {python} 1", "python", quiet="no entry of a function is told", program="/usr/sbin/ucalls"),
    Tool("uflow", "-l python {python}", "python", r"<-\s.*step", program="/usr/sbin/uflow"),
    Tool("ugc", "-l python {python}", "python", r"^[\d.]+\s+[\d.]+\s", program="/usr/sbin/ugc"),
    Tool("uobjnew", "-l c {target} 1", "target m", r"\s[1-9]\d*\s+[1-9]\d*$", program="/usr/sbin/uobjnew"),
    Tool("ustat", "-C 1 99", "python", r"^\d+\s+\S*python.*\s[1-9]\d*\s", program="/usr/sbin/ustat"),
    Tool("uthreads", "-l c {target}", "target t", r"pthread", program="/usr/sbin/uthreads"),
]
