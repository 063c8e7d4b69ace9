"""What the bundled tools share: options, filters, loops, time and text. Functions only.

A tool stays a script that reads from top to bottom. It passes its C text and its own columns to
nothing here; this file holds only what three tools would otherwise repeat. It uses the public API
of `bcc` alone, so a copied tool needs just this file beside it.
"""

from __future__ import annotations

import argparse
import ctypes as ct
import errno
import json
import os
import pwd
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

# What upstream's interval tools take for "until Ctrl-C".
FOREVER = 99999999


def parser(description: str, examples: str) -> argparse.ArgumentParser:
    """An option parser with the switches every tool has: -h with examples, --json, --ebpf.

    `--json` must be added by the tool itself when it has a short form of its own.
    """
    p = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=examples,
    )
    p.add_argument("--ebpf", action="store_true", help=argparse.SUPPRESS)
    return p


def add_json(p: argparse.ArgumentParser) -> None:
    """Adds --json: one object a line instead of columns."""
    p.add_argument("--json", action="store_true", help="print one JSON object a line")


def add_containers(p: argparse.ArgumentParser) -> None:
    """Adds --cgroupmap and --mntnsmap, the container filters."""
    p.add_argument("--cgroupmap", help="trace cgroups in this BPF map only")
    p.add_argument("--mntnsmap", help="trace mount namespaces in this BPF map only")


def container_text(args: argparse.Namespace) -> tuple[str, list[str]]:
    """C to put in front of a tool's text, and the switch that makes the tool call it.

    The text defines `container_should_be_filtered()`; without a filter both are empty.
    """
    if not (args.cgroupmap or args.mntnsmap):
        return "", []
    from bcc.containers import filter_by_containers

    return filter_by_containers(args), ["-DFILTER_CONTAINER"]


def add_interval(p: argparse.ArgumentParser, interval: int = FOREVER, count: int = FOREVER) -> None:
    """Adds the positional arguments `[interval] [count]`."""
    p.add_argument("interval", nargs="?", default=interval, type=int, help="seconds per report")
    p.add_argument("count", nargs="?", default=count, type=int, help="number of reports")


def uid(text: str) -> int:
    """A user id from a number or a user's name; for `type=` of an option."""
    if text.isdigit():
        return int(text)
    try:
        return pwd.getpwnam(text).pw_uid
    except KeyError:
        message = f"'{text}' is not valid UID or user entry"
        raise argparse.ArgumentTypeError(message) from None


