"""What three bundled tools would repeat: options, filters, loops, time and text. Functions only."""

from __future__ import annotations

import argparse
import errno
import os
import re
import signal
import sys
import time
from functools import partial

TYPE_CHECKING = False  # not typing's: that alone would be a tenth of a tool's start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, NoReturn

FOREVER = 99999999  # what upstream's interval tools take for "until Ctrl-C"
# A name must neither end its row nor speak to the terminal. A tab does neither.
CONTROLS = {code: repr(chr(code))[1:-1] for code in (*range(9), *range(10, 32), *range(127, 160))}


def parser(description: str, examples: str) -> argparse.ArgumentParser:
    """An option parser with what every tool has: -h with examples, and --ebpf."""
    columns = os.environ.get("COLUMNS", "")
    # Without a width it would import shutil to ask for one, which takes as long as argparse itself.
    width = int(columns) if columns.isdecimal() else os.isatty(1) and os.get_terminal_size(1)[0]
    raw = partial(argparse.RawDescriptionHelpFormatter, width=(width or 80) - 2)  # 0: size unknown
    p = argparse.ArgumentParser(description=description, formatter_class=raw, epilog=examples)
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
    """C with `container_should_be_filtered()`, and the switch by which a tool's text calls it."""
    from bcc.containers import filter_by_containers

    wanted = args.cgroupmap or args.mntnsmap
    return (filter_by_containers(args), ["-DFILTER_CONTAINER"]) if wanted else ("", [])


def add_interval(p: argparse.ArgumentParser, interval: int = FOREVER, count: int = FOREVER) -> None:
    """Adds the positional arguments `[interval] [count]`."""
    p.add_argument("interval", nargs="?", default=interval, type=nonzero, help="seconds per report")
    p.add_argument("count", nargs="?", default=count, type=nonzero, help="number of reports")


def add_family(p: argparse.ArgumentParser) -> None:
    """Adds -4 and -6: one family of addresses."""
    family = p.add_mutually_exclusive_group()
    family.add_argument("-4", "--ipv4", action="store_true", help="trace IPv4 only")
    family.add_argument("-6", "--ipv6", action="store_true", help="trace IPv6 only")


def whole(text: str, least: int = 0) -> int:
    """A number of at least `least` that 64 bits can hold; for `type=` of an option."""
    if not re.fullmatch(r"[+-]?\d+", text):
        raise argparse.ArgumentTypeError("must be an integer")
    if len(text) > 20 or int(text) >= 1 << 64:
        raise argparse.ArgumentTypeError("must be below 2^64")
    if int(text) < least:
        raise argparse.ArgumentTypeError("must be positive" if int(text) < 0 else "must be nonzero")
    return int(text)


def nonzero(text: str) -> int:
    """A number above zero; for `type=` of an option."""
    return whole(text, 1)


def integer(text: str) -> int:
    """A number, or what argparse says of none."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"invalid int value: {text!r}") from None


def pid(text: str, least: int = 0) -> int:
    """A process or thread id; for `type=` of an option. `least` is -1 where that means all."""
    if not least <= integer(text) < 1 << 31:
        raise argparse.ArgumentTypeError(f"{text} is not a process or thread id")
    return int(text)


def pids(text: str) -> list[int]:
    """Process or thread ids from a comma-separated list; for `type=` of an option."""
    try:
        numbers = [int(word) for word in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError("must be integers") from None
    if any(number < 0 for number in numbers):
        raise argparse.ArgumentTypeError("must be positive ingegers")  # spelt as scripts know it
    return [pid(str(number)) for number in numbers]


def uid(text: str) -> int:
    """A user id; for `type=` of an option."""
    if not 0 <= integer(text) < 1 << 32:
        raise argparse.ArgumentTypeError(f"{text} is not a user id")
    return int(text)


def cpu(text: str, least: int = 0) -> int:
    """The number of a CPU that is online; for `type=` of an option. `least` as for `pid`."""
    from bcc.utils import get_online_cpus

    if integer(text) not in [*range(least, 0), *get_online_cpus()]:
        raise argparse.ArgumentTypeError(f"there is no CPU {text} online")
    return int(text)


def ports(text: str) -> list[int]:
    """Port numbers from a comma-separated list; for `type=` of an option."""
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and int(word) < 1 << 16 for word in words):
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of ports")
    return [int(word) for word in words]


def fail(message: str, status: int = 1) -> NoReturn:
    """Ends the tool with one line on stderr."""
    print(message, file=sys.stderr)
    sys.exit(status)


# Python drops an exception that is raised while it frees an object: Ctrl-C is remembered here, too.
_interrupted = False


def run(main: Callable[[], object]) -> None:
    """Runs a tool; what bcc could not do (attach, find a symbol) is one line, not a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt_once)
    # The kernel's bytes are printed as they are, whatever the locale.
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr]
    try:
        _run_or_fail(main)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        signal.signal(signal.SIGINT, lambda *_: None)  # what is attached is detached in order


