#!/usr/bin/python3
"""argdist: count or draw as a histogram what functions are given and return.

Works on functions of the kernel and of libraries, their returns, tracepoints and USDT probes.
"""

from __future__ import annotations

import re
import sys
import time

from bcc import tool

EXAMPLES = """examples:
    ./argdist -H 'p::__kmalloc(u64 size):u64:size'   # sizes given to a kernel function
    ./argdist -p 1005 -C 'p:c:malloc(size_t size):size_t:size:size==16'
    ./argdist -C 'r:c:gets():char*:(char*)$retval#lines read'
    ./argdist -H 'r::__kmalloc(size_t size):u64:$latency/$entry(size)#ns per byte'
    ./argdist -C 'p::__kmalloc(size_t size, gfp_t flags):size_t:size:flags&0x10'
    ./argdist -p 1005 -C 'p:c:write(int fd):int:fd' -T 5
    ./argdist -p 1005 -H 'r:c:read()'
    ./argdist -C 'r::vfs_read():u32:$PID:$latency > 100000'
    ./argdist -C 't:irq:irq_handler_entry():int:args->irq'
    ./argdist -H 't:block:block_rq_complete():u32:args->nr_sector'
    ./argdist -C 'u:pthread:pthread_start():u64:arg2' -p 1337
    ./argdist -C 'p:c:fork()#fork calls'             # without an expression: calls
    ./argdist -I linux/time.h -C 'p::hrtimer_nanosleep(ktime_t t):s64:t'
    ./argdist -i 5 -d 30 --json -C 'p:c:fork()'      # every 5 s, for 30 s, for programs"""

COMMON = r"""
/* Filled in before the probes are attached. */
struct options {
    u32 pid;
    u32 tid;
};
BPF_ARRAY(options, struct options, 1);
"""

FILTERS = r"""    u64 id = bpf_get_current_pid_tgid();
    u32 tid = id;
#if defined(FILTER_PID) || defined(FILTER_TID)
    int zero = 0;
    struct options *o = options.lookup(&zero);
    if (!o)
        return 0;
#endif
#ifdef FILTER_PID
    if (id >> 32 != o->pid)
        return 0;
#endif
#ifdef FILTER_TID
    if (tid != o->tid)
        return 0;
#endif
"""

STRINGS = ("char*", "char *")


class SpecError(Exception):
    """A specifier that cannot be understood."""