def ports(text: str) -> list[int]:
    """Port numbers from a comma-separated list; for `type=` of an option."""
    try:
        numbers = [int(word) for word in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of ports") from None
    if not all(0 <= number < 1 << 16 for number in numbers):
        raise argparse.ArgumentTypeError(f"'{text}' has a number that is no port")
    return numbers


def whole(text: str, least: int = 0) -> int:
    """A number of at least `least`; for `type=` of an option."""
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be an integer") from None
    if number < 0:
        raise argparse.ArgumentTypeError("must be positive")
    if number < least:
        raise argparse.ArgumentTypeError("must be nonzero")
    return number


def nonzero(text: str) -> int:
    """A number above zero; for `type=` of an option."""
    return whole(text, 1)


def ids(text: str) -> list[int]:
    """Process or thread ids from a comma-separated list; for `type=` of an option."""
    try:
        numbers = [int(word) for word in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError("must be integers") from None
    if any(number < 0 for number in numbers):
        raise argparse.ArgumentTypeError("must be positive ingegers")
    return numbers


def fail(message: str, status: int = 1) -> NoReturn:
    """Ends the tool with one line on stderr."""
    print(message, file=sys.stderr)
    sys.exit(status)


def run(main: Callable[[], object]) -> None:
    """Runs a tool; what bcc could not do (attach, find a symbol) is one line, not a traceback."""
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        # Python's own errors are mistakes in a tool, and shown as such.
        if type(error) is not Exception and not type(error).__module__.startswith("bcc"):
            raise
        fail(f"{os.path.basename(sys.argv[0])}: {error}")


def show_ebpf(args: argparse.Namespace, text: str) -> None:
    """For --ebpf: prints the C and ends. Call it before loading anything."""
    if args.ebpf:
        print(text)
        sys.exit(0)


def load(text: str, cflags: list[str] | None = None, usdts: list[Any] | None = None) -> Any:
    """Compiles the text and attaches the enabled probes of `usdts`.

    What keeps a user from tracing at all is one line, not a traceback.
    """
    from bcc import BPF

    if os.geteuid() != 0:
        fail("Need super-user privileges to run")
    try:
        return BPF(text=text.encode(), cflags=cflags or [], usdt_contexts=usdts or [])
    except Exception as error:
        fail(f"{os.path.basename(sys.argv[0])}: {error}")


def set_options(b: Any, table: str, **values: int) -> None:
    """Fills the one entry of a tool's options array, before anything is attached.

    Values go in here and not through -D, so that a new pid does not need a new compile.
    """
    t = b[table.encode()]
    leaf = t.Leaf()
    for name, value in values.items():
        setattr(leaf, name, value)
    t[ct.c_int(0)] = leaf


def add_keys(b: Any, table: str, keys: list[int]) -> None:
    """Puts integer keys into a hash that a tool uses as a set."""
    t = b[table.encode()]
    for key in keys:
        t[t.Key(key)] = t.Leaf(1)


def attach_tracepoints(b: Any, functions: dict[str, str]) -> list[str]:
    """Attaches each function to its tracepoint (`category:event`) and names those attached.

    Tracepoints this kernel does not have are left out.
    """
    attached = []
    for tracepoint, function in functions.items():
        category, event = tracepoint.split(":")
        if b.tracepoint_exists(category, event):
            b.attach_tracepoint(tp=tracepoint.encode(), fn_name=function.encode())
            attached.append(tracepoint)
    return attached


def attach_kprobe(b: Any, event: str, function: str, entry: bool = True) -> None:
    """Attaches to a kernel function's entry or return; ends the tool where that is not possible."""
    attach = b.attach_kprobe if entry else b.attach_kretprobe
    try:
        attach(event=event.encode(), fn_name=function.encode())
    except Exception as error:
        fail(f"{os.path.basename(sys.argv[0])}: {error}")


def find_binary(name: str) -> bytes | None:
    """The file of a library's short name (`c`), a path, or a program in PATH."""
    from bcc import BPF

    if "/" in name:
        return os.fsencode(name) if os.path.exists(name) else None
    return BPF.find_library(name.encode()) or BPF.find_exe(name.encode())


def probe_pattern(text: str, regexp: bool) -> tuple[str, bytes | None, bytes]:
    """`[p|t|u:][LIB:]PATTERN` as kind, file and regular expression; ends the tool for others."""
    parts = text.split(":", 2)
    kind, library, pattern = ["p", "", *parts][-3:] if len(parts) != 2 else ["p", *parts]
    if ":" in pattern:
        fail(f"Too many ':'-separated components in pattern {text}")
    kind = kind or "p"
    if kind not in ("p", "t", "u"):
        fail(f"Type must be 'p', 't', or 'u', but got {kind}")
    if kind == "t":
        library, pattern = "", f"{library}:{pattern}"
    if not regexp:
        pattern = f"^{pattern.replace('*', '.*')}$"
    try:
        re.compile(pattern)
    except re.error as error:
        fail(f"{pattern} is no regular expression: {error}")
    path = find_binary(library) if library else None
    if library and path is None or kind == "u" and not library:
        fail(f"unable to find library {library}")
    return kind, path, pattern.encode()


def usdt(path: bytes | None, pid: int | None) -> Any:
    """The static probes of a file or process; ends the tool when it cannot be read."""
    from bcc import USDT

    try:
        return USDT(path=path, pid=pid)
    except Exception as error:
        fail(str(error))


def text_of(data: bytes) -> str:
    """Kernel bytes as text; what is no UTF-8 becomes a replacement character."""
    return data.decode("utf-8", "replace")


def one_line(data: bytes) -> str:
    """Like `text_of`, with newlines written as a backslash and an n."""
    return text_of(data).replace("\n", "\\n")


def clock() -> str:
    """Local wall time, HH:MM:SS."""
    return time.strftime("%H:%M:%S")


def print_json(record: dict[str, Any]) -> None:
    """One object, one line, written at once."""
    print(json.dumps(record), flush=True)


def print_start(text: str) -> None:
    """The line that says that tracing began, at once.

    A Ctrl-C from here on waits until `poll` or `intervals` can end the tool in order.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    print(text, flush=True)


def print_row(text: str, end: str = "\n") -> None:
    """A line that a reader of the pipe sees at once."""
    print(text, end=end, flush=True)


def poll(step: Callable[[], object], until: Callable[[], bool] | None = None) -> bool:
    """Calls `step` (a poll of the tool's buffers) until Ctrl-C, a closed pipe, or `until()`.

    True after Ctrl-C.
    """
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        while until is None or not until():
            step()
    except KeyboardInterrupt:
        return True
    except BrokenPipeError:
        quiet_exit()
    return False


def quiet_exit() -> NoReturn:
    """Ends after the reader of stdout went away, without Python's complaint about the flush."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)


def pace(interval: int | None, duration: int | None) -> tuple[int, int]:
    """Arguments of `intervals` for -i and -d: seconds between reports, and their number."""
    if interval is None:
        return (duration, 1) if duration else (FOREVER, FOREVER)
    return interval, -(-duration // interval) if duration else FOREVER


def intervals(seconds: float, count: int) -> Iterator[bool]:
    """Yields once per report; the value is true for the last, also the one after Ctrl-C."""
    for number in range(1, count + 1):
        last = number == count
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            time.sleep(seconds)
        except KeyboardInterrupt:
            last = True
        # A report is printed whole.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        yield last
        if last:
            return


def stack_of(stacks: Any, stack_id: int) -> list[int] | None:
    """Addresses of a kept stack, innermost first; empty without a stack, None when it was lost."""
    if stack_id < 0:
        return [] if stack_id == -errno.EFAULT else None
    try:
        return list(stacks.walk(stack_id))
    except KeyError:
        return None


def disk_names() -> dict[int, str]:
    """Block devices by kernel device number (major << 20 | minor), from /proc/diskstats."""
    names = {}
    with open("/proc/diskstats") as stats:
        for line in stats:
            major, minor, name = line.split()[:3]
            names[int(major) << 20 | int(minor)] = name
    return names


def disk_number(name: str) -> int | None:
    """The kernel device number of `/dev/NAME`, or None."""
    try:
        number = os.stat(os.path.join("/dev", name)).st_rdev
    except OSError:
        return None
    return os.major(number) << 20 | os.minor(number)


def log2_buckets(counts: dict[int, int]) -> list[dict[str, int]]:
    """A log2 histogram (slot -> count) as rows of interval and count, up to the last filled one."""
    if not counts:
        return []
    rows = []
    for slot in range(1, max(max(counts), 1) + 1):
        low, high = (1 << slot) >> 1, (1 << slot) - 1
        low = 0 if low == high else low
        count = counts.get(slot, 0)
        rows.append({"interval-start": low, "interval-end": high, "count": count})
    return rows


def histogram_records(
    table: Any, label: str, section: str | None, name: Callable[[int], object] = int
) -> list[dict[str, Any]]:
    """A log2 histogram table as records, one per group.

    With a `section` the table's keys have the members `group` and `slot`, and each record holds
    `name(group)` under the section's title; without, they are plain slots.
    """
    groups: dict[int, dict[int, int]] = {}
    for key, count in table.items():
        group, slot = (key.group, key.slot) if section else (0, key.value)
        if count.value:
            groups.setdefault(group, {})[slot] = count.value
    records = []
    for group, counts in groups.items():
        record: dict[str, Any] = {
            "ts": time.strftime("%Y-%m-%d %H:%M:%S"),
            "val_type": label,
            "data": log2_buckets(counts),
        }
        if section:
            record[section] = name(group)
        records.append(record)
    return records


def parent_of(pid: int) -> int:
    """The parent of a process from /proc, 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                if line.startswith("PPid:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0
