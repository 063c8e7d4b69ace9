"""offcputime adds up what a process of its own name sleeps."""

SCRIPT = "tools/offcputime.py"
PRIME, MS = 11, 7


def entries(lines):
    """Blocks of frames as (frames, task line, value)."""
    blocks, block = [], []
    for line in lines:
        if line:
            block.append(line)
            continue
        if len(block) > 1:
            blocks.append(([f.strip() for f in block[:-2]], block[-2], block[-1]))
        block = []
    return blocks


def test_sleeps_are_added_to_their_stack(start, workload):
    tool = start(SCRIPT, "-p", str(workload.pid), "-d")
    assert tool.ready() == (
        f"Tracing off-CPU time (us) of PIDs {workload.pid} by user + kernel stack"
        "... Hit Ctrl-C to end."
    )
    workload.do("sleep", PRIME, MS)
    assert tool.interrupt() == 0, tool.report()
    assert tool.lines[1] == ""
    found = [e for e in entries(tool.lines) if "telling_sleep" in e[0]]
    assert len(found) == 1, tool.report()
    frames, task, value = found[0]
    assert value.startswith(" " * 8) and int(value) >= PRIME * MS * 1000
    assert task == f"    {'-':<16} telling ({workload.pid})"
    middle = frames.index("--")
    assert frames[0] in ("__schedule", "schedule"), tool.report()
    assert any("nanosleep" in f for f in frames[:middle]), tool.report()
    assert frames.index("telling_sleep") > middle
    values = [int(e[2]) for e in entries(tool.lines)]
    assert values == sorted(values)
    assert tool.errors == []


def test_folded_lines_are_root_to_leaf(start, workload):
    tool = start(SCRIPT, "-f", "-d", "-p", str(workload.pid), "-m", str(MS * 1000), "2")
    # Folded output has no start line; the sleeps last longer than the tool's own two seconds.
    while tool.process.poll() is None:
        workload.do("sleep", 2, MS)
    assert tool.finish() == 0, tool.report()
    (line,) = [line for line in tool.lines if ";telling_sleep;" in line]
    stack, value = line.rsplit(" ", 1)
    frames = stack.split(";")
    assert frames[0] == "telling" and int(value) >= MS * 1000
    assert frames.index("main") < frames.index("telling_sleep") < frames.index("-")


def test_block_times_are_bounded(start, workload):
    tool = start(SCRIPT, "-K", "-p", str(workload.pid), "-M", "100000")
    tool.ready()
    workload.do("sleep", 1, 300)
    assert tool.interrupt() == 0
    assert not any(int(e[2]) >= 300000 for e in entries(tool.lines)), tool.report()


def test_json_is_one_typed_object_a_line(start, workload):
    tool = start(SCRIPT, "--json", "-s", "-t", str(workload.pid), "2")
    while tool.process.poll() is None:
        workload.do("sleep", 1, MS)
    assert tool.finish() == 0, tool.report()
    records = tool.json()
    found = [r for r in records if any(f.startswith("telling_sleep+0x") for f in r["user_stack"])]
    assert {(r["comm"], r["pid"], r["tid"]) for r in found} == {
        ("telling", workload.pid, workload.pid)
    }
    assert all(isinstance(r["us"], int) and r["kernel_stack"] for r in found)


def test_mistakes_are_one_line(start):
    for args, status, error in (
        (["-f", "-s"], 1, "ERROR: can only use -f or -s. Exiting."),
        (["-k", "-U"], 2,
         "ERROR: Displaying user stacks for kernel threads doesn't make sense."),
        (["-p", "x"], 2, "offcputime.py: error: argument -p/--pid: must be integers"),
        (["-m", "0"], 2,
         "offcputime.py: error: argument -m/--min-block-time: must be nonzero"),
        (["--state", "-1"], 2, "offcputime.py: error: argument --state: must be positive"),
        (["-u", "-k"], 2, "offcputime.py: error: argument -k/--kernel-threads-only: "
         "not allowed with argument -u/--user-threads-only"),
    ):  # fmt: skip
        tool = start(SCRIPT, *args)
        assert tool.finish() == status
        assert (tool.lines, tool.errors[-1]) == ([], error)
