#!/usr/bin/python3
"""memleak: outstanding allocations of a process or of the kernel, by stack.

Allocations that were not freed yet are kept in the kernel with the stack that made them, and
reported every few seconds.
"""

from __future__ import annotations

import mmap
import sys
import time

from bcc import tool

EXAMPLES = """examples:
    ./memleak -p 185            # allocations of process 185, every 5 seconds
    ./memleak -p 185 -t         # each allocation and free as it happens
    ./memleak -ap 185 10        # every 10 seconds, with all outstanding addresses
    ./memleak -c "./allocs" 5 2 # run a command; two reports, 5 seconds apart
    ./memleak                   # allocations of the kernel
    ./memleak -o 60000          # only allocations older than one minute
    ./memleak -s 5              # only every 5th allocation, for less overhead
    ./memleak -z 1024 -Z 4096   # only sizes from 1024 to 4096 bytes
    ./memleak -T 3 --sort count # the three stacks with most allocations
    ./memleak --percpu          # the kernel's per-CPU allocations
    ./memleak -p 185 --symbols-prefix je_  # je_malloc() and so on
    ./memleak -p 185 --json     # an object a line, for programs"""

TEXT = r"""
#include <uapi/linux/ptrace.h>

/* Filled in before the probes are attached. */
struct options {
    u64 min_size;
    u64 max_size;
    u64 sample_rate;
    u64 page_size;
    u32 pid;
};
BPF_ARRAY(options, struct options, 1);

struct allocation {
    u64 size;
    u64 time;
    int stack;
};
/* Sizes asked for in calls that have not returned yet, by thread. */
BPF_HASH(sizes, u64, u64);
BPF_HASH(pointers, u64, u64);
#ifdef GROWING
BPF_F_TABLE("hash", u64, struct allocation, allocs, 1000000, BPF_F_NO_PREALLOC);
#else
BPF_TABLE("hash", u64, struct allocation, allocs, 1000000);
#endif
BPF_STACK_TRACE(stacks, 10240);

#ifdef COMBINED
struct total {
    u64 size;
    u64 count;
};
BPF_HASH(totals, u64, struct total, 10240);
#endif

#ifdef KERNEL
#define STACK_FLAGS 0
#else
#define STACK_FLAGS BPF_F_USER_STACK
#endif

static void add_total(int stack, u64 size)
{
#ifdef COMBINED
    u64 key = stack;
    struct total none = {};
    struct total *t = totals.lookup_or_try_init(&key, &none);
    if (t) {
        lock_xadd(&t->size, size);
        lock_xadd(&t->count, 1);
    }
#endif
}

static void subtract_total(int stack, u64 size)
{
#ifdef COMBINED
    u64 key = stack;
    struct total *t = totals.lookup(&key);
    if (t) {
        lock_xadd(&t->size, -size);
        lock_xadd(&t->count, -1ULL);
    }
#endif
}

static int unwanted(void)
{
#ifdef FILTER_PID
    int zero = 0;
    struct options *o = options.lookup(&zero);
    return !o || bpf_get_current_pid_tgid() >> 32 != o->pid;
#else
    return 0;
#endif
}

static int begin(u64 size)
{
    int zero = 0;
    struct options *o = options.lookup(&zero);
    if (!o || unwanted() || size < o->min_size || size > o->max_size)
        return 0;
    if (o->sample_rate > 1 && bpf_ktime_get_ns() % o->sample_rate != 0)
        return 0;
    u64 id = bpf_get_current_pid_tgid();
    sizes.update(&id, &size);
#ifdef TRACE
    bpf_trace_printk("alloc entered, size = %u\n", size);
#endif
    return 0;
}

static int end(void *ctx, u64 address)
{
    u64 id = bpf_get_current_pid_tgid();
    u64 *size = sizes.lookup(&id);
    if (!size)
        return 0;
    struct allocation a = {};
    a.size = *size;
    sizes.delete(&id);
    if (address) {
        a.time = bpf_ktime_get_ns();
        a.stack = stacks.get_stackid(ctx, STACK_FLAGS);
        allocs.update(&address, &a);
        add_total(a.stack, a.size);
    }
#ifdef TRACE
    bpf_trace_printk("alloc exited, size = %lu, result = %lx\n", a.size, address);
#endif
    return 0;
}

static int released(u64 address)
{
    if (unwanted())
        return 0;
    struct allocation *a = allocs.lookup(&address);
    if (!a)
        return 0;
    u64 size = a->size;
    subtract_total(a->stack, size);
    allocs.delete(&address);
#ifdef TRACE
    bpf_trace_printk("free entered, address = %lx, size = %lu\n", address, size);
#endif
    return 0;
}

#ifdef KERNEL
static int allocated(void *ctx, u64 address, u64 size)
{
#ifdef MISSING_FREE
    released(address);
#endif
    begin(size);
    return end(ctx, address);
}

#ifdef PERCPU
int percpu_alloc(struct tracepoint__percpu__percpu_alloc_percpu *args)
{
    return allocated(args, (u64)args->ptr, args->size);
}

int percpu_free(struct tracepoint__percpu__percpu_free_percpu *args)
{
    return released((u64)args->ptr);
}
#else
int kmalloc(struct tracepoint__kmem__kmalloc *args)
{
    return allocated(args, (u64)args->ptr, args->bytes_alloc);
}

int kfree(struct tracepoint__kmem__kfree *args)
{
    return released((u64)args->ptr);
}

int cache_alloc(struct tracepoint__kmem__kmem_cache_alloc *args)
{
    return allocated(args, (u64)args->ptr, args->bytes_alloc);
}

int cache_free(struct tracepoint__kmem__kmem_cache_free *args)
{
    return released((u64)args->ptr);
}

#ifdef HAVE_NODE
int kmalloc_node(struct tracepoint__kmem__kmalloc_node *args)
{
    return allocated(args, (u64)args->ptr, args->bytes_alloc);
}

int cache_alloc_node(struct tracepoint__kmem__kmem_cache_alloc_node *args)
{
    return allocated(args, (u64)args->ptr, args->bytes_alloc);
}
#endif

int page_alloc(struct tracepoint__kmem__mm_page_alloc *args)
{
    int zero = 0;
    struct options *o = options.lookup(&zero);
    if (!o || args->pfn == -1UL)
        return 0;
    return allocated(args, args->pfn, o->page_size << args->order);
}

int page_free(struct tracepoint__kmem__mm_page_free *args)
{
    return released(args->pfn);
}
#endif
#else
int malloc_enter(struct pt_regs *ctx)
{
    return begin(PT_REGS_PARM1(ctx));
}

int calloc_enter(struct pt_regs *ctx)
{
    return begin(PT_REGS_PARM1(ctx) * PT_REGS_PARM2(ctx));
}

int realloc_enter(struct pt_regs *ctx)
{
    released(PT_REGS_PARM1(ctx));
    return begin(PT_REGS_PARM2(ctx));
}

/* mmap, memalign, aligned_alloc: the size comes second. */
int second_enter(struct pt_regs *ctx)
{
    return begin(PT_REGS_PARM2(ctx));
}

int posix_memalign_enter(struct pt_regs *ctx)
{
    u64 id = bpf_get_current_pid_tgid();
    u64 where = PT_REGS_PARM1(ctx);
    pointers.update(&id, &where);
    return begin(PT_REGS_PARM3(ctx));
}

int posix_memalign_exit(struct pt_regs *ctx)
{
    u64 id = bpf_get_current_pid_tgid();
    u64 *where = pointers.lookup(&id);
    u64 address = 0;
    if (!where)
        return 0;
    u64 from = *where;
    pointers.delete(&id);
    bpf_probe_read_user(&address, sizeof(address), (void *)from);
    return end(ctx, address);
}

int alloc_exit(struct pt_regs *ctx)
{
    u64 address = PT_REGS_RC(ctx);
    /* mmap says -1 when it fails. */
    return end(ctx, address == -1ULL ? 0 : address);
}

int free_enter(struct pt_regs *ctx)
{
    return released(PT_REGS_PARM1(ctx));
}
#endif
"""

