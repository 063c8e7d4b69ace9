"""Upstream's examples, as Debian's package installs them: the same table as that of the tools.

They are black boxes as well: a row is what one was seen to print under its workload.
"""

from __future__ import annotations

from tools import HISTOGRAM, TOOLS, Tool

DIRECTORY = "/usr/share/doc/bpfcc-tools/examples"
NO_ACCOUNTING = "blk_account_io_done cannot be probed"
NO_SERVER = "the guests have no such server"
NO_TRACEPOINT = "the kernels lack the tracepoint random:urandom_read"
CHOSEN = "strlen by name is the function that was chosen, not the one that chooses"
EMPTY = "it prints empty lines here, with Debian's own library as well"
FRAMES = r"^17: [1-9]\d* pkt/s"
FORWARDED = r"^[1-9]\d* pkt/s"


def example(name: str, args: str = "", work: str = "", row: str = "", **more: object) -> Tool:
    """An example by its path below the directory, without `.py`."""
    return Tool(name, args, work, row, program=f"{DIRECTORY}/{name}.py", **more)  # type: ignore[arg-type]


EXAMPLES = [
    example("hello_world", "", "fork", r"Hello, World!"),
    example("networking/http_filter/http-parse-complete", "-i lo", "http", r"GET /compat", netlink=True),
    example("networking/http_filter/http-parse-simple", "-i lo", "http", r"GET /compat", netlink=True),
    example("networking/net_monitor", "lo", "http", quiet=EMPTY, netlink=True),
    example("networking/simple_tc", "", "", r"SCHED_CLS: OK", netlink=True, plain=True),
    example("networking/sockmap", "-c /sys/fs/cgroup", "http", r"try redirect port", netlink=True, alone=True),
    example("networking/tc_perf_event", "", "ping6", r"fe80::.*0x", alone=True),
    example("networking/xdp/xdp_drop_count", "{veth}", "datagrams", FRAMES, netlink=True),
    example("networking/xdp/xdp_macswap_count", "{veth}", "datagrams", FRAMES, netlink=True, alone=True),
    example("networking/xdp/xdp_redirect_map", "{veth} {peer}", "datagrams", FORWARDED, netlink=True, alone=True),
    example("networking/xdp/xdp_redirect_cpu", "{veth} 1", "datagrams", FORWARDED, netlink=True, alone=True),
    example("tracing/biolatpcts", "vda", "disk", r"p50=[1-9]\d*us"),
    example("tracing/bitehist", "", "disk", HISTOGRAM, end=True, fails=NO_ACCOUNTING),
    example("tracing/dddos", "", "", quiet="nobody floods here"),
    example("tracing/disksnoop", "", "disk", r"\d+\s+\d+\.\d+", fails=NO_ACCOUNTING),
    example("tracing/hello_fields", "", "fork", r"Hello, World!"),
    example("tracing/hello_perf_output", "", "fork", r"Hello, perf_output!"),
    example("tracing/hello_perf_output_using_ns", "", "fork", r"Hello, perf_output!"),
    example("tracing/kvm_hypercall", "", "", fails="the guests run no guests"),
    example("tracing/mallocstacks", "{python}", "python", r"bytes allocated at:", end=True),
    example("tracing/mysqld_query", "{self}", "", fails=NO_SERVER),
    example("tracing/nflatency", "", "tcp", HISTOGRAM, end=True),
    example("tracing/nodejs_http_server", "{self}", "", fails=NO_SERVER),
    example("tracing/stack_buildid_example", "", "spin", r"^\s*-\s+\S+ \(\d+\)$", end=True),
    example("tracing/stacksnoop", "vfs_unlink", "unlink", r"\d+\.\d+\s+vfs_unlink"),
    example("tracing/strlen_count", "", "bash", r'^\s*[1-9]\d* "'),
    example("tracing/strlen_hist", "", "bash", HISTOGRAM),
    example("tracing/strlen_hist_ifunc", "", "bash", HISTOGRAM, fails=CHOSEN),
    example("tracing/strlen_snoop", "{python}", "python", r"python'?\s+{python}\s+b?'?\w+"),
    example("tracing/sync_timing", "", "sync", r"multiple syncs detected"),
    example("tracing/task_switch", "", "spin", r"task_switch\[\s*\d+->\s*\d+\]=[1-9]"),
    example("tracing/tcpv4connect", "", "tcp", r"127\.0\.0\.1\s+127\.0\.0\.1\s+\d+"),
    example("tracing/trace_fields", "", "fork", r"Hello, World!"),
    example("tracing/trace_perf_output", "", "fork", r"\[\d+\] \d+\.\d+: 12345678"),
    example("tracing/undump", "-p {self}", "sendfd", r"Recv"),
    example("tracing/urandomread", "", "", fails=NO_TRACEPOINT),
    example("tracing/urandomread-explicit", "", "", fails=NO_TRACEPOINT),
    example("tracing/vfsreadlat", "1", "files", HISTOGRAM),
]  # fmt: skip

ALL = TOOLS + EXAMPLES

# Parts of others, and what builds networks of many machines and waits for a person.
OTHERS = {
    "networking/distributed_bridge/main", "networking/distributed_bridge/simulation",
    "networking/distributed_bridge/tunnel", "networking/distributed_bridge/tunnel_mesh",
    "networking/neighbor_sharing/simulation", "networking/neighbor_sharing/tc_neighbor_sharing",
    "networking/simulation", "networking/tunnel_monitor/main", "networking/tunnel_monitor/monitor",
    "networking/tunnel_monitor/simulation", "networking/vlan_learning/simulation",
    "networking/vlan_learning/vlan_learning",
}  # fmt: skip