class Probe:
    """One specifier, its C and its table."""

    def __init__(self, number, kind, text, args):
        self.number, self.histogram, self.text, self.args = number, kind == "H", text, args
        self.usdt, self.streq, self.entries, self.used = None, "", {}, set()
        self.handler, self.table = f"probe_{number}", f"table_{number}"
        try:
            self._parse(text)
        except SpecError as error:
            tool.fail(f"error parsing probe '{text}': {error}")

    def _parse(self, text):
        from bcc import BPF

        spec, *label = text.split("#")
        self.label = label[0] if len(label) == 1 else None
        parts = spec.strip().split(":") if self.label is not None else text.strip().split(":")
        if len(parts) < 3:
            raise SpecError("at least the probe type, library, and function signature must be "
                            "specified")  # fmt: skip
        if len(parts) > 6:
            raise SpecError("extraneous ':'-separated parts detected")
        self.kind, library, function = parts[:3]
        if self.kind not in ("p", "r", "t", "u"):
            raise SpecError(f"probe type must be 'p', 'r', 't', or 'u' but got '{self.kind}'")
        match = re.fullmatch(r"(\w+)\(([^(]*)\).*", function.strip())
        if match is None:
            raise SpecError(f"function signature '{function}' has an invalid format")
        self.function, self.signature = match.group(1), match.group(2).strip()
        self.parameters = dict(map(split_parameter, filter(None, self.signature.split(","))))
        self.category, self.library = library, None
        if self.kind != "t" and library:
            self.library = tool.find_binary(library)
        if self.kind != "t" and library and self.library is None:
            raise SpecError(f"unable to find library {library}")
        if self.kind == "t" and not BPF.tracepoint_exists(self.category, self.function):
            raise SpecError(f"unable to find tracepoint {self.category}:{self.function}")
        self._parse_expressions(parts)
        self.filter = parts[5] if len(parts) == 6 else ""

    def _parse_expressions(self, parts):
        self.types, self.expressions, self.titles = [], [], []
        if len(parts) > 4:
            if not parts[3]:
                raise SpecError("no expr types specified")
            if not parts[4]:
                raise SpecError("no exprs specified")
            self.types, self.expressions = parts[3].split(","), parts[4].split(",")
            if len(self.types) != len(self.expressions):
                raise SpecError("mismatched # of exprs and types")
            self.titles = [re.sub(r"\$entry\((\w+)\)", r"\1", e) for e in self.expressions]
        elif self.kind == "r":
            self.types, self.expressions, self.titles = ["int"], ["$retval"], ["retval"]
        if self.histogram and not self.expressions:
            raise SpecError("histograms must have expr")
        if self.histogram and len(self.expressions) > 1:
            raise SpecError("histograms can only have 1 expr")

    # -- C

    def _entry(self, match):
        name = match.group(1)
        if name not in self.parameters:
            tool.fail(f"$entry({name}): no such param")
        self.entries[name] = self.parameters[name]
        return f"entry_{name}"

    def _argument(self, match):
        self.used.add(int(match.group(1)))
        return match.group(0)

    def _c(self, expression):
        """An expression of the specifier as C."""
        from bcc.utils import StrcmpRewrite

        users = [name for name, kind in self.parameters.items() if "__user" in kind]
        result = StrcmpRewrite.rewrite_expr(
            expression, False, self.library is not None, users, "",
            self.number * 100 + self.streq.count("streq_"),
        )  # fmt: skip
        self.streq += result["streq_functions"]
        text = re.sub(r"\$entry\((\w+)\)", self._entry, result["expr"])
        if "$latency" in text:
            self.entries["$latency"] = "u64"
        text = text.replace("$latency", "latency").replace("$retval", "PT_REGS_RC(ctx)")
        text = text.replace("$PID", "(u32)(bpf_get_current_pid_tgid() >> 32)")
        if self.kind == "u":
            text = re.sub(r"(?<![\w>.])arg([1-9]\d?)\b", self._argument, text)
        return text

    def _store(self, number, kind, expression, original):
        target = f"key.v{number}"
        if kind not in STRINGS:
            return f"    {target} = ({kind})({expression});\n"
        if original.strip() == "$COMM":
            return f"    bpf_get_current_comm({target}, sizeof({target}));\n"
        user = self.library is not None or "__user" in self.parameters.get(original.strip(), "")
        read = "bpf_probe_read_user_str" if user else "bpf_probe_read_kernel_str"
        call = f"({target}, sizeof({target}), (void *)({expression}))"
        # A record of the kernel may hold a user's pointer, as those of system calls do.
        more = "" if user else f"    if (!{target}[0])\n        bpf_probe_read_user_str{call};\n"
        return f"    {read}{call};\n{more}"

    def c_text(self):
        """The table, the handler and, where values at entry are wanted, the handler for them."""
        expressions = [self._c(e) for e in self.expressions]
        condition = self._c(self.filter) if self.filter else ""
        n = self.number
        if self.histogram:
            table = f"BPF_HISTOGRAM({self.table}, u64);\n"
            store = f"    u64 value = (u64)({expressions[0]});\n"
            count = f"    {self.table}.atomic_increment(bpf_log2l(value));\n"
        else:
            members = "".join(
                f"    char v{i}[{self.args.string_size}];\n" if kind in STRINGS
                else f"    {kind} v{i};\n" for i, kind in enumerate(self.types)
            ) or "    u64 none;\n"  # fmt: skip
            table = f"struct key_{n} {{\n{members}}};\nBPF_HASH({self.table}, struct key_{n}, u64);\n"
            store = f"    struct key_{n} key = {{}};\n" + "".join(
                self._store(i, kind, c, original) for i, (kind, c, original)
                in enumerate(zip(self.types, expressions, self.expressions, strict=True))
            )  # fmt: skip
            count = f"    {self.table}.atomic_increment(key);\n"
        check = f"    if (!({condition}))\n        return 0;\n" if condition else ""
        return (f"\n{table}{self.streq}{self._entry_text()}int {self.handler}({self._context()})\n"
                f"{{\n{FILTERS}{self._locals()}{store}{check}{count}    return 0;\n}}\n")  # fmt: skip

    def _context(self):
        if self.kind == "t":
            return f"struct tracepoint__{self.category}__{self.function} *args"
        if self.kind == "p" and self.signature:
            return f"struct pt_regs *ctx, {self.signature}"
        return "struct pt_regs *ctx"

    def _entry_text(self):
        """Maps for what is known at entry only, by thread, and the handler that fills them."""
        if not self.entries:
            return ""
        maps, updates = "", ""
        for name, kind in self.entries.items():
            table = f"at_{self.number}_{name.strip('$')}"
            maps += f"BPF_HASH({table}, u32, {kind});\n"
            value = "bpf_ktime_get_ns()" if name == "$latency" else name
            updates += f"    {kind} keep_{name.strip('$')} = {value};\n"
            updates += f"    {table}.update(&tid, &keep_{name.strip('$')});\n"
        parameters = f", {self.signature}" if self.signature else ""
        return (f"{maps}int {self.handler}_entry(struct pt_regs *ctx{parameters})\n"
                f"{{\n{FILTERS}{updates}    return 0;\n}}\n")  # fmt: skip

    def _locals(self):
        text = ""
        for name, kind in self.entries.items():
            plain = name.strip("$")
            table = f"at_{self.number}_{plain}"
            text += f"    {kind} *kept_{plain} = {table}.lookup(&tid);\n"
            text += f"    if (!kept_{plain})\n        return 0;\n"
            if name == "$latency":
                text += "    u64 latency = bpf_ktime_get_ns() - *kept_latency;\n"
            else:
                text += f"    {kind} entry_{plain} = *kept_{plain};\n"
            text += f"    {table}.delete(&tid);\n"
        for number in sorted(self.used):
            try:
                kind = self.usdt.get_probe_arg_ctype(self.function, number - 1)
            except Exception:
                tool.fail(f"error parsing probe '{self.text}': no argument arg{number}")
            text += f"    {kind} arg{number} = 0;\n"
            text += f"    bpf_usdt_readarg({number}, ctx, &arg{number});\n"
        return text

    # -- attaching

    def enable(self):
        """For a USDT probe: finds and enables it, before the C is made."""
        if self.kind == "u":
            self.usdt = tool.usdt(self.library, self.args.pid)
            try:
                self.usdt.enable_probe(self.function, self.handler)
            except Exception:
                tool.fail(f"error parsing probe '{self.text}': "
                          f"Failed to enable USDT probe '{self.function}'")  # fmt: skip

    def attach(self, b):
        table = b[self.table.encode()]
        self.counts = table if self.args.cumulative else table.gains()
        handler, function = self.handler.encode(), self.function.encode()
        if self.kind == "t":
            b.attach_tracepoint(tp=f"{self.category}:{self.function}".encode(), fn_name=handler)
        elif self.kind != "u" and self.library is None:
            if self.kind == "r":
                b.attach_kretprobe(event=function, fn_name=handler)
            if self.kind == "p" or self.entries:
                entry = handler if self.kind == "p" else handler + b"_entry"
                b.attach_kprobe(event=function, fn_name=entry)
        elif self.kind != "u":
            where = {"name": self.library, "sym": function, "pid": self.args.pid or -1}
            if self.kind == "r":
                b.attach_uretprobe(fn_name=handler, **where)
            if self.kind == "p" or self.entries:
                entry = handler if self.kind == "p" else handler + b"_entry"
                b.attach_uprobe(fn_name=entry, **where)

    # -- reports

    def rows(self):
        """(count, [(expression, value)]) in ascending order."""
        rows = []
        for key, count in self.counts.items():
            values = [getattr(key, f"v{number}") for number in range(len(self.titles))]
            values = [tool.text_of(v) if isinstance(v, bytes) else v for v in values]
            rows.append((count.value, list(zip(self.titles, values, strict=True))))
        rows.sort(key=lambda row: row[0])
        return rows[-self.args.top :] if self.args.top else rows

    def report(self):
        if self.histogram:
            self._report_histogram()
            return
        if self.args.json:
            for count, values in self.rows():
                tool.print_json({
                    "time": tool.clock(), "label": self.label or self.text, "count": count,
                    "values": dict(values),
                })  # fmt: skip
            return
        print(self.label or self.text)
        print(f"\t{'COUNT':<10} EVENT")
        for count, values in self.rows():
            event = ", ".join(f"{title} = {value}" for title, value in values)
            print(tool.one_line(f"\t{count!s:<10} {event or 'total calls'}"))

    def _report_histogram(self):
        title = self.label or self.titles[0]
        if self.args.json:
            for record in tool.histogram_records(self.counts, title, None):
                tool.print_json(record)
        else:
            self.counts.print_log2_hist(title)


