"""What each row of `./x bench` must and should reach, beside what upstream BCC was measured at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """Figures of one row, in the row's unit, on the machine where upstream was measured.

    Machines differ, so it is ratios that count: ours to the peer's must be no worse than `must` to
    `upstream`.
    """

    upstream: float
    must: float
    aim: float


# Cold figures per text: upstream has no cache, so a second start of it costs the same.
_COLD = {
    "hello": Limit(247, 70, 45),
    "sched.h": Limit(598, 80, 55),
    "opensnoop": Limit(601, 80, 55),
    "offcputime": Limit(693, 80, 55),
    "biolatency": Limit(1595, 100, 65),
    "runqlat": Limit(1741, 100, 65),
    "tcpconnect": Limit(2235, 100, 65),
    "tcptop": Limit(2271, 100, 65),
}

STARTUP = {
    "import bcc": Limit(32, 10, 5),  # ms
    **{f"cold, nothing kept: {name}": limit for name, limit in _COLD.items()},  # ms
    **{f"cold: {name}": limit for name, limit in _COLD.items()},  # ms
    **{f"cached: {name}": Limit(limit.upstream, 8, 3) for name, limit in _COLD.items()},  # ms
    "start to first probe, cached": Limit(372, 70, 40),  # ms
    "private memory: hello": Limit(38, 15, 8),  # MiB
    "private memory: net/tcp.h": Limit(93, 15, 8),  # MiB
    "peak RSS cold: hello": Limit(110, 120, 100),  # MiB
    "peak RSS cold: net/tcp.h": Limit(202, 120, 100),  # MiB
    "peak RSS cached: hello": Limit(110, 30, 22),  # MiB
    "peak RSS cached: net/tcp.h": Limit(202, 30, 22),  # MiB
}

EVENTS = {
    "perf buffer, bare": Limit(0.18, 0.15, 0.10),  # µs
    "perf buffer, decoded": Limit(0.88, 0.40, 0.25),  # µs
    "ring buffer, bare": Limit(0.58, 0.20, 0.12),  # µs
    "ring buffer, decoded": Limit(1.33, 0.45, 0.25),  # µs
    "ring buffer from Rust": Limit(0.03, 0.04, 0.03),  # µs; upstream is a loop in C
    "live ring, delivered": Limit(0.329, 1, 3),  # M/s
    "trace_fields": Limit(0.557, 1, 2),  # M/s
}

MAPS = {
    "items() of 100 k": Limit(0.267, 1.5, 3),  # M/s
    "batch methods": Limit(1.9, 3, 5),  # M/s
    "t[k]": Limit(0.8, 1.2, 2),  # M/s
    "t[k] = v": Limit(0.8, 1.2, 2),  # M/s
    "del t[k]": Limit(1.1, 1.2, 2),  # M/s
    "clear() of 100 k": Limit(4769, 50, 30),  # ms
    "keyed log2 histogram": Limit(40, 20, 10),  # ms
}

SYMBOLS = {
    "ksym, first call": Limit(115, 40, 20),  # ms
    "ksym": Limit(0.4, 1.5, 3),  # M/s
    "ksymname": Limit(25, 100_000, 1_000_000),  # 1/s
    "sym, libc": Limit(0.261, 0.8, 2),  # M/s
    "sym, C++ binary": Limit(0.238, 0.8, 2),  # M/s
    "stack frames": Limit(0.35, 2, 5),  # M/s
}

DETACH = {
    "detach 114 uprobes": Limit(11_600, 200, 40),  # ms
    "detach 51 tracepoints": Limit(3_600, 1_500, 200),  # ms
}

LIMITS = {**STARTUP, **EVENTS, **MAPS, **SYMBOLS, **DETACH}
