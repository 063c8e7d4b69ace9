#!/usr/bin/python3
"""biolatency: block I/O latency as a histogram.

The time of a request is counted from its issue to the device, or with -Q from its insertion into
the queue, to its completion.
"""

from __future__ import annotations

import os
import sys

from bcc import tool

EXAMPLES = """examples:
    ./biolatency                # summarize block I/O latency as a histogram
    ./biolatency 1 10           # 1 second summaries, 10 times
    ./biolatency -mT 1          # 1 s summaries, milliseconds, and timestamps
    ./biolatency -Q             # include time in the operating system's queue
    ./biolatency -D             # a histogram for each disk
    ./biolatency -F             # a histogram for each set of I/O flags
    ./biolatency -j             # a JSON object for each histogram
    ./biolatency -e             # with average and total
    ./biolatency -d sdc         # only disk sdc"""

TEXT = r"""
#include <linux/blkdev.h>

#ifdef MILLISECONDS
#define UNIT 1000000
#else
#define UNIT 1000
#endif

/* Filled in before the probes are attached. */
struct options {
    u64 disk;
};
BPF_ARRAY(options, struct options, 1);

/* A request in flight. Its sector is unique on its disk as long as it is. */
struct request_key {
    u64 disk;
    u64 sector;
};
BPF_HASH(start, struct request_key, u64);

struct extension {
    u64 total;
    u64 count;
};
BPF_ARRAY(extension, struct extension, 1);

#if defined(PER_DISK) || defined(PER_FLAGS)
struct slot_key {
    u64 group;
    u64 slot;
};
BPF_HISTOGRAM(dist, struct slot_key);
#else
BPF_HISTOGRAM(dist);
#endif

static int unwanted(u64 disk)
{
#ifdef FILTER_DISK
    int zero = 0;
    struct options *o = options.lookup(&zero);
    return !o || o->disk != disk;
#else
    return 0;
#endif
}

static int begin(u64 disk, u64 sector)
{
    if (unwanted(disk))
        return 0;
    struct request_key key = {};
    key.disk = disk;
    key.sector = sector;
    u64 now = bpf_ktime_get_ns();
    start.update(&key, &now);
    return 0;
}

static void store(u64 delta, u64 group)
{
    delta /= UNIT;
#ifdef EXTENSION
    int zero = 0;
    struct extension *e = extension.lookup(&zero);
    if (e) {
        lock_xadd(&e->total, delta);
        lock_xadd(&e->count, 1);
    }
#endif
#if defined(PER_DISK) || defined(PER_FLAGS)
    struct slot_key key = {};
    key.group = group;
    key.slot = bpf_log2l(delta);
    dist.atomic_increment(key);
#else
    dist.atomic_increment(bpf_log2l(delta));
#endif
}

static int end(u64 disk, u64 sector, u64 group)
{
    struct request_key key = {};
    key.disk = disk;
    key.sector = sector;
    u64 *began = start.lookup(&key);
    if (!began)
        return 0;
    s64 delta = bpf_ktime_get_ns() - *began;
    start.delete(&key);
    if (delta >= 0)
        store(delta, group);
    return 0;
}

#ifdef START_IO
int begin_request(struct tracepoint__block__block_io_start *args)
{
    return begin(args->dev, args->sector);
}
#elif !defined(START_IN_REQUEST)
int begin_request(struct tracepoint__block__block_rq_issue *args)
{
    return begin(args->dev, args->sector);
}
#endif

#ifdef END_WITH_REQUEST
/* The request itself is at hand here, and so are its flags and the time it was made. */
int end_request(struct bpf_raw_tracepoint_args *ctx)
{
    struct request *rq = (struct request *)ctx->args[0];
#ifdef HAVE_RQ_DISK
    struct gendisk *gd = rq->rq_disk;
#else
    struct gendisk *gd = rq->q->disk;
#endif
    u64 disk = 0;
    if (gd)
        disk = ((u64)gd->major << 20) | gd->first_minor;
#ifdef PER_FLAGS
    u64 group = rq->cmd_flags;
#else
    u64 group = disk;
#endif
#ifdef START_IN_REQUEST
    /* A request may complete in parts: its last one counts. */
    u64 began = rq->start_time_ns;
    u64 now = bpf_ktime_get_ns();
    if (began && began <= now && ctx->args[2] >= rq->__data_len && !unwanted(disk))
        store(now - began, group);
    return 0;
#else
    u64 sector = rq->__sector;
    if (sector == (u64)-1)
        sector = 0;
    return end(disk, sector, group);
#endif
}
#elif defined(END_IO)
int end_request(struct tracepoint__block__block_io_done *args)
{
    return end(args->dev, args->sector, args->dev);
}
#else
int end_request(struct tracepoint__block__block_rq_complete *args)
{
    return end(args->dev, args->sector, args->dev);
}
#endif
"""

OPERATIONS = {
    0: "Read", 1: "Write", 2: "Flush", 3: "Discard", 5: "SecureErase", 6: "ZoneReset",
    7: "WriteSame", 9: "WriteZeros",
}  # fmt: skip
# Modifiers by bit, in the order they are named.
MODIFIERS = [
    (21, "NoWait"), (20, "Background"), (19, "ReadAhead"), (14, "Idle"), (13, "NoMerge"),
    (12, "Priority"), (17, "ForcedUnitAccess"), (10, "Metadata"), (11, "Sync"),
]  # fmt: skip


