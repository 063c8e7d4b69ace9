"""tplist names a tracepoint with its fields and the static probe of the workload."""

import subprocess

SCRIPT = "tools/tplist.py"


def output(start, *args):
    tool = start(SCRIPT, *args)
    assert tool.finish() == 0, tool.report()
    assert tool.errors == []
    return tool.lines


def test_tracepoints_by_pattern(start):
    names = output(start, "sched:sched_process_*")
    assert "sched:sched_process_exit" in names and "sched:sched_process_fork" in names
    assert all(name.startswith("sched:sched_process_") for name in names)
    assert output(start, "no:such*") == []


def test_fields_of_a_tracepoint(start):
    assert output(start, "-v", "syscalls:sys_enter_getppid") == [
        "syscalls:sys_enter_getppid", "    int __syscall_nr;",
    ]  # fmt: skip
    fields = output(start, "-v", "sched:sched_switch")
    assert "    char prev_comm[16];" in fields and "    pid_t next_pid;" in fields
    assert not any("common_" in line for line in fields)


def test_static_probes_of_a_file(start, workload_program):
    path = str(workload_program)
    assert output(start, "-l", path) == [f"{path} telling:added"]
    assert output(start, "-v", "-l", path, "telling:*") == [
        "telling:added [sema 0x0]", "  1 location(s)", "  2 argument(s)",
    ]  # fmt: skip
    first, location, number, text = output(start, "-vv", "-l", path)
    address = subprocess.run(["nm", path], check=True, capture_output=True, text=True).stdout
    (at,) = [int(line.split()[0], 16) for line in address.splitlines() if "telling_add" in line]
    assert first == "telling:added [sema 0x0]"
    assert location.startswith(f"  location #1 {path} 0x")
    assert at <= int(location.rsplit(" ", 1)[1], 16) < at + 200
    assert number.startswith("    argument #1 4 signed   bytes @ ") and "'" not in number
    assert text.startswith("    argument #2 8 unsigned bytes @ ")


def test_static_probes_of_a_process(start, workload):
    assert f"{workload.path} telling:added" in output(start, "-p", str(workload.pid), "telling:*")


def test_json_is_one_typed_object_a_line(start, workload_program):
    tool = start(SCRIPT, "--json", "-vv", "-l", str(workload_program))
    assert tool.finish() == 0
    (record,) = tool.json()
    assert (record["provider"], record["name"]) == ("telling", "added")
    assert [(a["size"], a["signed"]) for a in record["locations"][0]["arguments"]] == [
        (4, True), (8, False),
    ]  # fmt: skip
    tool = start(SCRIPT, "--json", "-v", "sched:sched_switch")
    assert tool.finish() == 0
    assert {"type": "pid_t", "name": "next_pid"} in tool.json()[0]["fields"]


def test_mistakes_are_one_line(start):
    for args, error in (
        (["-l", "nosuchlib"], "USDT failed to instrument path nosuchlib"),
        (["-p", str(2**22 - 1)], f"USDT failed to instrument PID {2**22 - 1}"),
    ):
        tool = start(SCRIPT, *args)
        assert tool.finish() == 1
        assert (tool.lines, tool.errors) == ([], [error])
