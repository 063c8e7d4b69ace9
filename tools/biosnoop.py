#!/usr/bin/python3
"""biosnoop: print each block I/O with its process, size and latency."""

from __future__ import annotations

import os

from bcc import tool

EXAMPLES = """examples:
    ./biosnoop         # every block I/O
    ./biosnoop -Q      # with the time it was queued in the operating system
    ./biosnoop -d sdc  # only disk sdc
    ./biosnoop -P      # tell sequential from random I/O
    ./biosnoop --json  # an object a line, for programs"""

TEXT = r"""
#include <linux/blkdev.h>

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

/* Who made it, and when. */
struct origin {
    u64 ts;
    u32 pid;
    char comm[TASK_COMM_LEN];
    u32 pad;
};
BPF_HASH(origins, struct request_key, struct origin);

/* When it went to the device. */
struct issue {
    u64 ts;
    u32 bytes;
    u32 write;
};
BPF_HASH(issues, struct request_key, struct issue);

/* Where the last completed request of a disk ended. */
BPF_HASH(ends, u64, u64);

struct event {
    u64 ts;
    u64 queued;
    u64 latency;
    u64 disk;
    u64 sector;
    u32 bytes;
    u32 pid;
    u32 write;
    u32 pattern;
    char comm[TASK_COMM_LEN];
};
BPF_PERF_OUTPUT(events);

enum pattern { UNKNOWN, RANDOM, SEQUENTIAL };

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

static int made(u64 disk, u64 sector)
{
    if (unwanted(disk))
        return 0;
    struct request_key key = {};
    key.disk = disk;
    key.sector = sector;
    struct origin origin = {};
    origin.ts = bpf_ktime_get_ns();
    origin.pid = bpf_get_current_pid_tgid() >> 32;
    bpf_get_current_comm(origin.comm, sizeof(origin.comm));
    origins.update(&key, &origin);
    return 0;
}

#ifdef HAVE_IO_START
int make_request(struct tracepoint__block__block_io_start *args)
{
    return made(args->dev, args->sector);
}
#else
/* The raw event: the plain one names a partition where the later ones name its disk. */
int make_request(struct bpf_raw_tracepoint_args *ctx)
{
#ifdef HAVE_BI_BDEV
    struct bio *bio = (struct bio *)ctx->args[0];
    struct gendisk *gd = bio->bi_bdev->bd_disk;
#else
    struct bio *bio = (struct bio *)ctx->args[1];
    struct gendisk *gd = bio->bi_disk;
#endif
    return made(((u64)gd->major << 20) | gd->first_minor, bio->bi_iter.bi_sector);
}
#endif

int issue_request(struct tracepoint__block__block_rq_issue *args)
{
    u64 disk = args->dev;
    if (unwanted(disk))
        return 0;
    struct request_key key = {};
    key.disk = disk;
    key.sector = args->sector;
    struct issue issue = {};
    issue.ts = bpf_ktime_get_ns();
    issue.bytes = args->bytes;
    for (int i = 0; i < 4; i++)
        if (args->rwbs[i] == 'W')
            issue.write = 1;
    issues.update(&key, &issue);
    return 0;
}

int end_request(struct tracepoint__block__block_rq_complete *args)
{
    struct request_key key = {};
    key.disk = args->dev;
    key.sector = args->sector;
    struct issue *issue = issues.lookup(&key);
    if (!issue)
        return 0;
    struct event e = {};
    e.ts = bpf_ktime_get_ns();
    e.latency = e.ts - issue->ts;
    e.bytes = issue->bytes;
    e.write = issue->write;
    struct origin *origin = origins.lookup(&key);
    if (origin) {
        e.queued = issue->ts - origin->ts;
        e.pid = origin->pid;
        e.disk = key.disk;
        e.sector = key.sector;
        __builtin_memcpy(e.comm, origin->comm, sizeof(e.comm));
    } else {
        e.comm[0] = '?';
        e.disk = ~0ULL;
    }
#ifdef PATTERN
    u64 *last = ends.lookup(&key.disk);
    if (last)
        e.pattern = *last == key.sector ? SEQUENTIAL : RANDOM;
    u64 next = key.sector + (issue->bytes >> 9);
    ends.update(&key.disk, &next);
#endif
    events.perf_submit(args, &e, sizeof(e));
    origins.delete(&key);
    issues.delete(&key);
    return 0;
}
"""
PATTERNS = "?RS"


