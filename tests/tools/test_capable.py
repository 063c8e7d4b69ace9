"""capable sees the checks that a process without privileges runs into."""

import os
import subprocess
import sys

import pytest
from conftest import column, without

SCRIPT = "tools/capable.py"
PRIME = 5
CHOWN = f"""
import os, sys
sys.stdin.readline()
file = os.open(sys.argv[1], os.O_RDONLY)
os.setresuid(65534, 65534, 65534)
for _ in range({PRIME}):
    try:
        os.fchown(file, 7, 7)
    except PermissionError:
        pass
try:
    os.setpriority(os.PRIO_PROCESS, 0, -20)
except PermissionError:
    pass
"""


# How the tool is started, and the type of its programs then.
HOOKS = {"fentry": [SCRIPT], "kprobe": without("fentry", SCRIPT), "tracepoint": [SCRIPT]}


@pytest.fixture(params=HOOKS)
def hook(request):
    kprobes = os.path.exists("/sys/bus/event_source/devices/kprobe")
    if (request.param == "tracepoint") == kprobes:
        pytest.skip("only kernels without kprobes take the tracepoint, and nothing else")
    return request.param


def run(start, path, hook, *args):
    path.write_text("")
    child = subprocess.Popen([sys.executable, "-c", CHOWN, str(path)], stdin=subprocess.PIPE)
    tool = start(*HOOKS[hook], "-p", str(child.pid), *args)
    tool.ready()
    assert tool.program_kinds() == {hook}
    child.communicate(b"go\n")
    assert child.returncode == 0
    # The last thing that it tries.
    tool.wait_for(lambda line: "CAP_SYS_NICE" in line)
    assert tool.interrupt() == 0, tool.report()
    return child.pid, tool


def test_each_check_is_one_row(start, tmp_path, hook, in_order):
    pid, tool = run(start, tmp_path / "file", hook)
    header = tool.lines[0]
    assert header == "TIME      UID    PID    COMM             CAP  NAME                 AUDIT "
    rows = [line for line in tool.lines[1:] if "CAP_CHOWN" in line]
    assert len(rows) == PRIME, tool.report()
    for row in rows:
        assert column(header, row, "UID") == "65534"
        assert column(header, row, "PID") == str(pid)
        assert column(header, row, "CAP") == "0"
        assert column(header, row, "AUDIT") == ("N/A" if hook == "tracepoint" else "1")
    # What let it drop its privileges was checked while it was root.
    setuid = next(line for line in tool.lines[1:] if "CAP_SETUID" in line)
    assert column(header, setuid, "UID") == str(os.getuid())


def test_once_with_unique_and_with_kernel_stack(start, tmp_path, hook, in_order):
    _, tool = run(start, tmp_path / "file", hook, "--unique", "-K", "-x")
    assert tool.lines[0].endswith("AUDIT  INSETID")
    rows = [i for i, line in enumerate(tool.lines) if "CAP_CHOWN" in line]
    assert len(rows) == 1, tool.report()
    frames = []
    for line in tool.lines[rows[0] + 1 :]:
        if not line.startswith(" " * 8):
            break
        frames.append(line.strip())
    assert frames[0].startswith("cap_capable+0x") and frames[0].endswith("[kernel]"), tool.report()
    assert any("chown" in frame for frame in frames), tool.report()


def test_json_is_one_typed_object_a_line(start, tmp_path, hook):
    tool = start(*HOOKS[hook], "--json", "-p", str(os.getpid()))
    # There is no header: what the test itself does is seen from when tracing began.
    tool.knock(lambda: os.chown(tmp_path, 7, 7))
    assert tool.interrupt() == 0, tool.report()
    record = next(r for r in tool.json() if r["name"] == "CAP_CHOWN")
    assert (record["pid"], record["uid"], record["cap"]) == (os.getpid(), os.getuid(), 0)
    assert record["audit"] is (None if hook == "tracepoint" else True)
