#!/usr/bin/python3
"""sslsniff: print what programs send and receive through SSL libraries, in the clear.

Probes the read and write functions of OpenSSL, GnuTLS and NSS.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap

from bcc import tool

EXAMPLES = """examples:
    ./sslsniff              # OpenSSL, GnuTLS and NSS of all processes
    ./sslsniff -p 181       # only process 181
    ./sslsniff -u 1000      # only user 1000
    ./sslsniff -c curl      # only commands called curl
    ./sslsniff --no-openssl # without OpenSSL
    ./sslsniff --no-gnutls  # without GnuTLS
    ./sslsniff --no-nss     # without NSS
    ./sslsniff --hexdump    # data as hexadecimal numbers
    ./sslsniff -x           # with user and thread ids
    ./sslsniff -l           # with the time each call took
    ./sslsniff -l --handshake  # with handshakes, too
    ./sslsniff --extra-lib openssl:/path/libssl.so.1.1  # one more library
    ./sslsniff --json       # an object a line, for programs"""

TEXT = r"""
#include <uapi/linux/ptrace.h>
#include <linux/sched.h>

#ifndef CAPTURED
#define CAPTURED 8192
#endif
#define READ 0
#define WRITE 1
#define HANDSHAKE 2

/* Filled in before the probes are attached. */
struct options {
    u32 pid;
    u32 uid;
};
BPF_ARRAY(options, struct options, 1);

/* A call that has not returned yet, by thread. */
struct call {
    u64 buffer;
    u64 since;
};
BPF_HASH(calls, u32, struct call);

struct event {
    u64 time;
    u64 duration;
    u32 pid;
    u32 tid;
    u32 uid;
    int len;
    u32 captured;
    u32 kind;
    char comm[TASK_COMM_LEN];
    u8 data[CAPTURED];
};
BPF_PERCPU_ARRAY(scratch, struct event, 1);
BPF_PERF_OUTPUT(events);

static int begin(u64 buffer)
{
    u64 id = bpf_get_current_pid_tgid();
    u32 tid = id;
#if defined(FILTER_PID) || defined(FILTER_UID)
    int zero = 0;
    struct options *o = options.lookup(&zero);
    if (!o)
        return 0;
#endif
#ifdef FILTER_PID
    if (id >> 32 != o->pid)
        return 0;
#endif
#ifdef FILTER_UID
    if ((u32)bpf_get_current_uid_gid() != o->uid)
        return 0;
#endif
    struct call call = {};
    call.buffer = buffer;
    call.since = bpf_ktime_get_ns();
    calls.update(&tid, &call);
    return 0;
}

static int end(struct pt_regs *ctx, u32 kind)
{
    u64 now = bpf_ktime_get_ns();
    u64 id = bpf_get_current_pid_tgid();
    u32 tid = id;
    int zero = 0;
    struct call *call = calls.lookup(&tid);
    if (!call)
        return 0;
    u64 buffer = call->buffer;
    u64 since = call->since;
    calls.delete(&tid);
    int len = PT_REGS_RC(ctx);
    if (len <= 0)
        return 0;
    struct event *e = scratch.lookup(&zero);
    if (!e)
        return 0;
    e->time = now;
    e->duration = now - since;
    e->pid = id >> 32;
    e->tid = tid;
    e->uid = bpf_get_current_uid_gid();
    e->len = kind == HANDSHAKE ? 0 : len;
    e->kind = kind;
    e->captured = 0;
    bpf_get_current_comm(e->comm, sizeof(e->comm));
    u32 size = len;
    if (size > CAPTURED)
        size = CAPTURED;
    if (kind != HANDSHAKE && bpf_probe_read_user(e->data, size, (void *)buffer) == 0)
        e->captured = size;
    else
        size = 0;
    if (size > CAPTURED)
        return 0;
    events.perf_submit(ctx, e, offsetof(struct event, data) + size);
    return 0;
}

int data_enter(struct pt_regs *ctx)
{
    return begin(PT_REGS_PARM2(ctx));
}

int read_leave(struct pt_regs *ctx)
{
    return end(ctx, READ);
}

int write_leave(struct pt_regs *ctx)
{
    return end(ctx, WRITE);
}

int handshake_enter(struct pt_regs *ctx)
{
    return begin(0);
}

int handshake_leave(struct pt_regs *ctx)
{
    return end(ctx, HANDSHAKE);
}
"""

# What each kind of library is called, and the functions that write and read.
LIBRARIES = {
    "openssl": ("ssl", [b"SSL_write"], [b"SSL_read"]),
    "gnutls": ("gnutls", [b"gnutls_record_send"], [b"gnutls_record_recv"]),
    "nss": ("nspr4", [b"PR_Write", b"PR_Send"], [b"PR_Read", b"PR_Recv"]),
}
NAMES = {0: "READ/RECV", 1: "WRITE/SEND", 2: "HANDSHAKE"}


def extra_library(text):
    kind, _, path = text.partition(":")
    if not path:
        raise argparse.ArgumentTypeError(f"Invalid SSL library param: '{text}'")
    if kind not in LIBRARIES:
        raise argparse.ArgumentTypeError(f"Invalid SSL library type: '{kind}'")
    if not os.path.isfile(path):
        raise argparse.ArgumentTypeError(f"Invalid library path: '{path}'")
    return kind, path


