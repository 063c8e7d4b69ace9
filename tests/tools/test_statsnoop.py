"""statsnoop sees 11 stats of files with telling names."""

import os

from conftest import column

SCRIPT = "tools/statsnoop.py"
PRIME = 11


def stat_marked(directory, count=PRIME):
    for number in range(count):
        try:
            os.stat(f"{directory}/absent-{number}")
        except FileNotFoundError:
            pass
    os.stat(directory)
    os.statvfs(directory)
    try:
        os.stat(f"{directory}/the-end")
    except FileNotFoundError:
        pass


def test_each_stat_is_one_row(start, tmp_path):
    tool = start(SCRIPT, "-s", "-t", "-p", str(os.getpid()))
    header = tool.ready()
    assert header == "TIME(s)       PID     COMM               FD ERR SYSCALL      PATH"
    stat_marked(tmp_path)
    tool.wait_for(lambda line: "the-end" in line)
    assert tool.interrupt() == 0, tool.report()
    rows = [line for line in tool.lines[1:] if f"{tmp_path}/absent" in line]
    assert [row[header.index("PATH") :] for row in rows] == [
        f"{tmp_path}/absent-{i}" for i in range(PRIME)
    ], tool.report()
    for row in rows:
        assert column(header, row, "PID") == str(os.getpid())
        assert row[header.index("FD") - 2 : header.index("SYSCALL") - 1] == "  -1   2"
        assert column(header, row, "SYSCALL") in ("newstat", "newfstatat", "statx")
    found = [line for line in tool.lines[1:] if line.endswith(f" {tmp_path}")]
    assert [row[header.index("FD") - 2 : header.index("SYSCALL") - 1] for row in found] == (
        ["   0   0"] * len(found)
    )
    # statvfs(3) may look at the directory more than once; what matters is that it is seen.
    assert "statfs" in {column(header, row, "SYSCALL") for row in found}, tool.report()


def test_only_failures_with_x_and_as_json(start, tmp_path):
    tool = start(SCRIPT, "-x", "--json", "-p", str(os.getpid()))
    tool.knock(knock)
    stat_marked(tmp_path, 5)
    tool.wait_for(lambda line: str(tmp_path) in line and "the-end" in line)
    assert tool.interrupt() == 0
    paths = [r["path"] for r in tool.json() if r["path"].startswith(str(tmp_path))]
    assert paths == [*(f"{tmp_path}/absent-{i}" for i in range(5)), f"{tmp_path}/the-end"]
    assert {(r["err"], r["fd"], r["pid"]) for r in tool.json()} == {(2, -1, os.getpid())}


def knock():
    try:
        os.stat("/nonexistent-knock")
    except FileNotFoundError:
        pass
