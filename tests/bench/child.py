"""One start in a process of its own: import, construction, load and attach, first event, memory.

Runs under any Python with any `bcc`, ours or another. Reads a program as JSON on stdin, prints
what it measured as JSON. `attach` names a function that a getppid(2) of this process is to run, and
`event` the table whose events then arrive; both may be absent.
"""

import glob
import json
import os
import resource
import sys
import time


def live_children_seconds():
    """CPU of children that still run, to the nanosecond: the compiler may outlive its answer."""
    total = 0
    for path in glob.glob(f"/proc/{os.getpid()}/task/*/children"):
        with open(path) as children:
            for pid in children.read().split():
                for schedstat in glob.glob(f"/proc/{pid}/task/*/schedstat"):
                    try:
                        with open(schedstat) as file:
                            total += int(file.read().split()[0])
                    except OSError:
                        continue
    return total / 1e9


class Stage:
    """Milliseconds of a `with` body: wall, this process, its children."""

    def __enter__(self):
        self.children = self._children()
        self.cpu = time.process_time()
        self.wall = time.perf_counter()
        return self

    def __exit__(self, *error):
        self.wall = (time.perf_counter() - self.wall) * 1e3
        self.cpu = (time.process_time() - self.cpu) * 1e3
        self.children = (self._children() - self.children) * 1e3

    @staticmethod
    def _children():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime + live_children_seconds()

    def values(self):
        return {"wall": self.wall, "cpu": self.cpu, "children": self.children}


def memory():
    """KiB of this process: peak and present resident ones, those it shares with nobody; and the peak
    of its largest child that has ended."""
    with open("/proc/self/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    with open("/proc/self/smaps_rollup") as rollup:
        rollup.readline()
        parts = dict(line.split(":", 1) for line in rollup)
    private = sum(int(parts[name].split()[0]) for name in ("Private_Clean", "Private_Dirty"))
    return {
        "peak": int(fields["VmHWM"].split()[0]),
        "steady": int(fields["VmRSS"].split()[0]),
        "private": private,
        "child_peak": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
    }


def traces_of_a_compiler():
    """What shows that this process compiled something, or had it compiled."""
    found = []
    with open("/proc/self/maps") as maps:
        text = maps.read()
    found += [f"{name} is mapped" for name in ("libLLVM", "libclang", "libbcc.so") if name in text]
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    if usage.ru_maxrss or usage.ru_minflt or live_children_seconds():
        found.append("a child was started")
    return found


def first_event(b, table):
    """Waits for the event of a getppid(2) of this process."""
    arrived = []
    b[table.encode()].open_perf_buffer(lambda cpu, data, size: arrived.append(size))
    os.getppid()
    deadline = time.monotonic() + 10
    while not arrived:
        b.perf_buffer_poll(timeout=100)
        if time.monotonic() > deadline:
            raise SystemExit("no event within ten seconds")


def main():
    program = json.load(sys.stdin)
    with Stage() as importing:
        from bcc import BPF
    with Stage() as building:
        b = BPF(text=program["text"].encode())
    measured = {"import": importing.values(), "construct": building.values()}
    if "attach" in program:
        with Stage() as attaching:
            b.attach_tracepoint(
                tp=b"syscalls:sys_enter_getppid", fn_name=program["attach"].encode()
            )
        measured["attach"] = attaching.values()
        # From the start of the interpreter on.
        measured["started"] = {"cpu": time.process_time() * 1e3, "children": Stage._children() * 1e3}
    if "event" in program:
        first_event(b, program["event"])
    measured["memory"] = memory()
    measured["compiler"] = traces_of_a_compiler()
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
