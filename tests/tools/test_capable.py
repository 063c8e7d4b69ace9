"""capable sees the checks that a process without privileges runs into."""

import os
import subprocess
import sys

import pytest
from conftest import column, with_last_hook

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
"""


HOOKS = [("fentry", [SCRIPT]), ("kprobe", with_last_hook(SCRIPT))]


def run(start, path, *args, hook=HOOKS[0]):
    path.write_text("")
    child = subprocess.Popen([sys.executable, "-c", CHOWN, str(path)], stdin=subprocess.PIPE)
    kind, script = hook
    tool = start(*script, "-p", str(child.pid), *args)
    header = tool.ready()
    assert tool.program_kinds() == {kind}
    child.communicate(b"go\n")
    assert child.returncode == 0
    tool.wait_for(lambda line: "CAP_CHOWN" in line)
    assert tool.interrupt() == 0, tool.report()
    return child.pid, header, tool


@pytest.mark.parametrize("hook", HOOKS, ids=[kind for kind, _ in HOOKS])
def test_each_check_is_one_row(start, tmp_path, in_guest, hook):
    pid, header, tool = run(start, tmp_path / "file", hook=hook)
    assert header == "TIME      UID    PID    COMM             CAP  NAME                 AUDIT "
    rows = [line for line in tool.lines[1:] if "CAP_CHOWN" in line]
    assert len(rows) == PRIME, tool.report()
    for row in rows:
        assert column(header, row, "UID") == "65534"
        assert column(header, row, "PID") == str(pid)
        assert column(header, row, "CAP") == "0"
        assert column(header, row, "AUDIT") == "1"
    # What let it drop its privileges was checked while it was root.
    setuid = next(line for line in tool.lines[1:] if "CAP_SETUID" in line)
    assert column(header, setuid, "UID") == str(os.getuid())


def test_once_with_unique_and_with_kernel_stack(start, tmp_path, in_guest):
    _, header, tool = run(start, tmp_path / "file", "--unique", "-K", "-x")
    assert header.endswith("AUDIT  INSETID")
    rows = [i for i, line in enumerate(tool.lines) if "CAP_CHOWN" in line]
    assert len(rows) == 1, tool.report()
    frames = []
    for line in tool.lines[rows[0] + 1 :]:
        if not line.startswith(" " * 8):
            break
        frames.append(line.strip())
    assert frames[0].startswith("cap_capable+0x") and frames[0].endswith("[kernel]"), tool.report()
    assert any("chown" in frame for frame in frames), tool.report()
