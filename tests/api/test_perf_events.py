"""Perf events: which of them run programs, on which CPU and process, how often."""

import contextlib
import ctypes as ct
import errno
import mmap
import os
import subprocess
import sys
import threading
import time

import bcc
import pytest
from bcc import BPF, PerfHWConfig, PerfSWConfig, PerfType
from counted import COUNT, MINE, hits


def test_perf_event(row):
    text = COUNT + "int f(struct bpf_perf_event_data *ctx) { return hit(); }"
    with BPF(text=text.encode(), cflags=MINE) as b:
        b.attach_perf_event(PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK, b"f", sample_freq=999)
        while hits(b) == 0:
            sum(range(10_000))
        row("BPF.attach_perf_event", "samples > 0")
        b.detach_perf_event(PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK)
        attr = bcc.Perf.perf_event_attr()
        attr.type, attr.config = PerfType.SOFTWARE, PerfSWConfig.TASK_CLOCK
        attr.sample_period = 1_000_000
        seen = hits(b)
        b.attach_perf_event_raw(attr, b"f", pid=os.getpid())
        while hits(b) == seen:
            sum(range(10_000))
        row("BPF.attach_perf_event_raw", "samples > 0")


# Every sample, whoever was interrupted.
ALL = b"""BPF_ARRAY(hits, u64, 1);
int f(struct bpf_perf_event_data *ctx) {
    hits.atomic_increment(0);
    return 0;
}"""
CPUS = b"""BPF_HASH(seen, u32, u64);
int f(struct bpf_perf_event_data *ctx) {
    u32 cpu = bpf_get_smp_processor_id();
    seen.increment(cpu);
    return 0;
}"""


def perf_events():
    """How many perf events or links of them this process holds."""
    held = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the one that listed the directory
            held.append(os.readlink(f"/proc/self/fd/{name}"))
    return held.count("anon_inode:[perf_event]") + held.count("anon_inode:bpf_link")


def test_perf_events_of_one_cpu(row):
    online = bcc.get_online_cpus()
    clock = PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK
    with BPF(text=CPUS) as b:
        before = perf_events()
        b.attach_perf_event(*clock, b"f", sample_freq=999, cpu=online[-1])
        assert perf_events() - before == 1
        while not b[b"seen"]:
            sum(range(10_000))
        assert [key.value for key in b[b"seen"].keys()] == [online[-1]]
        row("BPF.attach_perf_event cpu=", f"samples of CPU {online[-1]} alone, on 1 descriptor")
        b.detach_perf_event(*clock)
        b.attach_perf_event(*clock, b"f", sample_period=1_000_000)
        assert perf_events() - before == len(online)
        row("BPF.attach_perf_event of all CPUs", f"{len(online)} descriptors")
        b.detach_perf_event(*clock)
        with pytest.raises(bcc.AttachError, match="ENODEV|EINVAL"):
            b.attach_perf_event(*clock, b"f", sample_freq=999, cpu=max(bcc.utils.get_possible_cpus()) + 1)
        row("BPF.attach_perf_event cpu= of no CPU", "refused")


def touch(pages):
    """Faults that many pages in."""
    with mmap.mmap(-1, pages * mmap.PAGESIZE) as memory:
        for page in range(pages):
            memory[page * mmap.PAGESIZE] = 1


def test_perf_event_of_one_process(row):
    faults = PerfType.SOFTWARE, PerfSWConfig.PAGE_FAULTS
    script = "import mmap; input(); m = mmap.mmap(-1, 4096000)\nfor page in range(1000): m[page * 4096] = 1"
    with BPF(text=ALL) as b, subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, text=True
    ) as other:
        b.attach_perf_event(*faults, b"f", sample_period=1, pid=threading.get_native_id())
        pages, seen = 97, hits(b)
        other.communicate("\n")
        touch(pages)
        counted = hits(b) - seen
        assert other.returncode == 0 and pages <= counted < 1000, counted
        row("BPF.attach_perf_event pid=, sample_period=1", f"{pages} page faults and few more, none of another's 1000")
        b.detach_perf_event(*faults)
        with pytest.raises(bcc.AttachError, match="ESRCH"):
            b.attach_perf_event(*faults, b"f", sample_period=1, pid=1 << 22)
        row("BPF.attach_perf_event pid= of no process", "ESRCH")


