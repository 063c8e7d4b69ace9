#!/usr/bin/python3
"""trace: print a message of your own whenever a function, tracepoint or USDT probe is hit."""

from __future__ import annotations

import os
import re
import sys
import time

from bcc import tool

EXAMPLES = """examples:
    ./trace do_sys_openat2            # each call of a kernel function
    ./trace 'do_sys_openat2 "%s", arg2@user'  # with a string it was given
    ./trace 'ksys_read (arg3 > 20000) "read %d bytes", arg3'  # only some calls
    ./trace 'r::do_sys_openat2 "%lld", retval'    # returns, with the result
    ./trace 'c:open (arg2 == 42) "%s %d", arg1, arg2'  # a function of libc
    ./trace 'c:malloc "size = %d", arg1'
    ./trace 'p:c:write (arg1 == 1) "%d bytes to stdout", arg3'
    ./trace 'r::__kmalloc (retval == 0) "kmalloc failed!"'
    ./trace 't:block:block_rq_complete "sectors=%d", args->nr_sector'  # a tracepoint
    ./trace 'u:pthread:pthread_create (arg4 != 0)'  # a USDT probe
    ./trace 'p::vfs_fsync(struct file *file) "%s", file->f_path.dentry->d_name.name'
    ./trace 'p::__x64_sys_write(int fd) (fd == 1) "to stdout"'  # a system call
    ./trace -I linux/fs.h 'p::vfs_fsync(struct file *file) "%llx", file'  # with a header
    ./trace -c /sys/fs/cgroup/system.slice c:open  # only tasks of a cgroup
    ./trace 'c:open (STRCMP("test.txt", arg1)) "%s", arg1'  # compare strings
    ./trace -K -U -p 185 c:malloc     # with kernel and user stacks
    ./trace -M 10 -A -U c:malloc      # ten events, equal ones together
    ./trace --json 't:sched:sched_process_exit "%s", args->comm'  # an object a line"""

COMMON = r"""
/* Filled in before the probes are attached. */
struct options {
    u32 pid;
    u32 tid;
    u32 uid;
    u32 self;
};
BPF_ARRAY(options, struct options, 1);
"""

# What a handler does before the probe's own filter.
FILTERS = r"""    int zero = 0;
    struct options *o = options.lookup(&zero);
    u64 id = bpf_get_current_pid_tgid();
    if (!o)
        return 0;
#if defined(FILTER_TID)
    if ((u32)id != o->tid)
        return 0;
#elif defined(FILTER_PID)
    if (id >> 32 != o->pid)
        return 0;
#elif !defined(INCLUDE_SELF)
    if (id >> 32 == o->self)
        return 0;
#endif
#ifdef FILTER_UID
    if ((u32)bpf_get_current_uid_gid() != o->uid)
        return 0;
#endif
#ifdef FILTER_CGROUP
    if (cgroup.check_current_task(0) <= 0)
        return 0;
#endif
"""

C_TYPES = {
    "d": "int", "ld": "long", "lld": "long long", "hd": "short", "u": "unsigned int",
    "lu": "unsigned long", "llu": "unsigned long long", "hu": "unsigned short",
    "x": "unsigned int", "lx": "unsigned long", "llx": "unsigned long long", "c": "char",
    "K": "unsigned long long", "U": "unsigned long long", "s": "",
}  # fmt: skip
FORMAT = re.compile(r"%%|%(lld|llu|llx|ld|lu|lx|hd|hu|[duxcsKU])")
ALIASES = {
    "pid": "(u32)bpf_get_current_pid_tgid()", "tgid": "(u32)(bpf_get_current_pid_tgid() >> 32)",
    "uid": "(u32)bpf_get_current_uid_gid()", "gid": "(u32)(bpf_get_current_uid_gid() >> 32)",
    "cpu": "bpf_get_smp_processor_id()",
    "task": "((struct task_struct *)bpf_get_current_task())",
}  # fmt: skip


