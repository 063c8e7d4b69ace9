#!/usr/bin/python3
"""cachestat: hits, misses and dirtied pages of the page cache.

Four counters are behind the columns: pages added to the cache, pages marked as accessed, buffers
dirtied and pages dirtied. An access that added no page was a hit.
"""

from __future__ import annotations

from bcc import tool

EXAMPLES = """examples:
    ./cachestat         # a row each second until Ctrl-C
    ./cachestat -T      # with the time of day
    ./cachestat 1 5     # 5 rows, one each second
    ./cachestat --json  # an object a line, for programs"""

TEXT = r"""
#include <uapi/linux/ptrace.h>

enum { ADDED, ACCESSED, BUFFER_DIRTIED, DIRTIED, COUNTERS };
BPF_PERCPU_ARRAY(counts, u64, COUNTERS);

static int count(int which)
{
    u64 *n = counts.lookup(&which);
    if (n)
        *n += 1;
    return 0;
}

int added(void *ctx)
{
    return count(ADDED);
}

int buffer_dirtied(void *ctx)
{
    return count(BUFFER_DIRTIED);
}

int dirtied(void *ctx)
{
    return count(DIRTIED);
}

/* No tracepoint tells of an access. */
#ifdef FENTRY
#ifdef HAVE_FOLIOS
KFUNC_PROBE(folio_mark_accessed)
#else
KFUNC_PROBE(mark_page_accessed)
#endif
{
    return count(ACCESSED);
}
#else
int accessed(struct pt_regs *ctx)
{
    return count(ACCESSED);
}
#endif
"""
ADDED, ACCESSED, BUFFER_DIRTIED, DIRTIED, COUNTERS = range(5)


def options():
    p = tool.parser("Count page cache hits and misses", EXAMPLES)
    p.add_argument("-T", "--timestamp", action="store_true", help="time of day column (HH:MM:SS)")
    tool.add_interval(p, interval=1)
    tool.add_json(p)
    return p.parse_args()


def load():
    """Compiles and attaches: tracepoints where there are any, then fentry, then a kprobe."""
    from bcc import BPF

    # Since v5.16 pages are marked as parts of folios.
    folios = BPF.kernel_struct_has_field(b"folio", b"flags") >= 0
    flags = tool.switches({"HAVE_FOLIOS": folios})
    b, used = tool.load_first(TEXT, [[*flags, "-DFENTRY"], flags])
    if "-DFENTRY" not in used:
        function = b"folio_mark_accessed" if folios else b"mark_page_accessed"
        b.attach_kprobe(event=function, fn_name=b"accessed")
    # A page is dirtied as part of a folio since v5.16, too.
    dirtied = {"writeback:writeback_dirty_folio": "dirtied"}
    if not b.tracepoint_exists("writeback", "writeback_dirty_folio"):
        dirtied = {"writeback:writeback_dirty_page": "dirtied"}
    hooks = {
        "filemap:mm_filemap_add_to_page_cache": "added",
        "block:block_dirty_buffer": "buffer_dirtied",
        **dirtied,
    }
    if len(tool.attach_tracepoints(b, hooks)) != len(hooks):
        tool.fail("cachestat: this kernel lacks one of the tracepoints " + ", ".join(hooks))
    return b


def counters(b):
    """What the four counters have come to."""
    return [b[b"counts"].sum(which).value for which in range(COUNTERS)]


def memory():
    """Megabytes of buffers and of cached pages."""
    with open("/proc/meminfo") as info:
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in info}
    return kilobytes["Buffers"] / 1024, kilobytes["Cached"] / 1024


def report(args, added, accessed, buffer_dirtied, dirtied):
    # A page is marked as accessed when it is dirtied through a buffer, and added when written.
    total = max(0, accessed - buffer_dirtied)
    misses = max(0, added - dirtied)
    hits = total - misses
    if hits < 0:
        hits, misses = 0, total
    ratio = 100 * hits / total if total else 0.0
    buffers, cached = memory()
    if args.json:
        tool.print_json({
            "time": tool.clock(), "hits": hits, "misses": misses, "dirties": buffer_dirtied,
            "hit_ratio": ratio, "buffers_mb": buffers, "cached_mb": cached,
        })  # fmt: skip
        return
    before = f"{tool.clock():<8} " if args.timestamp else ""
    tool.print_row(
        f"{before}{hits:>8d} {misses:>8d} {buffer_dirtied:>8d} {ratio:>7.2f}% {buffers:>12.0f} "
        f"{cached:>10.0f}"
    )


def main():
    args = options()
    tool.show_ebpf(args, TEXT)
    b = load()
    earlier = counters(b)
    if not args.json:
        before = f"{'TIME':<8} " if args.timestamp else ""
        tool.print_start(
            f"{before}{'HITS':>8} {'MISSES':>8} {'DIRTIES':>8} {'HITRATIO':>8} "
            f"{'BUFFERS_MB':>12} {'CACHED_MB':>10}"
        )
    left = args.count
    for _last in tool.intervals(args.interval, args.count):
        now = counters(b)
        report(args, *(new - old for new, old in zip(now, earlier, strict=True)))
        earlier = now
        left -= 1
    if left and not args.json:
        print("Detaching...")


if __name__ == "__main__":
    tool.run(main)