# Symbol, its entry and return program, and whether a library may lack it.
USER_HOOKS = [
    ("malloc", "malloc_enter", "alloc_exit", False),
    ("calloc", "calloc_enter", "alloc_exit", False),
    ("realloc", "realloc_enter", "alloc_exit", False),
    ("mmap", "second_enter", "alloc_exit", True),
    ("posix_memalign", "posix_memalign_enter", "posix_memalign_exit", False),
    ("valloc", "malloc_enter", "alloc_exit", True),
    ("memalign", "second_enter", "alloc_exit", False),
    ("pvalloc", "malloc_enter", "alloc_exit", True),
    ("aligned_alloc", "second_enter", "alloc_exit", True),
    ("free", "free_enter", None, False),
    ("munmap", "free_enter", None, True),
]
KERNEL_HOOKS = {
    "kmem:kfree": "kfree", "kmem:kmem_cache_free": "cache_free",
    "kmem:mm_page_free": "page_free", "kmem:kmalloc": "kmalloc",
    "kmem:kmem_cache_alloc": "cache_alloc", "kmem:mm_page_alloc": "page_alloc",
    "kmem:kmalloc_node": "kmalloc_node", "kmem:kmem_cache_alloc_node": "cache_alloc_node",
}  # fmt: skip
PERCPU_HOOKS = {
    "percpu:percpu_free_percpu": "percpu_free",
    "percpu:percpu_alloc_percpu": "percpu_alloc",
}
SORT_KEYS = ["size", "count"]