def test_perf_event_in_a_group(row):
    lib = bcc.libbcc.lib
    cpu = bcc.get_online_cpus()[0]
    with BPF(text=CPUS) as b:
        leader = lib.bpf_open_perf_event(PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK, -1, cpu)
        assert leader >= 0
        clock = PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK
        b.attach_perf_event(*clock, b"f", sample_freq=999, cpu=cpu, group_fd=leader)
        affinity = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {cpu})
        while not b[b"seen"]:
            sum(range(10_000))
        os.sched_setaffinity(0, affinity)
        row("BPF.attach_perf_event group_fd=", f"samples of CPU {cpu}")
        b.detach_perf_event(*clock)
        lib.bpf_close_perf_event_fd(leader)
        with pytest.raises(bcc.AttachError, match="EBADF"):
            b.attach_perf_event(*clock, b"f", sample_freq=999, cpu=cpu, group_fd=leader)
        row("BPF.attach_perf_event group_fd= closed", "EBADF")


def test_rate_of_samples(row):
    clock = PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK
    rates = {}
    for hertz in (20, 80):
        with BPF(text=ALL) as b:
            b.attach_perf_event(*clock, b"f", sample_freq=hertz, pid=threading.get_native_id())
            busy = time.thread_time()
            while time.thread_time() - busy < 0.6:
                pass
            rates[hertz] = hits(b) / (time.thread_time() - busy)
    for hertz, rate in rates.items():
        assert hertz / 2 < rate < hertz * 2, rates
    row("BPF.attach_perf_event sample_freq=", "20 and 80 samples a second of CPU time, within 2 times")


def test_samples_follow_children(row):
    text = b"""BPF_HASH(seen, u32, u64);
    int f(struct bpf_perf_event_data *ctx) {
        u32 pid = bpf_get_current_pid_tgid() >> 32;
        seen.increment(pid);
        return 0;
    }"""
    script = (
        "import os, sys\nsys.stdin.read(1)\npid = os.fork()\nwhile pid == 0: pass\n"
        "print(pid, flush=True)\nsys.stdin.read()"
    )
    with BPF(text=text) as b, subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        b.attach_perf_event(
            PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK, b"f", sample_freq=999, pid=parent.pid
        )
        parent.stdin.write("x")
        parent.stdin.flush()
        child = int(parent.stdout.readline())
        try:
            while ct.c_uint32(child) not in b[b"seen"]:
                pass
        finally:
            os.kill(child, 9)
            parent.stdin.close()
    row("BPF.attach_perf_event pid, inherited", "samples of a child")


def test_events_without_hardware_are_refused(row):
    with BPF(text=b"int f(struct bpf_perf_event_data *ctx) { return 0; }") as b:
        with pytest.raises(Exception, match="exactly one of"):
            b.attach_perf_event(PerfType.SOFTWARE, 0, b"f", sample_freq=9, sample_period=9)
        for kind, config in ((PerfType.TRACEPOINT, 1), (PerfType.BREAKPOINT, 0), (PerfType.SOFTWARE, 10)):
            with pytest.raises(bcc.AttachError):
                b.attach_perf_event(kind, config, b"f", sample_period=9)
        with pytest.raises(Exception, match="not attached"):
            b.detach_perf_event(PerfType.SOFTWARE, 0)
        for kind, config, why in (
            (PerfType.HARDWARE, 10, "no such hardware event"),
            (PerfType.HW_CACHE, 7, "no such cache event"),
            (PerfType.HW_CACHE, 0x30000, "no such cache event"),
            (PerfType.SOFTWARE, 11, "no such software event"),
        ):
            with pytest.raises(bcc.AttachError, match=why):
                b.attach_perf_event(kind, config, b"f", sample_period=9)
        row("BPF.attach_perf_event of no event", "named before the kernel is asked")
        # Well-formed ones: taken with the hardware for it, else refused by the kernel with a reason.
        pmu = os.path.exists("/sys/bus/event_source/devices/cpu")
        for kind, config in (
            (PerfType.HARDWARE, PerfHWConfig.CPU_CYCLES), (PerfType.HW_CACHE, 0x10002), (PerfType.RAW, 0x3C)
        ):
            if pmu:
                b.attach_perf_event(kind, config, b"f", sample_period=1_000_000)
                b.detach_perf_event(kind, config)
                continue
            with pytest.raises(bcc.AttachError, match=f"type {kind} config {config}: .*no such event") as why:
                b.attach_perf_event(kind, config, b"f", sample_period=1_000_000)
            assert why.value.errno in (errno.ENOENT, errno.EOPNOTSUPP)
            attr = bcc.Perf.perf_event_attr()
            attr.type, attr.config, attr.sample_period = kind, config, 1_000_000
            with pytest.raises(bcc.AttachError, match=f"type {kind} config {config}"):
                b.attach_perf_event_raw(attr, b"f")
        row("BPF.attach_perf_event HARDWARE, HW_CACHE, RAW", "attached" if pmu else "no such event here")
    row("BPF.attach_perf_event, arguments", "refused")