class SpecError(Exception):
    """A probe specification that cannot be understood."""


class Probe:
    """One probe: what was asked for, and its C."""

    def __init__(self, number, text, args):
        self.number, self.text, self.args = number, text, args
        self.usdt, self.offset, self.streq = None, 0, ""
        try:
            head, self.signature, rest = split(text)
            self._parse_head(head)
            self.predicate, rest = split_predicate(rest.lstrip())
            self._parse_action(rest.strip())
        except SpecError as error:
            tool.fail(f"error in probe '{text}': {error}")
        self.handler = f"probe_{number}"
        self.events = f"events_{number}"

    def _parse_head(self, head):
        from bcc import BPF

        parts = head.split(":")
        if len(parts) < 3:
            parts = ["p", *([""] if len(parts) == 1 else []), *parts]
        self.kind = parts[0] or "p"
        if self.kind not in ("p", "t", "r", "u"):
            raise SpecError(f"probe type must be '', 'p', 't', 'r', or 'u', but got '{self.kind}'")
        self.category = parts[1]
        self.function = parts[-1]
        self.provider = parts[2] if self.kind == "u" and len(parts) == 4 else None
        library = parts[1] if self.provider else ":".join(parts[1:-1])
        if self.signature and self.kind in "tu":
            raise SpecError("USDT and tracepoint probes can't have a function signature; "
                            "use arg1, arg2, ... instead")  # fmt: skip
        if self.kind == "p" and "+" in self.function:
            self.function, offset = self.function.split("+", 1)
            if not re.fullmatch(r"\d+|0[xX][0-9a-fA-F]+", offset):
                raise SpecError(f"invalid offset format  '{offset}', "
                                "must be decimal or hexadecimal")  # fmt: skip
            self.offset = int(offset, 0)
        self.library = None
        if self.kind != "t" and library:
            self.library = tool.find_binary(library)
            if self.library is None:
                raise SpecError(f"unable to find library {library}")
        elif self.kind == "u" and not self.args.pid:
            raise SpecError(f"unable to find library {library}")
        elif self.kind == "t" and not BPF.tracepoint_exists(self.category, self.function):
            raise SpecError(f"unable to find tracepoint {self.category}:{self.function}")

    def _parse_action(self, text):
        self.format, self.values = None, []
        if not text:
            return
        match = re.search(r'"(.*?)"(.*)', text)
        if match is None:
            raise SpecError(f'expected format string in "{text}')
        self.format = match.group(1)
        rest = match.group(2).strip().removeprefix(",")
        # A comma after a quote belongs to STRCMP.
        self.values = [v.strip() for v in re.split(r'(?<!"),', rest)] if rest.strip() else []
        self.specs = [m.group(1) for m in FORMAT.finditer(self.format) if m.group(1)]
        if len(self.specs) != len(self.values):
            raise SpecError(f"{len(self.specs)} format specifiers for {len(self.values)} values")

    # -- C

    def _argument(self, match):
        number = int(match.group(1))
        if self.kind == "u":
            self.used.add(number)
            return f"arg{number}"
        if self.inner_regs:
            return "regs.r10" if number == 4 else f"PT_REGS_PARM{number}(&regs)"
        return f"PT_REGS_PARM{number}(ctx)"

    def _c(self, expression):
        """An expression of the specification as C."""
        from bcc.utils import StrcmpRewrite

        users = re.findall(r"\barg[1-6]@user", expression)
        result = StrcmpRewrite.rewrite_expr(
            expression, self.args.bin_cmp, self.library is not None, users, "",
            self.number * 100 + self.streq.count("streq_"),
        )  # fmt: skip
        self.streq += result["streq_functions"]
        text = result["expr"].replace("@user", "")
        text = re.sub(r"\$(\w+)", lambda m: ALIASES.get(m.group(1), m.group(0)), text)
        text = re.sub(r"\bretval\b", "PT_REGS_RC(ctx)", text)
        return re.sub(r"(?<![\w>.])arg([1-9]\d?)\b", self._argument, text)

    def _store(self, number, spec, value, raw):
        if spec != "s":
            return f"    e->v{number} = ({C_TYPES[spec]})({value});\n"
        user = self.library is not None or raw.endswith("@user")
        read = "bpf_probe_read_user_str" if user else "bpf_probe_read_kernel_str"
        target = f"e->v{number}, sizeof(e->v{number}), (void *)s{number}"
        # A record of the kernel may hold a user's pointer, as those of system calls do.
        more = "" if user else f" && bpf_probe_read_user_str({target}) < 0"
        return (f"    e->v{number}[0] = 0;\n    u64 s{number} = (u64)({value});\n"
                f"    if (s{number} && {read}({target}) < 0{more})\n"
                f"        e->v{number}[0] = 0;\n")  # fmt: skip

    def c_text(self):
        """The event, its buffer and the handler."""
        self.used = set()
        self.inner_regs = (
            self.kind == "p" and not self.library and self.function.startswith("__x64_sys_")
        )
        predicate = self._c(self.predicate or "1")
        specs = self.specs if self.format is not None else []
        stores = "".join(
            self._store(n, spec, self._c(value), value)
            for n, (spec, value) in enumerate(zip(specs, self.values, strict=True))
        )
        members = "".join(
            f"    char v{n}[{self.args.string_size}];\n" if spec == "s"
            else f"    {C_TYPES[spec]} v{n};\n" for n, spec in enumerate(specs)
        )  # fmt: skip
        stacks = ""
        ctx = "args" if self.kind == "t" else "ctx"
        if self.args.kernel_stack:
            stacks += f"    e->kernel_stack = stacks.get_stackid({ctx}, 0);\n"
        if self.args.user_stack:
            stacks += f"    e->user_stack = stacks.get_stackid({ctx}, BPF_F_USER_STACK);\n"
        number = self.number
        return f"""
struct event_{number} {{
    u64 time;
    u32 pid;
    u32 tid;
    u32 cpu;
    int kernel_stack;
    int user_stack;
    char comm[TASK_COMM_LEN];
{members}}};
BPF_PERF_OUTPUT({self.events});
BPF_PERCPU_ARRAY(scratch_{number}, struct event_{number}, 1);
{self.streq}
int {self.handler}({self._parameters()})
{{
{FILTERS}{self._locals()}    if (!({predicate}))
        return 0;
    struct event_{number} *e = scratch_{number}.lookup(&zero);
    if (!e)
        return 0;
    e->time = bpf_ktime_get_ns();
    e->pid = id >> 32;
    e->tid = id;
    e->cpu = bpf_get_smp_processor_id();
    e->kernel_stack = 0;
    e->user_stack = 0;
    bpf_get_current_comm(e->comm, sizeof(e->comm));
{stores}{stacks}    {self.events}.perf_submit({ctx}, e, sizeof(*e));
    return 0;
}}
"""

    def _parameters(self):
        if self.kind == "t":
            return f"struct tracepoint__{self.category}__{self.function} *args"
        if self.signature and not self.inner_regs:
            return f"struct pt_regs *ctx, {self.signature}"
        return "struct pt_regs *ctx"

    def _locals(self):
        text = ""
        if self.inner_regs:
            text += ("    struct pt_regs regs = {};\n    bpf_probe_read_kernel(&regs, sizeof(regs), "
                     "(void *)PT_REGS_PARM1(ctx));\n")  # fmt: skip
            for n, parameter in enumerate((self.signature or "").split(","), 1):
                match = re.fullmatch(r"(.*[\s*])(\w+)", parameter.strip())
                if match:
                    value = "regs.r10" if n == 4 else f"PT_REGS_PARM{n}(&regs)"
                    text += f"    {parameter.strip()} = ({match.group(1)}){value};\n"
        for number in sorted(self.used):
            try:
                kind = self.usdt.get_probe_arg_ctype(self._usdt_name(), number - 1)
            except Exception:
                tool.fail(f"error in probe '{self.text}': "
                          f"Unable to determine type of arg{number} in the filter")  # fmt: skip
            text += f"    {kind} arg{number} = 0;\n"
            text += f"    bpf_usdt_readarg({number}, ctx, &arg{number});\n"
        return text

    def _usdt_name(self):
        return f"{self.provider}:{self.function}" if self.provider else self.function

    # -- attaching

    def enable(self):
        """For a USDT probe: finds and enables it, before the C is made."""
        if self.kind != "u":
            return
        self.usdt = tool.usdt(self.library, self.args.pid)
        try:
            self.usdt.enable_probe(self._usdt_name(), self.handler)
        except Exception:
            tool.fail(f"error in probe '{self.text}': unrecognized USDT probe {self.function}")

    def attach(self, b):
        name = {"fn_name": self.handler.encode()}
        function = self.function.encode()
        if self.kind == "t":
            b.attach_tracepoint(tp=f"{self.category}:{self.function}".encode(), **name)
        elif self.library is not None and self.kind != "u":
            where = {"name": self.library, "sym": function, "pid": self.args.pid or -1}
            if self.kind == "p":
                b.attach_uprobe(sym_off=self.offset, **where, **name)
            else:
                b.attach_uretprobe(**where, **name)
        elif self.kind == "p":
            b.attach_kprobe(event=function, event_off=self.offset, **name)
        elif self.kind == "r":
            b.attach_kretprobe(event=function, **name)

    # -- events

    def values_of(self, b, event):
        """The message's values in Python."""
        values = []
        for number, spec in enumerate(self.specs if self.format is not None else []):
            value = getattr(event, f"v{number}")
            if spec == "K":
                value = tool.text_of(b.ksym(value, show_offset=True))
            elif spec == "U":
                value = tool.text_of(b.sym(value, event.pid, show_module=True, show_offset=True))
            elif isinstance(value, bytes):
                value = tool.text_of(value)
            values.append(value)
        return values

    def message(self, values):
        if self.format is None:
            return ""
        left = iter(values)

        def piece(match):
            if match.group(0) == "%%":
                return "%"
            value = next(left)
            return f"{value:x}" if match.group(1).endswith("x") else str(value)

        return FORMAT.sub(piece, self.format)


