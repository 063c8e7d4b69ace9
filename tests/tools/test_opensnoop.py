"""opensnoop sees 11 opens of files with telling names, and only those asked for."""

import os
import subprocess
import sys

from conftest import column

SCRIPT = "tools/opensnoop.py"
PRIME = 11


def open_marked(directory, word, count=PRIME):
    """Opens `count` absent files and then one that marks the end."""
    for number in range(count):
        try:
            os.close(os.open(f"{directory}/{word}-{number}", os.O_RDONLY))
        except FileNotFoundError:
            pass
    mark_end(directory)


def mark_end(directory):
    os.close(os.open(f"{directory}/the-end", os.O_CREAT | os.O_WRONLY, 0o640))


def ended(line):
    return "the-end" in line


def rows_of(tool, word):
    return [line for line in tool.lines[1:] if word in line]


def test_each_open_is_one_row_with_its_error(start, tmp_path, in_order):
    tool = start(SCRIPT, "-p", str(os.getpid()))
    header = tool.ready()
    open_marked(tmp_path, "absent")
    tool.wait_for(ended)
    assert tool.interrupt() == 0, tool.report()
    rows = rows_of(tool, f"{tmp_path}/absent")
    assert len(rows) == PRIME, tool.report()
    for number, row in enumerate(rows):
        assert column(header, row, "PID") == str(os.getpid())
        assert row[header.index("FD") - 2 : header.index("FD") + 2] == "  -1"
        assert row[header.index("ERR") : header.index("ERR") + 3] == "  2"
        assert row[header.index("PATH") :] == f"{tmp_path}/absent-{number}"
    (end,) = rows_of(tool, "the-end")
    assert int(end[header.index("FD") - 2 : header.index("FD") + 2]) > 2
    assert header == "PID    COMM               FD ERR PATH"
    assert tool.errors == []


def test_only_failures_with_x(start, tmp_path):
    tool = start(SCRIPT, "-x", "-p", str(os.getpid()))
    tool.ready()
    mark_end(tmp_path)
    open_marked(tmp_path, "absent", 3)
    os.access(tmp_path, os.R_OK)
    try:
        os.open(f"{tmp_path}/finally", os.O_RDONLY)
    except FileNotFoundError:
        pass
    tool.wait_for(lambda line: "finally" in line)
    assert tool.interrupt() == 0
    assert len(rows_of(tool, "absent")) == 3 and not rows_of(tool, "the-end"), tool.report()


def test_flags_mode_uid_and_time(start, tmp_path):
    tool = start(SCRIPT, "-T", "-U", "-e", "-p", str(os.getpid()))
    header = tool.ready()
    open_marked(tmp_path, "absent", 1)
    tool.wait_for(ended)
    assert tool.interrupt() == 0
    (absent,) = rows_of(tool, "absent")
    (end,) = rows_of(tool, "the-end")
    assert header == "TIME(s)       UID   PID    COMM               FD ERR FLAGS    MODE PATH"
    # Python opens everything close-on-exec.
    assert column(header, absent, "FLAGS") == f"{os.O_RDONLY | os.O_CLOEXEC:08o}"
    assert column(header, absent, "MODE") == "n/a"
    flags = os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC
    assert column(header, end, "FLAGS") == f"{flags:08o}"
    assert column(header, end, "MODE") == "0640"
    assert column(header, end, "UID") == str(os.getuid())
    assert float(column(header, end, "TIME(s)")) > 0


def test_flag_filter_keeps_what_has_one_of_the_flags(start, tmp_path):
    tool = start(SCRIPT, "-f", "O_WRONLY", "-f", "O_RDWR", "-p", str(os.getpid()))
    tool.ready()
    open_marked(tmp_path, "absent", 3)
    tool.wait_for(ended)
    assert tool.interrupt() == 0
    assert len(tool.lines) == 2, tool.report()


def test_relative_paths_are_completed_across_mounts(start, tmp_path):
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    (inner / "telling").mkdir()
    program = (
        f"import os; os.chdir({str(inner)!r}); "
        "os.close(os.open('telling/../the-end', os.O_CREAT | os.O_WRONLY))"
    )
    tool = start(SCRIPT, "-F", "--exec", sys.executable, "-c", program)
    tool.wait_for(ended)
    assert tool.finish() == 0, tool.report()
    (row,) = rows_of(tool, "the-end")
    assert row[tool.lines[0].index("PATH") :] == f"{inner}/telling/../the-end"


def test_a_thread_is_shown_by_its_own_id(start, tmp_path):
    tool = start(SCRIPT, "-t", str(os.getpid()))
    header = tool.ready()
    open_marked(tmp_path, "absent", 2)
    tool.wait_for(ended)
    assert tool.interrupt() == 0
    assert header.startswith("TID ")
    assert len(rows_of(tool, "absent")) == 2


def test_json_is_one_typed_object_a_line(start, tmp_path):
    tool = start(SCRIPT, "--json", "-p", str(os.getpid()))
    tool.knock(lambda: os.close(os.open("/dev/null", os.O_RDONLY)))
    open_marked(tmp_path, "absent", 5)
    tool.wait_for(ended)
    assert tool.interrupt() == 0
    records = [r for r in tool.json() if "absent" in r["path"]]
    assert [r["path"] for r in records] == [f"{tmp_path}/absent-{i}" for i in range(5)]
    assert {(r["fd"], r["err"], r["pid"], r["uid"]) for r in records} == {
        (-1, 2, os.getpid(), os.getuid())
    }


def test_mistakes_are_one_line(start):
    for args, text, status in (
        (["-f", "O_NO_SUCH"], "Bad flag: O_NO_SUCH", 1),
        (["-p", "none"], "argument -p/--pid: invalid int value: 'none'", 2),
    ):
        tool = start(SCRIPT, *args)
        assert tool.finish() == status
        assert text in tool.errors[-1], tool.report()
    both = start(SCRIPT, "-p", "1", "--exec", "true")
    assert both.finish() == 1
    assert (both.lines, both.errors) == ([], ["ERROR: can only use -p or --exec. Exiting."])


def test_exec_ends_with_the_command(start, tmp_path):
    (tmp_path / "telling").write_text("")
    tool = start(SCRIPT, "--exec", "/bin/cat", f"{tmp_path}/telling")
    assert tool.finish() == 0, tool.report()
    (row,) = rows_of(tool, f"{tmp_path}/telling")
    # Nothing of the tracer's is open in the command.
    assert row[: tool.lines[0].index(" ERR")].split()[-1] == "3", tool.report()
    assert subprocess.run(["/bin/true"]).returncode == 0
