"""mountsnoop prints the mounts of a process in a mount namespace of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import column

SCRIPT = "tools/mountsnoop.py"
PRIME = 7
# Tells its namespace, waits, mounts and unmounts `telling-N` with the old and the new calls.
PROGRAM = f"""
import ctypes, os, sys
libc = ctypes.CDLL(None)
# Events of different processors come in any order.
os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
libc.unshare(0x00020000)  # CLONE_NEWNS
assert libc.mount(b"none", b"/", None, 0x44000, None) == 0
print(os.stat("/proc/self/ns/mnt").st_ino, flush=True)
sys.stdin.readline()
target = os.fsencode(sys.argv[1])
flags = ctypes.c_ulong(0xc0ed0006)
for number in range({PRIME}):
    assert libc.mount(b"telling-%d" % number, target, b"tmpfs", flags, b"size=1M") == 0
    assert libc.umount2(target, 2) == 0
libc.umount2(b"/nonexistent\\t\\"\\xff", 9)
fs = libc.syscall(430, b"tmpfs", 1)
assert libc.syscall(431, fs, 1, b"size", b"2M", 0) == 0
assert libc.syscall(431, fs, 6, None, None, 0) == 0
mount = libc.syscall(432, fs, 1, 0x1f)
assert libc.syscall(429, mount, b"", -100, target, 4) == 0
assert libc.umount2(target, 2) == 0
print(fs, mount, flush=True)
libc.umount2(b"/the-end", 0)
"""


class Mounter:
    """The process, and the file descriptors that it got."""

    def __init__(self, target):
        self.child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(target)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.pid = self.child.pid
        self.namespace = int(self.child.stdout.readline())
        self.comm = Path(f"/proc/{self.pid}/comm").read_text().strip()

    def go(self):
        out, _ = self.child.communicate("go\n")
        assert self.child.returncode == 0
        return map(int, out.split())


@pytest.fixture
def mounter(tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    yield Mounter(target)


@pytest.fixture
def only(mounter, tmp_path):
    """A pinned map that lets only the mounter's namespace pass."""
    bpffs = tmp_path / "bpf"
    bpffs.mkdir()
    subprocess.run(["mount", "-t", "bpf", "none", bpffs], check=True)
    try:
        yield from pinned(bpffs / "wanted", mounter.namespace)
    finally:
        subprocess.run(["umount", bpffs], check=True)


def pinned(path, namespace):
    from bcc import BPF

    text = f'BPF_TABLE_PINNED("hash", u64, u32, wanted, 1024, "{path}");'
    with BPF(text=text.encode()) as b:
        wanted = b[b"wanted"]
        wanted[wanted.Key(namespace)] = wanted.Leaf(1)
        yield str(path)


def calls_of(tool, header, pid):
    at = header.index("CALL")
    return [line[at:] for line in tool.lines[1:] if column(header, line, "PID") == str(pid)]


def test_each_call_is_one_row(start, mounter, only, tmp_path):
    tool = start(SCRIPT, "-P", "--mntnsmap", only)
    header = tool.ready()
    assert header == (
        "COMM             PID     TID     PCOMM            PPID    MNT_NS      CALL"
    )
    fs, mount = mounter.go()
    tool.wait_for(lambda line: "/the-end" in line)
    assert tool.interrupt() == 0, tool.report()
    target = tmp_path / "target"
    pairs = []
    for number in range(PRIME):
        flags = "MS_MGC_VAL|MS_NOSUID|MS_NODEV"
        pairs.append(f'mount("telling-{number}", "{target}", "tmpfs", {flags}, "size=1M") = 0')
        pairs.append(f'umount("{target}", MNT_DETACH) = 0')
    assert calls_of(tool, header, mounter.pid) == [
        *pairs,
        'umount("/nonexistent\\t\\"\\xff", MNT_FORCE|UMOUNT_NOFOLLOW) = -ENOENT',
        f'fsopen("tmpfs", MS_RDONLY) = {fs}',
        f'fsconfig({fs}, FSCONFIG_SET_STRING, "size", "2M", 0) = 0',
        f'fsconfig({fs}, FSCONFIG_CMD_CREATE, "", "", 0) = 0',
        f"fsmount({fs}, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY|MOUNT_ATTR_NOSUID|MOUNT_ATTR_NODEV"
        f"|MOUNT_ATTR_NOEXEC|MOUNT_ATTR__ATIME) = {mount}",
        f'move_mount({mount}, "", AT_FDCWD, "{target}", MOVE_MOUNT_F_EMPTY_PATH) = 0',
        f'umount("{target}", MNT_DETACH) = 0',
        'umount("/the-end", 0x0) = -ENOENT',
    ], tool.report()
    parent = Path("/proc/self/comm").read_text().strip()
    for line in tool.lines[1:]:
        assert column(header, line, "COMM") == mounter.comm
        assert column(header, line, "TID") == str(mounter.pid)
        assert column(header, line, "PCOMM") == parent
        assert column(header, line, "PPID") == str(os.getpid())
        assert column(header, line, "MNT_NS") == str(mounter.namespace)


def test_json_is_one_typed_object_a_line(start, mounter, only, tmp_path):
    plain = start(SCRIPT, "--mntnsmap", only)
    assert plain.ready() == "COMM             PID     TID     MNT_NS      CALL"
    tool = start(SCRIPT, "--json", "--mntnsmap", only)
    knock = ["nsenter", "-m", "-t", str(mounter.pid), "umount", "--no-canonicalize", "/knock"]
    tool.knock(lambda: subprocess.run(knock, stderr=subprocess.DEVNULL))
    fs, mount = mounter.go()
    tool.wait_for(lambda line: "/the-end" in line)
    plain.wait_for(lambda line: "/the-end" in line)
    assert tool.interrupt() == 0 and plain.interrupt() == 0
    records = [r for r in tool.json() if r["pid"] == mounter.pid]
    mounts = [r for r in records if r["call"] == "mount"]
    assert [r["args"]["source"] for r in mounts] == [f"telling-{n}" for n in range(PRIME)]
    target = str(tmp_path / "target")
    assert mounts[0] == {
        "comm": mounter.comm, "pid": mounter.pid, "tid": mounter.pid, "ppid": os.getpid(),
        "pcomm": Path("/proc/self/comm").read_text().strip(), "mnt_ns": mounter.namespace,
        "call": "mount", "ret": 0,
        "args": {
            "source": "telling-0", "target": target, "type": "tmpfs", "flags": 0xC0ED0006,
            "data": "size=1M",
        },
    }  # fmt: skip
    (moved,) = [r["args"] for r in records if r["call"] == "move_mount"]
    assert moved == {"from_dfd": mount, "from": "", "to_dfd": -100, "to": target, "flags": 4}
    assert (records[-1]["args"]["target"], records[-1]["ret"]) == ("/the-end", -2)
    assert len(calls_of(plain, plain.lines[0], mounter.pid)) == len(records)


def test_whole_machine(start, in_guest, tmp_path):
    tool = start(SCRIPT)
    header = tool.ready()
    (tmp_path / "target").mkdir()
    mounter = Mounter(tmp_path / "target")
    mounter.go()
    tool.wait_for(lambda line: "/the-end" in line)
    assert tool.interrupt() == 0
    first, *rest = calls_of(tool, header, mounter.pid)
    assert first == 'mount("none", "/", "", MS_REC|MS_PRIVATE, "") = 0'
    assert len(rest) == 2 * PRIME + 8, tool.report()


def test_a_map_that_is_not_there_is_one_line(start):
    tool = start(SCRIPT, "--mntnsmap", "/nonexistent/map")
    assert tool.finish() == 1
    assert tool.errors[-1].startswith("mountsnoop.py: ") and not tool.lines, tool.report()