def split(text):
    """HEAD, signature without parentheses (or None), and the rest."""
    match = re.match(r"([^ \t(]+)(\([^(]*\))?(.*)", text, re.DOTALL)
    if match is None:
        raise SpecError("a function is missing")
    head, signature, rest = match.groups()
    return head, signature[1:-1].strip() or None if signature else None, rest


def split_predicate(text):
    """The expression in leading parentheses (or None), and the rest."""
    if not text.startswith("("):
        return None, text
    depth = 0
    for at, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return text[1:at], text[at + 1 :]
    raise SpecError("unmatched end of predicate")


def options():
    p = tool.parser("Attach to functions and print trace messages", EXAMPLES)
    add = p.add_argument
    add("-b", "--buffer-pages", type=tool.nonzero, default=64, help="pages of each perf buffer (64)")
    add("-p", "--pid", type=tool.pid, help="trace this PID only")
    add("-L", "--tid", type=tool.pid, help="trace this TID only")
    add("--uid", type=tool.uid, help="trace this UID only")
    add("-v", "--verbose", action="store_true", help="print the program before starting")
    add("-Z", "--string-size", type=tool.nonzero, default=80, help="bytes of a string to print (80)")
    add("-S", "--include-self", action="store_true", help="do not leave out the tool itself")
    add("-M", "--max-events", type=tool.nonzero, help="number of events to print before ending")
    add("-t", "--timestamp", action="store_true", help="column of seconds since the start")
    add("-u", "--unix-timestamp", action="store_true", help="UNIX time instead, with -t")
    add("-T", "--time", action="store_true", help="column with the time of day")
    add("-C", "--print_cpu", action="store_true", help="column with the CPU")
    add("-c", "--cgroup-path", metavar="CGROUP_PATH", help="only tasks below this cgroup")
    add("-n", "--name", help="only processes whose name holds this")
    add("-f", "--msg-filter", help="only messages that hold this")
    add("-B", "--bin_cmp", action="store_true", help="STRCMP takes a list of bytes")
    add("-s", "--sym_file_list", metavar="SYM_FILE_LIST",
        help="files with symbols, comma-separated, for stacks of build-ids")  # fmt: skip
    add("-K", "--kernel-stack", action="store_true", help="print the kernel stack")
    add("-U", "--user-stack", action="store_true", help="print the user stack")
    add("-a", "--address", action="store_true", help="print addresses in stacks")
    add(metavar="probe", dest="probes", nargs="+",
        help='[p|r|t|u]:[LIB]:FUNCTION[(SIGNATURE)] [(FILTER)] ["FORMAT", VALUES]')  # fmt: skip
    add("-I", "--include", action="append", default=[], metavar="header",
        help="header to include, for types in a signature")  # fmt: skip
    add("-A", "--aggregate", action="store_true", help="count equal messages, with -M")
    tool.add_json(p)
    args = p.parse_args()
    if args.cgroup_path and not os.path.isdir(args.cgroup_path):
        p.error(f"{args.cgroup_path} is no directory of a cgroup")
    if args.tid is not None and args.pid is not None:
        p.error("only one of -p and -L may be specified")
    return args


