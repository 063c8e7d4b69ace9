"""gethostlatency shows a prime number of lookups by a process of its own name."""

from conftest import column

SCRIPT = "tools/gethostlatency.py"
PRIME, HOST = 17, "127.11.13.17"


def test_each_lookup_is_one_row(start, workload):
    tool = start(SCRIPT, "-p", str(workload.pid))
    header = tool.ready()
    assert header == "TIME      PID     COMM                  LATms HOST"
    workload.do("lookup", PRIME, HOST)
    workload.do("lookup", 1, "the-end")
    tool.wait_for(lambda line: line.endswith(" the-end"))
    assert tool.interrupt() == 0, tool.report()
    rows = [line for line in tool.lines[1:] if line.endswith(f" {HOST}")]
    assert len(rows) == PRIME and len(tool.lines) == PRIME + 2, tool.report()
    end = header.index("LATms") + len("LATms")
    for row in rows:
        assert row[2] == ":" and column(header, row, "PID") == str(workload.pid)
        assert column(header, row, "COMM") == "telling"
        assert 0 <= float(row[end - 10 : end]) < 60000
        assert row[header.index("HOST") :] == HOST
    assert tool.errors == []


def test_json_is_one_typed_object_a_line(start, workload):
    tool = start(SCRIPT, "--json", "-p", str(workload.pid))
    tool.knock(lambda: workload.do("lookup", 1, HOST))
    assert tool.interrupt() == 0
    record = tool.json()[0]
    assert (record["pid"], record["tid"], record["comm"], record["host"]) == (
        workload.pid, workload.pid, "telling", HOST,
    )  # fmt: skip
    assert record["ms"] > 0


def test_a_process_that_is_gone_is_one_line(start):
    tool = start(SCRIPT, "-p", str(2**22 - 1))
    assert tool.finish() == 1
    assert len(tool.errors) == 1 and "No such process" in tool.errors[0], tool.report()
