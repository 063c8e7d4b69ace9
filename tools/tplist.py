#!/usr/bin/python3
"""tplist: list tracepoints, or the static (USDT) probes of a library or process."""

from __future__ import annotations

import fnmatch
import os

from bcc import tool

EXAMPLES = """examples:
    ./tplist                  # all tracepoints
    ./tplist 'sched:*'        # those of the scheduler
    ./tplist -v sched:sched_switch  # with the fields of its record
    ./tplist -l c             # USDT probes of libc
    ./tplist -l /usr/bin/node -vv   # with locations and arguments
    ./tplist -p 185           # USDT probes of process 185
    ./tplist -p 185 -l c '*mutex*'  # those of its libc with "mutex" in their names
    ./tplist --json 'sched:*' # an object a line, for programs"""


def options():
    p = tool.parser("Display kernel tracepoints or USDT probes and their formats", EXAMPLES)
    add = p.add_argument
    add("-p", "--pid", type=tool.pid, help="list the USDT probes of this process")
    add("-l", "--lib", default="", help="list the USDT probes of this library or program")
    add("-v", dest="verbosity", action="count", default=0, help="show variables; twice: all")
    add("filter", nargs="?", help="only names that match this shell pattern")
    tool.add_json(p)
    return p.parse_args()


def fields_of(category, event):
    """Fields of a tracepoint's record as (type, name), without those that all have."""
    root = next(
        path for path in ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
        if os.path.isdir(f"{path}/events")
    )  # fmt: skip
    fields = []
    with open(f"{root}/events/{category}/{event}/format") as lines:
        for line in lines:
            if line.startswith("\tfield:"):
                kind, name = line.split(";")[0].split(":", 1)[1].strip().rsplit(None, 1)
                if not name.startswith("common_"):
                    fields.append((kind, name))
    return fields


def list_tracepoints(args):
    from bcc import BPF

    for tracepoint in sorted(tool.text_of(name) for name in BPF.get_tracepoints(b".*")):
        if args.filter and not fnmatch.fnmatchcase(tracepoint, args.filter):
            continue
        fields = fields_of(*tracepoint.split(":")) if args.verbosity else []
        if args.json:
            record = {"tracepoint": tracepoint}
            if args.verbosity:
                record["fields"] = [{"type": kind, "name": name} for kind, name in fields]
            tool.print_json(record)
            continue
        print(tracepoint)
        for kind, name in fields:
            print(f"    {kind} {name};")


def register(argument, member):
    name = getattr(argument, member, None)
    return tool.text_of(name) if isinstance(name, bytes) else name


def place(argument):
    """Where an argument is found, as C would say it."""
    constant = getattr(argument, "constant", None)
    if constant is not None:
        return str(constant)
    base = register(argument, "base_register_name")
    offset = getattr(argument, "deref_offset", None)
    if getattr(argument, "deref_ident", None) is not None:
        return f"unrecognized argument format, flags {argument.valid}"
    if offset is None:
        return base
    text = f"{base} {'-' if offset < 0 else '+'} {abs(offset)}"
    index = register(argument, "index_register_name")
    if index is not None:
        text += f" + {index} * {getattr(argument, 'scale', 1)}"
    return f"*({text})"


def print_argument(number, argument):
    kind = "signed  " if argument.signed else "unsigned"
    print(f"    argument #{number} {argument.size} {kind} bytes @ {place(argument)}")


def print_probe(probe, verbosity):
    if not verbosity:
        print(f"{os.fsdecode(probe.bin_path)} {probe.short_name()}")
        return
    print(f"{probe.short_name()} [sema 0x{probe.semaphore:x}]")
    if verbosity == 1:
        print(f"  {probe.num_locations} location(s)\n  {probe.num_arguments} argument(s)")
        return
    for number in range(probe.num_locations):
        location = probe.get_location(number)
        print(f"  location #{number + 1} {os.fsdecode(location.bin_path)} 0x{location.address:x}")
        for index in range(probe.num_arguments):
            print_argument(index + 1, location.get_argument(index))


def record_of(probe, verbosity):
    record = {
        "path": os.fsdecode(probe.bin_path), "provider": tool.text_of(probe.provider),
        "name": tool.text_of(probe.name),
    }  # fmt: skip
    if not verbosity:
        return record
    record |= {
        "semaphore": probe.semaphore, "locations": probe.num_locations,
        "arguments": probe.num_arguments,
    }  # fmt: skip
    if verbosity > 1:
        record["locations"] = []
        for number in range(probe.num_locations):
            location = probe.get_location(number)
            arguments = [location.get_argument(i) for i in range(probe.num_arguments)]
            record["locations"].append({
                "address": location.address,
                "arguments": [
                    {"size": a.size, "signed": a.signed, "place": place(a)} for a in arguments
                ],
            })  # fmt: skip
    return record


def list_probes(args):
    path = None
    if args.lib:
        path = tool.find_binary(args.lib)
        if path is None:
            tool.fail(f"USDT failed to instrument path {args.lib}")
    seen = set()
    for probe in tool.usdt(path, args.pid).enumerate_probes():
        name = probe.short_name()
        if name in seen or args.filter and not fnmatch.fnmatchcase(name, args.filter):
            continue
        seen.add(name)
        if args.json:
            tool.print_json(record_of(probe, args.verbosity))
        else:
            print_probe(probe, args.verbosity)


def main():
    args = options()
    try:
        if args.pid or args.lib:
            list_probes(args)
        else:
            list_tracepoints(args)
    except BrokenPipeError:
        raise
    except OSError as error:
        tool.fail(f"tplist: {error}")


if __name__ == "__main__":
    tool.run(main)
