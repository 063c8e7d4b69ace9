"""softirqs counts what the kernel itself counts in /proc/softirqs."""

import socket

SCRIPT = "tools/softirqs.py"
PRIME = 211


def kernel_counts():
    """Soft interrupts of each kind since boot, over all CPUs."""
    with open("/proc/softirqs") as file:
        next(file)
        return {
            line.split(":")[0].strip().lower(): sum(map(int, line.split(":")[1].split()))
            for line in file
        }


def send_packets():
    """Each datagram over the loopback device is one NET_RX at most, and none is lost."""
    a, b = socket.socket(type=socket.SOCK_DGRAM), socket.socket(type=socket.SOCK_DGRAM)
    b.bind(("127.0.0.1", 0))
    for _ in range(PRIME):
        a.sendto(b"x", b.getsockname())
        b.recv(1)
    a.close()
    b.close()


def rows(tool):
    at = next(i for i, line in enumerate(tool.lines) if line.startswith("SOFTIRQ"))
    return {line.split()[0]: int(line.split()[1]) for line in tool.lines[at + 1 :] if line}


def test_counts_agree_with_the_kernel(start, in_guest):
    tool = start(SCRIPT, "-C")
    assert tool.ready() == "Tracing soft irq events... Hit Ctrl-C to end."
    before = kernel_counts()
    send_packets()
    after = kernel_counts()
    assert tool.interrupt() == 0, tool.report()
    assert "SOFTIRQ          TOTAL_count" in tool.lines
    least = after["net_rx"] - before["net_rx"]
    assert least >= PRIME
    assert least <= rows(tool)["net_rx"] <= least + 20, tool.report()


def test_times_and_distributions(start, in_guest):
    total, dist = start(SCRIPT, "-N", "-T"), start(SCRIPT, "-d")
    assert total.ready() == "Tracing soft irq event time... Hit Ctrl-C to end."
    dist.ready()
    send_packets()
    assert total.interrupt() == 0 and dist.interrupt() == 0
    assert "SOFTIRQ          TOTAL_nsecs" in total.lines
    values = list(rows(total).values())
    assert rows(total)["net_rx"] > PRIME * 100, total.report()
    assert values == sorted(values, reverse=True)
    at = dist.lines.index("softirq = net_rx")
    counted = 0
    for line in dist.lines[at + 2 :]:
        if "->" not in line:
            break
        counted += int(line.split(":")[1].split("|")[0])
    assert counted >= PRIME, dist.report()


def test_counts_have_no_time(start):
    tool = start(SCRIPT, "-C", "-d")
    assert tool.finish() == 1
    assert tool.errors == ["The --events option can't be used with time-based options"]