def options():
    p = tool.parser("Trace block I/O", EXAMPLES)
    add = p.add_argument
    add("-Q", "--queue", action="store_true", help="include OS queued time")
    add("-d", "--disk", help="trace this disk only")
    add("-P", "--pattern", action="store_true", help="show block I/O pattern, random or sequential")
    tool.add_json(p)
    return p.parse_args()


def header(args):
    pieces = [
        (True, f"{'TIME(s)':<11} {'COMM':<14} {'PID':<7} {'DISK':<9} T {'SECTOR':<10} {'BYTES':<7}"),
        (args.pattern, "P "),
        (args.queue, f"{'QUE(ms)':>7} "),
        (True, f"{'LAT(ms)':>7}"),
    ]
    return "".join(text for wanted, text in pieces if wanted)


def row(args, event, seconds, disk):
    comm = tool.text_of(event.comm)
    kind = "W" if event.write else "R"
    pieces = [
        (True, f"{seconds:<11.6f} {comm:<14.14} {event.pid:<7} {disk:<9} {kind} "),
        (True, f"{event.sector:<10} {event.bytes:<7}"),
        (args.pattern, f"{PATTERNS[event.pattern]} "),
        (args.queue, f"{event.queued / 1e6:>7.2f} "),
        (True, f"{event.latency / 1e6:>7.2f}"),
    ]
    return "".join(text for wanted, text in pieces if wanted)


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
    from bcc import BPF

    return tool.switches({
        "FILTER_DISK": args.disk is not None,
        "PATTERN": args.pattern,
        "HAVE_IO_START": BPF.tracepoint_exists("block", "block_io_start"),
        # Since v5.12 (309dca309fc3) a bio names its block device.
        "HAVE_BI_BDEV": BPF.kernel_struct_has_field(b"bio", b"bi_bdev") == 1,
    })


def attach(b, cflags):
    """Completion first: a request whose end is not seen would stay in the maps."""
    tool.attach_tracepoints(b, {
        "block:block_rq_complete": "end_request",
        "block:block_rq_issue": "issue_request",
    })  # fmt: skip
    if "-DHAVE_IO_START" in cflags:
        tool.attach_tracepoints(b, {"block:block_io_start": "make_request"})
    else:
        b.attach_raw_tracepoint(tp=b"block_getrq", fn_name=b"make_request")


def main():
    args = options()
    number = 0 if args.disk is None else disk_number(args.disk)
    tool.show_ebpf(args, TEXT)
    cflags = cflags_for(args)
    b = tool.load(TEXT, cflags)
    tool.set_options(b, "options", disk=number)
    attach(b, cflags)
    names = disk_names()
    first = None

    def print_event(cpu, data, size):
        nonlocal first
        event = b[b"events"].event(data)
        first = event.ts if first is None else first
        seconds = (event.ts - first) / 1e9
        disk = names.get(event.disk, "<unknown>")
        if args.json:
            tool.print_json({
                "time": seconds, "comm": tool.text_of(event.comm), "pid": event.pid, "disk": disk,
                "type": "W" if event.write else "R", "sector": event.sector, "bytes": event.bytes,
                "pattern": PATTERNS[event.pattern], "queued_ms": event.queued / 1e6,
                "latency_ms": event.latency / 1e6,
            })  # fmt: skip
            return
        tool.print_row(row(args, event, seconds, disk))

    b[b"events"].open_perf_buffer(print_event, page_cnt=64)
    if not args.json:
        tool.print_start(header(args))
    tool.poll_events(b)


if __name__ == "__main__":
    tool.run(main)