def options():
    p = tool.parser("Trace outstanding memory allocations that weren't freed", EXAMPLES)
    add = p.add_argument
    add("-p", "--pid", type=lambda text: tool.pid(text, -1), default=-1, help="process to trace; without, the kernel")
    add("-t", "--trace", action="store_true", help="print each allocation and free")
    add("interval", nargs="?", default=5, type=tool.nonzero, help="seconds between reports (5)")
    add("count", nargs="?", type=tool.nonzero, help="number of reports")
    add("-a", "--show-allocs", action="store_true", help="list each outstanding address")
    add("-o", "--older", default=500, type=tool.whole, help="ignore younger ones (500 ms)")
    add("-c", "--command", help="run this command and trace it")
    add("--combined-only", action="store_true", help="report totals kept in the kernel only")
    add("--wa-missing-free", action="store_true", help="an address used again was freed (kernel)")
    add("-s", "--sample-rate", default=1, type=tool.nonzero, help="keep about every N-th allocation (1)")
    add("-T", "--top", type=tool.nonzero, default=10, help="number of stacks to show (10)")
    add("-z", "--min-size", type=tool.whole, help="ignore smaller allocations")
    add("-Z", "--max-size", type=tool.whole, help="ignore larger allocations")
    add("-O", "--obj", default="c", help="library with the allocator (c)")
    add("--percpu", action="store_true", help="per-CPU allocations of the kernel")
    add("--sort", default="size", help="sort by size or count (size)")
    add("--symbols-prefix", default="", help="prefix of the allocator's symbols")
    tool.add_json(p)
    return p.parse_args()


def check(args):
    if args.sort not in SORT_KEYS:
        tool.fail(f"Given sort_key: {args.sort}; Supporting sort key list: {SORT_KEYS}")
    if args.min_size is not None and args.max_size is not None and args.min_size > args.max_size:
        tool.fail("min_size (-z) can't be greater than max_size (-Z)")


def cflags_for(args, kernel):
    from bcc import BPF

    return tool.switches({
        "KERNEL": kernel,
        "PERCPU": kernel and args.percpu,
        "FILTER_PID": not kernel,
        "TRACE": args.trace,
        "COMBINED": args.combined_only,
        "MISSING_FREE": kernel and args.wa_missing_free,
        # Gone since v6.1 (2c1d697fb8ba).
        "HAVE_NODE": kernel and BPF.tracepoint_exists("kmem", "kmalloc_node"),
        # Since v6.1 (fba1a1c6c912) a map that grows has memory of its own, safe in any program. A
        # million entries at once take long; the kernel's allocations need them all the same.
        "GROWING": not kernel and BPF.kernel_struct_has_field(b"bpf_htab", b"ma") == 1,
    })


def attach_user(b, args, pid):
    for symbol, enter, leave, optional in USER_HOOKS:
        where = {
            "name": args.obj.encode(), "sym": (args.symbols_prefix + symbol).encode(), "pid": pid
        }  # fmt: skip
        try:
            if leave:
                b.attach_uretprobe(fn_name=leave.encode(), **where)
            b.attach_uprobe(fn_name=enter.encode(), **where)
        except Exception as error:
            if not optional:
                tool.fail(f"memleak: {error}")


