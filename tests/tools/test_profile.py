"""profile finds the function that a process spends its time in."""

import os

SCRIPT = "tools/profile.py"
HERTZ, MS = 199, 1000
# An emulated processor gets only some of its timer's interrupts.
LEAST = 0.05 if "BCC_TEST_KERNEL" in os.environ else 0.5


def entries(lines):
    """Blocks of frames as (frames, task line, value)."""
    blocks, block = [], []
    for line in lines:
        if line:
            block.append(line)
            continue
        if len(block) > 1:
            blocks.append(([f.strip() for f in block[:-2]], block[-2], int(block[-1])))
        block = []
    return blocks


def test_samples_lie_in_the_busy_function(start, workload):
    tool = start(SCRIPT, "-F", str(HERTZ), "-p", str(workload.pid))
    assert tool.ready() == (
        f"Sampling at {HERTZ} Hertz of PID [{workload.pid}] by user + kernel stack"
        "... Hit Ctrl-C to end."
    )
    workload.do("spin", 1, MS)
    assert tool.interrupt() == 0, tool.report()
    found = entries(tool.lines)
    # The C library keeps no frame pointers: below its clock_gettime() only spin's caller is seen.
    inside = [e for e in found if any(f.startswith(("telling_spin+", "obey+")) for f in e[0])]
    total, busy = sum(e[2] for e in found), sum(e[2] for e in inside)
    # CPU time and the sampling clock differ by what interrupts take.
    assert HERTZ * LEAST < busy < HERTZ * 2, tool.report()
    assert busy > total * 0.8, tool.report()
    frames, task, _ = max(inside, key=lambda e: e[2])
    assert frames[0].startswith("telling_spin+0x") and frames[0].endswith("[telling]")
    assert task == f"    {'-':<16} telling ({workload.pid})"
    values = [e[2] for e in found]
    assert values == sorted(values)


def test_folded_lines_are_root_to_leaf(start, workload):
    tool = start(SCRIPT, "-f", "-F", str(HERTZ), "-U", "-L", str(workload.pid), "2")
    while tool.process.poll() is None:
        workload.do("spin", 1, 50)
    assert tool.finish() == 0, tool.report()
    frames = [line.rsplit(" ", 1)[0].split(";") for line in tool.lines]
    spinning = [f for f in frames if "telling_spin" in f]
    assert spinning and all(f[0] == "telling" for f in frames), tool.report()
    assert spinning[-1].index("main") < spinning[-1].index("telling_spin")


def test_json_and_addresses(start, workload):
    tool = start(SCRIPT, "--json", "-F", str(HERTZ), "-p", str(workload.pid), "1")
    plain = start(SCRIPT, "-A", "-U", "-c", "1000000", "-p", str(workload.pid), "2")
    while tool.process.poll() is None or plain.process.poll() is None:
        workload.do("spin", 1, 50)
    assert tool.finish() == 0 and plain.finish() == 0, tool.report()
    assert {(r["comm"], r["pid"]) for r in tool.json()} == {("telling", workload.pid)}
    assert all(isinstance(r["count"], int) for r in tool.json())
    assert plain.lines[0] == (
        f"Sampling at every 1000000 events of PID [{workload.pid}] by user stack for 2 secs."
    )
    top = [line for line in plain.lines if "telling_spin+0x" in line]
    assert top and all(line[:6] == "    0x" and line[22] == " " for line in top), plain.report()


def test_mistakes_are_one_line(start):
    for args, error in (
        (["-p", "1", "-L", "1"], "argument -L/--tid: not allowed with argument -p/--pid"),
        (["-F", "x"], "argument -F/--frequency: must be an integer"),
        (["--hash-storage-size", "0"], "argument --hash-storage-size: must be nonzero"),
    ):
        tool = start(SCRIPT, *args)
        assert tool.finish() == 2
        assert tool.errors[-1] == f"profile.py: error: {error}"