def split_parameter(text):
    """Name and type of a C parameter."""
    text = text.strip()
    at = max(text.rfind("*"), text.rfind(" ")) + 1
    return text[at:].strip(), text[:at].strip()


def options():
    p = tool.parser("Trace a function and display a summary of its parameter values", EXAMPLES)
    add = p.add_argument
    add("-p", "--pid", type=tool.pid, help="trace this PID only")
    add("-t", "--tid", type=tool.pid, help="trace this TID only")
    add("-z", "--string-size", type=tool.nonzero, default=80, help="bytes of char* values (80)")
    add("-i", "--interval", type=tool.nonzero, default=1, help="seconds between reports (1)")
    add("-d", "--duration", type=tool.nonzero, help="total duration of the trace in seconds")
    add("-n", "--number", type=tool.nonzero, metavar="COUNT", dest="count", help="number of reports")
    add("-v", "--verbose", action="store_true", help="print the program before starting")
    add("-c", "--cumulative", action="store_true", help="do not clear between reports")
    add("-T", "--top", type=tool.whole, help="number of rows of a table to show")
    add("-H", "--histogram", action="append", default=[], metavar="specifier",
        help="TYPE:[LIB]:FUNCTION(SIGNATURE)[:TYPES:EXPRS[:FILTER]][#LABEL] as a histogram")  # fmt: skip
    add("-C", "--count", action="append", default=[], dest="counts", metavar="specifier",
        help="the same as a table of counts")  # fmt: skip
    add("-I", "--include", action="append", default=[], metavar="header",
        help="header to include, for types in a specifier")  # fmt: skip
    tool.add_json(p)
    return p.parse_args()