def program(args, probes):
    from bcc import BPF

    text = "#include <linux/ptrace.h>\n#include <linux/sched.h>\n"
    for header in args.include:
        if header.startswith((".", "/")):
            text += f'#include "{os.path.abspath(header)}"\n'
        else:
            text += f"#include <{header}>\n"
    text += BPF.generate_auto_includes([probe.text for probe in probes]) + COMMON
    if args.cgroup_path:
        text += "BPF_CGROUP_ARRAY(cgroup, 1);\n"
    if args.kernel_stack or args.user_stack:
        text += "BPF_STACK_TRACE(stacks, 1024);\n"
    return text + "".join(probe.c_text() for probe in probes)


def load(args, text, probes):
    flags = tool.switches({
        "FILTER_TID": args.tid is not None,
        "FILTER_PID": args.pid is not None,
        "INCLUDE_SELF": args.include_self,
        "FILTER_UID": args.uid,
        "FILTER_CGROUP": args.cgroup_path,
    })
    b = tool.load(text, flags, [probe.usdt for probe in probes if probe.usdt])
    tool.set_options(
        b, "options", pid=args.pid or 0, tid=args.tid or 0, uid=args.uid or 0, self=os.getpid()
    )
    if args.cgroup_path:
        b[b"cgroup"][0] = args.cgroup_path
    for probe in probes:
        probe.attach(b)
    return b


