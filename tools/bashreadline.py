#!/usr/bin/python3
"""bashreadline: print each command that is typed into an interactive bash.

Probes the return of bash's own line editor, or of a shared libreadline.
"""

from __future__ import annotations

from bcc import tool

EXAMPLES = """examples:
    ./bashreadline                          # all bash processes
    ./bashreadline -s /usr/lib/libreadline.so  # a bash linked with this library
    ./bashreadline --json                   # an object a line, for programs"""

TEXT = r"""
#include <uapi/linux/ptrace.h>
#include <linux/sched.h>

struct event {
    u32 pid;
    char line[80];
};
BPF_PERF_OUTPUT(events);

int typed(struct pt_regs *ctx)
{
    char comm[TASK_COMM_LEN] = {};
    struct event e = {};
    if (!PT_REGS_RC(ctx))
        return 0;
    bpf_get_current_comm(comm, sizeof(comm));
    if (comm[0] != 'b' || comm[1] != 'a' || comm[2] != 's' || comm[3] != 'h' || comm[4])
        return 0;
    e.pid = bpf_get_current_pid_tgid() >> 32;
    bpf_probe_read_user_str(e.line, sizeof(e.line), (void *)PT_REGS_RC(ctx));
    events.perf_submit(ctx, &e, sizeof(e));
    return 0;
}
"""

# The inner function exists since readline 8; gcc may split what readline() calls off it.
FUNCTIONS = (b"readline_internal_teardown", b"readline")


def options():
    p = tool.parser("Print entered bash commands from all running shells", EXAMPLES)
    p.add_argument("-s", "--shared", nargs="?", const="/lib/libreadline.so", default="/bin/bash",
                   help="trace this library, not /bin/bash (/lib/libreadline.so)")  # fmt: skip
    tool.add_json(p)
    return p.parse_args()


def main():
    args = options()
    tool.show_ebpf(args, TEXT)

    from bcc import BPF

    path = tool.find_binary(args.shared)
    if path is None:
        tool.fail(f"bashreadline: no such file: {args.shared}")
    found = BPF.get_user_functions(path, b"^readline(_internal_teardown)?$")
    function = next((name for name in FUNCTIONS if name in found), None)
    if function is None:
        tool.fail(f"bashreadline: {args.shared} has no function readline")
    b = tool.load(TEXT)
    b.attach_uretprobe(name=path, sym=function, fn_name=b"typed")

    def print_event(cpu, data, size):
        event = b[b"events"].event(data)
        line = tool.text_of(event.line)
        if args.json:
            tool.print_json({"time": tool.clock(), "pid": event.pid, "command": line})
        else:
            tool.print_row(f"{tool.clock():<9} {event.pid:<7d} {line}")

    b[b"events"].open_perf_buffer(print_event)
    if not args.json:
        tool.print_start(f"{'TIME':<9} {'PID':<7} COMMAND")
    tool.poll_events(b)


if __name__ == "__main__":
    tool.run(main)