def _run_or_fail(main: Callable[[], object]) -> None:
    try:
        main()
    except BrokenPipeError:  # the reader went away: no complaint at the last flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        # Python's own errors are mistakes in a tool, and shown as such.
        known = type(error) is Exception or isinstance(error, OSError)
        if not known and not type(error).__module__.startswith("bcc"):
            raise
        # What the compiler or the verifier says of it stands on stderr already.
        reason = str(error).partition("\n")[0]
        fail(f"{os.path.basename(sys.argv[0])}: {reason}")


def _interrupt_once(_number: int, _frame: object) -> None:
    """The first Ctrl-C ends the tool; more of them do not disturb how it ends."""
    global _interrupted
    _interrupted = True
    signal.signal(signal.SIGINT, lambda *_: None)
    raise KeyboardInterrupt


def show_ebpf(args: argparse.Namespace, text: str) -> None:
    """For --ebpf: prints the C and ends; ends also who may not load it. Call it before loading."""
    if args.ebpf:
        print(text)
        sys.exit(0)
    if os.geteuid() != 0:
        fail("Need super-user privileges to run")


def switches(wanted: dict[str, object]) -> list[str]:
    """A -D for each name whose value is true."""
    return [f"-D{name}" for name, on in wanted.items() if on]


def load(text: str, cflags: list[str] | None = None, usdts: list[Any] | None = None) -> Any:
    """Compiles the text and attaches the enabled probes of `usdts`."""
    from bcc import BPF

    return BPF(text=text.encode(), cflags=cflags or [], usdt_contexts=usdts or [])


def load_first(text: str, variants: list[list[str]]) -> tuple[Any, list[str]]:
    """The first variant (its switches) that the kernel loads: a hook it refuses has a next one."""
    for flags in variants[:-1]:
        stderr, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)  # the verifier's words are for those who have no other way
        try:
            return load(text, flags), flags
        except Exception:
            continue
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            os.close(null)
    return load(text, variants[-1]), variants[-1]


def set_options(b: Any, table: str, **values: int) -> None:
    """Fills the one entry of a tool's options array: a value in a -D would be a new compile."""
    b[table.encode()][0] = b[table.encode()].Leaf(**values)


def add_keys(b: Any, table: str, keys: list[int]) -> None:
    """Puts integer keys into a hash that a tool uses as a set."""
    t = b[table.encode()]
    for key in keys:
        t[t.Key(key)] = t.Leaf(1)


def attach_tracepoints(b: Any, functions: dict[str, str]) -> list[str]:
    """Attaches functions to those tracepoints (`category:event`) that are there; names these."""
    found = [name for name in functions if b.tracepoint_exists(*name.split(":"))]
    for name in found:
        b.attach_tracepoint(tp=name.encode(), fn_name=functions[name].encode())
    return found


def find_binary(name: str) -> bytes | None:
    """The file of a library's short name (`c`), a path, or a program in PATH."""
    from bcc import BPF

    file = os.fsencode(name)
    if "/" in name:
        return file if os.path.exists(file) else None
    return BPF.find_library(file) or BPF.find_exe(file)