def outstanding(b, args):
    """(stack id, bytes, allocations, addresses) of each stack, the smallest first."""
    if args.combined_only:
        rows = [
            (key.value, total.size, total.count, [])
            for key, total in b[b"totals"].items() if 0 < total.count < 1 << 63
        ]  # fmt: skip
    else:
        youngest = time.clock_gettime_ns(time.CLOCK_MONOTONIC) - args.older * 1000000
        groups = {}
        for address, a in b[b"allocs"].items():
            if a.time < youngest:
                groups.setdefault(a.stack, []).append((a.size, address.value))
        rows = [
            (stack, sum(size for size, _ in found), len(found), found)
            for stack, found in groups.items()
        ]
    by = 1 if args.sort == "size" else 2
    return sorted(rows, key=lambda row: row[by])


def frames_of(b, args, pid, stack):
    """Frames as text, innermost first; None for a stack that was lost."""
    addresses = tool.stack_of(b[b"stacks"], stack if stack < 1 << 31 else stack - (1 << 64))
    if addresses is None:
        return None
    names = [tool.text_of(b.sym(at, pid, show_module=True, show_offset=True)) for at in addresses]
    if args.combined_only:
        return names
    return [f"0x{at:016x}\t{name}" for at, name in zip(addresses, names, strict=True)]


def report(b, args, pid):
    rows = outstanding(b, args)
    if args.json:
        for stack, size, count, found in rows[-args.top :]:
            record = {
                "time": tool.clock(), "bytes": size, "allocations": count,
                "stack": frames_of(b, args, pid, stack),
            }  # fmt: skip
            if args.show_allocs:
                record["allocs"] = [{"addr": a, "size": s} for s, a in sorted(found)]
            tool.print_json(record)
        return
    print(f"[{tool.clock()}] Top {args.top} stacks with outstanding allocations:")
    if args.show_allocs:
        for size, address in sorted(pair for row in rows for pair in row[3]):
            print(f"\taddr = {address:x} size = {size}")
    for stack, size, count, _ in rows[-args.top :]:
        print(f"\t{size} bytes in {count} allocations from stack")
        for frame in frames_of(b, args, pid, stack) or ["stack information lost"]:
            print(tool.one_line(f"\t\t{frame}"))
    sys.stdout.flush()


def print_trace(b, args):
    fields = [tool.text_of(f) if isinstance(f, bytes) else f for f in b.trace_fields()]
    if args.json:
        tool.print_json(dict(zip("comm pid cpu flags time message".split(), fields, strict=True)))
    else:
        tool.print_row(str(tuple(fields)))


def start_command(args):
    from bcc.exec import run_cmd

    if not args.json:
        print(f"Executing '{args.command}' and tracing the resulting process.")
    return run_cmd(args.command.split() or [""])


def main():
    args = options()
    check(args)
    tool.show_ebpf(args, TEXT)

    kernel = args.pid == -1 and args.command is None
    b = tool.load(TEXT, cflags_for(args, kernel))
    pid = args.pid if args.command is None else start_command(args)
    tool.set_options(
        b, "options", min_size=args.min_size or 0, sample_rate=args.sample_rate,
        max_size=(1 << 64) - 1 if args.max_size is None else args.max_size,
        page_size=mmap.PAGESIZE, pid=max(pid, 0),
    )  # fmt: skip
    if not kernel:
        attach_user(b, args, pid)
    elif not tool.attach_tracepoints(b, PERCPU_HOOKS if args.percpu else KERNEL_HOOKS):
        tool.fail("memleak: this kernel has no tracepoints for allocations")
    if args.trace:
        b.trace_open()
    if not args.json:
        what = f"pid {pid}" if not kernel else "kernel allocators"
        tool.print_start(f"Attaching to {what}, Ctrl+C to quit.")
    if args.command:
        from bcc.exec import cmd_ready

        cmd_ready()
    if args.trace:
        tool.poll(lambda: print_trace(b, args))
        return
    reports = 0

    def step():
        nonlocal reports
        time.sleep(min(args.interval, tool.FOREVER))
        tool.unbroken(report, b, args, pid)
        reports += 1

    tool.poll(step, lambda: reports == args.count)


if __name__ == "__main__":
    tool.run(main)