def options():
    p = tool.parser("Summarize block device I/O latency as a histogram", EXAMPLES)
    add = p.add_argument
    add("-T", "--timestamp", action="store_true", help="time of day before each report")
    add("-Q", "--queued", action="store_true", help="include OS queued time in I/O time")
    add("-m", "--milliseconds", action="store_true", help="millisecond histogram")
    add("-D", "--disks", action="store_true", help="print a histogram per disk device")
    add("-F", "--flags", action="store_true", help="print a histogram per set of I/O flags")
    add("-e", "--extension", action="store_true", help="summarize average and total value")
    add("-j", "--json", action="store_true", help="print one JSON object per histogram")
    add("-d", "--disk", help="trace this disk only")
    tool.add_interval(p)
    return p.parse_args()


def hooks_for(args, exists):
    """Switches for the C, and the probes that go with them: tracepoint -> function.

    An entry without a colon is a raw tracepoint.
    """
    flags, hooks = [], {}
    in_request = False
    if not args.queued:
        hooks["block:block_rq_issue"] = "begin_request"
    elif exists("block", "block_io_start"):
        flags.append("-DSTART_IO")
        hooks["block:block_io_start"] = "begin_request"
    else:
        flags.append("-DSTART_IN_REQUEST")
        in_request = True
    if args.flags or in_request:
        flags.append("-DEND_WITH_REQUEST")
        hooks["block_rq_complete"] = "end_request"
    elif args.queued and exists("block", "block_io_done"):
        flags.append("-DEND_IO")
        hooks["block:block_io_done"] = "end_request"
    else:
        hooks["block:block_rq_complete"] = "end_request"
    # Completion first: a request whose end is not seen would stay in the map.
    return flags, dict(reversed(hooks.items()))


def describe(flags):
    """Words for a request's cmd_flags: `ReadAhead-Read`."""
    words = [name for bit, name in MODIFIERS if flags & (1 << bit)]
    return "-".join([*words, OPERATIONS.get(flags & 0xFF, "Unknown")])


def disk_names():
    """Block devices by the kernel's number (major << 20 | minor)."""
    with open("/proc/diskstats") as stats:
        rows = [line.split()[:3] for line in stats]
    return {int(major) << 20 | int(minor): name for major, minor, name in rows}


def disk_number(name):
    """The kernel's number of `/dev/NAME`; ends the tool when there is no such disk."""
    try:
        number = os.stat(os.path.join("/dev", name)).st_rdev
    except OSError:
        number = 0
    if not number:
        tool.fail(f"no such disk '{name}'")
    return os.major(number) << 20 | os.minor(number)


def cflags_for(args):
    return tool.switches({
        "MILLISECONDS": args.milliseconds,
        "EXTENSION": args.extension,
        "PER_DISK": args.disks,
        "PER_FLAGS": args.flags,
        "FILTER_DISK": args.disk is not None,
    })


def attach(b, hooks):
    for name, function in hooks.items():
        if ":" in name:
            b.attach_tracepoint(tp=name.encode(), fn_name=function.encode())
        else:
            b.attach_raw_tracepoint(tp=name.encode(), fn_name=function.encode())


def print_json(args, dist, label):
    section, name = None, int
    if args.disks:
        names = disk_names()
        section, name = "disk", lambda disk: names.get(disk, "?")
    elif args.flags:
        section, name = "flags", describe
    for record in tool.histogram_records(dist, label, section, name):
        tool.print_json(record)


def print_report(args, dist, extension, label):
    print()
    if args.timestamp:
        print(f"{tool.clock():<8}")
    names = disk_names()
    if args.disks:
        dist.print_log2_hist(label, "disk", lambda disk: names.get(disk, "?"))
    elif args.flags:
        dist.print_log2_hist(label, "flags", describe)
    else:
        dist.print_log2_hist(label)
    for _, values in extension.items() if extension else ():
        average = values.total // max(values.count, 1)  # one may be counted before the other
        print(f"\navg = {average} {label}, total: {values.total} {label}, "
              f"count: {values.count}\n")  # fmt: skip
    sys.stdout.flush()


def main():
    args = options()
    if args.disks and args.flags:
        tool.fail("ERROR: can only use -D or -F. Exiting.")
    disk = 0 if args.disk is None else disk_number(args.disk)
    tool.show_ebpf(args, TEXT)

    from bcc import BPF

    flags, hooks = hooks_for(args, BPF.tracepoint_exists)
    if BPF.kernel_struct_has_field(b"request", b"rq_disk") == 1:
        flags.append("-DHAVE_RQ_DISK")
    b = tool.load(TEXT, cflags_for(args) + flags)
    tool.set_options(b, "options", disk=disk)
    attach(b, hooks)

    if not args.json:
        tool.print_start("Tracing block device I/O... Hit Ctrl-C to end.")
    label = "msecs" if args.milliseconds else "usecs"
    dist = b[b"dist"].gains()
    extension = b[b"extension"].gains() if args.extension else None
    for _last in tool.intervals(args.interval, args.count):
        if args.json:
            print_json(args, dist, label)
        else:
            print_report(args, dist, extension, label)


if __name__ == "__main__":
    tool.run(main)