def probe_pattern(text: str, regexp: bool) -> tuple[str, bytes | None, bytes]:
    """`[p|t|u:][LIB:]PATTERN` as kind, file and regular expression; ends the tool for others."""
    kind, library, pattern = ["p", "", *text.split(":", 2)][-3:]
    if ":" in pattern:
        fail(f"Too many ':'-separated components in pattern {text}")
    if kind not in ("", "p", "t", "u"):
        fail(f"Type must be 'p', 't', or 'u', but got {kind}")
    if kind == "t":
        library, pattern = "", f"{library}:{pattern}"
    pattern = pattern if regexp else f"^{pattern.replace('*', '.*')}$"
    try:
        re.compile(pattern)
    except re.error as error:
        fail(f"{pattern} is no regular expression: {error}")
    path = find_binary(library) if library else None
    if library and path is None or kind == "u" and not library:
        fail(f"unable to find library {library}")
    return kind or "p", path, os.fsencode(pattern)


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


def path_of(data: bytes) -> str:
    """Kernel bytes as text that is printed as the same bytes, so that it names the same file."""
    return data.decode("utf-8", "surrogateescape")


def address(family: int, data: Any) -> tuple[int, str]:
    """Version of IP, and the address in the first bytes of `data` as text."""
    from socket import AF_INET6, inet_ntop

    version, size = (6, 16) if family == AF_INET6 else (4, 4)
    return version, inet_ntop(family, bytes(data)[:size])


def clock() -> str:
    """Local wall time, HH:MM:SS."""
    return time.strftime("%H:%M:%S")


def print_json(record: dict[str, Any]) -> None:
    """One object, one line, written at once."""
    import json

    print_row(json.dumps(record))


def one_line(text: str) -> str:
    """A line to print; control characters of the names in it are shown as escapes."""
    return text if text.isprintable() else text.translate(CONTROLS)


def print_row(*lines: str) -> None:
    """Lines that a reader of the pipe sees at once, made by `one_line`."""
    # One write: Ctrl-C between a text and its end would join two lines.
    sys.stdout.write("".join(one_line(line) + "\n" for line in lines))
    sys.stdout.flush()


def print_start(text: str) -> None:
    """Says that tracing began; Ctrl-C then waits for `poll` or `intervals` to end in order."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    print_row(text)


def poll(step: Callable[[], object], until: Callable[[], bool] | None = None) -> bool:
    """Polls by `step` until Ctrl-C (then it is true), a closed pipe, or `until()`."""
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        while not _interrupted and (until is None or not until()):
            step()
    except KeyboardInterrupt:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        return True
    return _interrupted


def unbroken(action: Callable[..., object], *args: object) -> None:
    """Calls what prints more than a line; a Ctrl-C waits for its end. For `step` of `poll`."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        action(*args)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def poll_events(b: Any, until: Callable[[], bool] | None = None) -> bool:
    """`poll` for perf buffers: what they hold at Ctrl-C is printed, too."""
    interrupted = poll(b.perf_buffer_poll, until)
    if interrupted:
        b.perf_buffer_consume()
    return interrupted


def pace(interval: int | None, duration: int | None) -> tuple[int, int]:
    """Arguments of `intervals` for -i and -d: seconds between reports, and their number."""
    if interval is None:
        return (duration, 1) if duration else (FOREVER, FOREVER)
    return interval, -(-duration // interval) if duration else FOREVER


def intervals(seconds: float, count: int) -> Iterator[bool]:
    """Yields once per report, to be printed whole; true for the last, also that after Ctrl-C."""
    for number in range(1, count + 1):
        last = number == count
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            time.sleep(min(seconds, FOREVER))
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        except KeyboardInterrupt:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            last = True
        yield last
        if last:
            return


def stack_of(stacks: Any, stack_id: int) -> list[int] | None:
    """Addresses of a kept stack, innermost first; empty without a stack, None when it was lost."""
    if stack_id == -errno.EFAULT:
        return []
    try:
        return list(stacks.walk(stack_id)) if stack_id >= 0 else None
    except KeyError:
        return None


def histogram_records(
    table: Any, label: str, section: str | None, name: Callable[[int], object] = int
) -> list[dict[str, Any]]:
    """A log2 histogram as a record, or with a `section` one for each `group` of its keys."""
    from bcc.table import get_json_hist

    groups: dict[int, list[int]] = {}
    for key, count in table.items():
        group, slot = (key.group, key.slot) if section else (0, key.value)
        groups.setdefault(group, [0] * 65)[slot] = count.value
    return [
        get_json_hist(slots, label, (section, name(group)) if section else None)
        for group, slots in groups.items() if any(slots)
    ]
