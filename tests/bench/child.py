"""One measurement in a process of its own: import, construction, load and attach, memory.

Runs under any Python with any `bcc`, ours or another. Reads a program as JSON on stdin, prints
what it measured as JSON.
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
    """Peak and present resident KiB of this process."""
    with open("/proc/self/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return {"peak": int(fields["VmHWM"].split()[0]), "steady": int(fields["VmRSS"].split()[0])}


def main():
    program = json.load(sys.stdin)
    with Stage() as importing:
        from bcc import BPF
    with Stage() as building:
        b = BPF(text=program["text"].encode(), cflags=program["cflags"])
    with Stage() as attaching:
        for tracepoint, function in program["attach"].items():
            b.attach_tracepoint(tp=tracepoint.encode(), fn_name=function.encode())
    print(
        json.dumps(
            {
                "import": importing.values(),
                "construct": building.values(),
                "attach": attaching.values(),
                "memory": memory(),
            }
        )
    )


if __name__ == "__main__":
    main()