def program(args, probes):
    from bcc import BPF

    text = "#include <uapi/linux/ptrace.h>\n"
    for header in args.include:
        text += f'#include "{header}"\n' if header[0] in "./" else f"#include <{header}>\n"
    text += BPF.generate_auto_includes([probe.text for probe in probes]) + COMMON
    return text + "".join(probe.c_text() for probe in probes)


def load(args, text, probes):
    flags = tool.switches({"FILTER_PID": args.pid is not None, "FILTER_TID": args.tid is not None})
    b = tool.load(text, flags, [probe.usdt for probe in probes if probe.usdt])
    tool.set_options(b, "options", pid=args.pid or 0, tid=args.tid or 0)
    for probe in probes:
        probe.attach(b)
    if args.verbose:
        print(f"open uprobes: {list(b.uprobe_fds)}\nopen kprobes: {list(b.kprobe_fds)}")


def main():
    args = options()
    specs = [("C", spec) for spec in args.counts] + [("H", spec) for spec in args.histogram]
    if not specs:
        tool.fail("at least one specifier is required")
    probes = [Probe(number, kind, text, args) for number, (kind, text) in enumerate(specs)]
    for probe in probes:
        probe.enable()
    text = program(args, probes)
    tool.show_ebpf(args, text)
    if args.verbose:
        print(text)
    load(args, text, probes)
    reports = 0
    limit = -(-args.duration // args.interval) if args.duration else tool.FOREVER
    limit = min(limit, args.count or tool.FOREVER)

    def report():
        if not args.json:
            print(f"[{tool.clock()}]")
        for probe in probes:
            probe.report()
        sys.stdout.flush()

    def step():
        nonlocal reports
        time.sleep(min(args.interval, tool.FOREVER))
        reports += 1
        tool.unbroken(report)

    tool.poll(step, lambda: reports >= limit)


if __name__ == "__main__":
    tool.run(main)