class Printer:
    """Prints events as they come, or counts equal ones, and knows when it is enough."""

    def __init__(self, b, args):
        self.b, self.args = b, args
        self.shown, self.counts = 0, {}
        self.start = time.clock_gettime_ns(time.CLOCK_MONOTONIC)

    def enough(self):
        return self.args.max_events is not None and self.shown >= self.args.max_events

    def header(self, any_action):
        args = self.args
        text = ""
        if args.timestamp or args.time:
            text += f"{'TIME':<17} " if args.unix_timestamp else f"{'TIME':<8} "
        if args.print_cpu:
            text += f"{'CPU':<3} "
        return f"{text}{'PID':<7} {'TID':<7} {'COMM':<15} {'FUNC':<16} {'-' if any_action else ''}"

    def _time(self, event):
        args = self.args
        if args.timestamp and args.unix_timestamp:
            return f"{time.time():.6f}"[:17] + " "
        if args.timestamp:
            return f"{f'{(event.time - self.start) / 1e9:.6f}'[:8]:<8} "
        if args.time:
            return f"{tool.clock():<17} " if args.unix_timestamp else f"{tool.clock():<8} "
        return ""

    def _frames(self, stack_id, resolve):
        if stack_id < 0:
            return [f"        {stack_id}"]
        lines = []
        for address in tool.stack_of(self.b[b"stacks"], stack_id) or []:
            name = tool.text_of(resolve(address))
            shown = f"{address:16x} {name}" if self.args.address else name
            lines.append(f"        {shown}")
        return lines

    def _stacks(self, event):
        kernel, user = [], []
        if self.args.kernel_stack:
            kernel = self._frames(
                event.kernel_stack, lambda at: self.b.ksym(at, show_module=True, show_offset=True)
            )
        if self.args.user_stack:
            user = self._frames(
                event.user_stack,
                lambda at: self.b.sym(at, event.pid, show_module=True, show_offset=True),
            )
        return kernel, user

    def show(self, probe, event):
        comm = tool.text_of(event.comm)
        if self.enough() or self.args.name and self.args.name not in comm:
            return
        values = probe.values_of(self.b, event)
        message = probe.message(values)
        if self.args.msg_filter and self.args.msg_filter not in message:
            return
        self.shown += 1
        kernel, user = self._stacks(event)
        if self.args.json:
            record = {
                "time": event.time / 1e9, "cpu": event.cpu, "pid": event.pid, "tid": event.tid,
                "comm": comm, "func": probe.function, "message": message, "values": values,
            }  # fmt: skip
            if self.args.kernel_stack:
                record["kernel_stack"] = [frame.strip() for frame in kernel]
            if self.args.user_stack:
                record["user_stack"] = [frame.strip() for frame in user]
            tool.print_json(record)
            return
        cpu = f"{event.cpu:<3} " if self.args.print_cpu else ""
        row = (f"{self._time(event)}{cpu}{event.pid:<7d} {event.tid:<7d} {comm:<15} "
               f"{probe.function:<16} {message}")  # fmt: skip
        lines = (row, *kernel, *user)
        if self.args.kernel_stack or self.args.user_stack:
            lines = (*lines, "")
        if self.args.aggregate:
            self.counts[lines] = self.counts.get(lines, 0) + 1
        else:
            tool.print_row(*lines)

    def totals(self):
        for lines, count in sorted(self.counts.items(), key=lambda item: -item[1]):
            tool.print_row(*lines, f"-->COUNT {count}", "")


def open_buffer(b, probe, printer, pages):
    table = b[probe.events.encode()]
    table.open_perf_buffer(
        lambda cpu, data, size: printer.show(probe, table.event(data)), page_cnt=pages
    )


def main():
    args = options()
    if args.aggregate and not args.max_events:
        tool.fail("-M/--max-events should be specified with -A/--aggregate")
    probes = [Probe(number, text, args) for number, text in enumerate(args.probes)]
    for probe in probes:
        probe.enable()
    text = program(args, probes)
    tool.show_ebpf(args, text)
    if args.verbose:
        print(text)
    b = load(args, text, probes)
    printer = Printer(b, args)
    for probe in probes:
        open_buffer(b, probe, printer, args.buffer_pages)
    if not args.json:
        if args.sym_file_list:
            print("Note: Kernel bpf will report stack map with ip/build_id")
            for path in args.sym_file_list.split(","):
                b.add_module(path)
        tool.print_start(printer.header(any(probe.format is not None for probe in probes)))
    interrupted = tool.poll_events(b, printer.enough)
    printer.totals()
    if interrupted:
        if not args.json:
            tool.print_row("")
        sys.exit(1)


if __name__ == "__main__":
    tool.run(main)