def options():
    p = tool.parser("Sniff SSL data", EXAMPLES)
    add = p.add_argument
    add("-p", "--pid", type=tool.pid, help="sniff this PID only")
    add("-u", "--uid", type=tool.uid, help="sniff this UID only")
    add("-x", "--extra", action="store_true", help="UID and TID columns")
    add("-c", "--comm", help="only commands of exactly this name")
    add("-o", "--no-openssl", action="store_false", dest="openssl", help="leave OpenSSL out")
    add("-g", "--no-gnutls", action="store_false", dest="gnutls", help="leave GnuTLS out")
    add("-n", "--no-nss", action="store_false", dest="nss", help="leave NSS out")
    add("-d", "--debug", action="count", default=0, help="print the program before starting")
    add("--hexdump", action="store_true", help="data as hexadecimal numbers")
    add("--max-buffer-size", type=tool.nonzero, default=8192, help="bytes to capture (8192)")
    add("-l", "--latency", action="store_true", help="column with the time of the call")
    add("--handshake", action="store_true", help="handshakes too, with -l")
    add("--extra-lib", type=extra_library, action="append", default=[],
        help="one more library, as TYPE:PATH; TYPE is openssl, gnutls or nss")  # fmt: skip
    tool.add_json(p)
    return p.parse_args()


def libraries(args):
    """(kind, path) of all libraries to probe; ends the tool when one is missing."""
    found = list(args.extra_lib)
    for kind, (name, _, _) in LIBRARIES.items():
        if getattr(args, kind):
            path = tool.find_binary(name)
            if path is None:
                tool.fail(f"sslsniff: no library {name}; --no-{kind} leaves it out")
            found.append((kind, os.fsdecode(path)))
    return found


def attach(b, args):
    for kind, path in libraries(args):
        where = {"name": os.fsencode(path), "pid": args.pid or -1}
        _, writers, readers = LIBRARIES[kind]
        for functions, leave in ((writers, b"write_leave"), (readers, b"read_leave")):
            for function in functions:
                b.attach_uretprobe(sym=function, fn_name=leave, **where)
                b.attach_uprobe(sym=function, fn_name=b"data_enter", **where)
        if kind == "openssl" and args.latency and args.handshake:
            b.attach_uretprobe(sym=b"SSL_do_handshake", fn_name=b"handshake_leave", **where)
            b.attach_uprobe(sym=b"SSL_do_handshake", fn_name=b"handshake_enter", **where)


def header(args):
    text = f"{'FUNC':<12} {'TIME(s)':<18} {'COMM':<16} {'PID':<7} {'LEN':<7}"
    if args.extra:
        text += f" {'UID':<7} {'TID':<7}"
    return text + (f" {'LAT(ms)':<7}" if args.latency else "")


def row(args, event, seconds):
    text = (f"{NAMES[event.kind]:<12} {seconds:<18.9f} {tool.text_of(event.comm):<16} "
            f"{event.pid:<7d} {event.len:<6d}")  # fmt: skip
    if args.extra:
        text += f" {event.uid:<7d} {event.tid:<7d}"
    if args.latency:
        latency = f"{event.duration / 1e6:.3f}" if event.duration else "N/A"
        text += f" {latency:<7}"
    return text


def block(args, event, data):
    """The data with the lines around it."""
    end = "----- END DATA -----"
    lost = event.len - len(data)
    if lost > 0:
        end = f"----- END DATA (TRUNCATED, {lost} bytes lost) -----"
    text = tool.text_of(data)
    if args.hexdump:
        text = "\n".join(textwrap.wrap(data.hex(), 32))
    return f"----- DATA -----\n{text}\n{end}\n\n\n"


def cflags_for(args):
    flags = tool.switches({"FILTER_PID": args.pid, "FILTER_UID": args.uid is not None})
    if args.max_buffer_size != 8192:
        flags.append(f"-DCAPTURED={args.max_buffer_size}")
    return flags


def main():
    args = options()
    tool.show_ebpf(args, TEXT)
    if args.debug:
        print(TEXT)
    b = tool.load(TEXT, cflags_for(args))
    tool.set_options(b, "options", pid=args.pid or 0, uid=args.uid or 0)
    attach(b, args)
    first = None

    def print_event(cpu, data, size):
        nonlocal first
        event = b[b"events"].event(data)
        comm = tool.text_of(event.comm)
        if args.comm and args.comm != comm:
            return
        first = event.time if first is None else first
        captured = bytes(event.data[: event.captured])
        seconds = (event.time - first) / 1e9
        if args.json:
            tool.print_json({
                "func": NAMES[event.kind], "time": seconds, "comm": comm, "pid": event.pid,
                "tid": event.tid, "uid": event.uid, "len": event.len,
                "ms": event.duration / 1e6, "captured": event.captured,
                "data": captured.hex() if args.hexdump else tool.text_of(captured),
            })  # fmt: skip
            return
        tool.print_row(row(args, event, seconds))
        if captured:
            sys.stdout.write(block(args, event, captured))
            sys.stdout.flush()

    b[b"events"].open_perf_buffer(print_event, page_cnt=64)
    if not args.json:
        tool.print_start(header(args))
    tool.poll_events(b)


if __name__ == "__main__":
    tool.run(main)
